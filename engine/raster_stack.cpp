#include "engine/raster_stack.h"

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/gdal/image_in_view.h"
#include "engine/remote_names.h"

namespace cube {

class StackKernel final : public Kernel {
 public:
  explicit StackKernel(const StackSource& op) : stack_(op.stack_) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    Chunk out{request.region, {}};
    for (const std::size_t band : request.bands) {
      out.bands.push_back(request.region.t == Range{0, 1}
                              ? read(0, band, request.region, inputs)
                              : read_slices(band, request.region, inputs));
    }
    return out;
  }

 private:
  BlockPtr read_slices(std::size_t band, const Region& region, Inputs& inputs) const {
    std::optional<Block> block;
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      const BlockPtr slice = read(t, band, region, inputs);
      if (!slice) continue;
      if (!block) block.emplace(region, stack_.info.bands[band].storage());
      block->copy_moved(*slice, t, 0, 0);
    }
    return block ? share(std::move(*block)) : nullptr;
  }

  // One slice, as one that has the index 0.
  BlockPtr read(std::int64_t slice, std::size_t band, const Region& region, Inputs& inputs) const {
    const auto& cells = stack_.at(slice, band);
    if (!cells) return nullptr;
    const ReadTarget target{.grid = &stack_.info.grid,
                            .rows = region.y,
                            .columns = region.x,
                            .resampling = cells->resampling,
                            .storage = stack_.info.bands[band].storage(),
                            .fill = cells->fill};
    try {
      return unpacked(inputs.images().read(cells->source, target, nullptr), cells->packing);
    } catch (const Error& error) {
      const bool unreadable =
          error.code() == ErrorCode::kUnreadable || error.code() == ErrorCode::kNotFound;
      if (stack_.strict || !unreadable) throw;
      inputs.skipped({cells->source.descriptor, error.what()});
      return nullptr;
    }
  }

  const RasterStack& stack_;
};

void add_blocks(RasterStack& stack, const RasterFile& file) {
  if (!stack.blocks) {
    stack.blocks = file.blocks;
    return;
  }
  StoredBlocks& all = *stack.blocks;
  const StoredBlocks& one = file.blocks;
  all.shape = {1, std::max(all.shape.y, one.shape.y), std::max(all.shape.x, one.shape.x)};
  all.kept = std::max(all.kept, one.kept);
  all.bands = std::min(all.bands, one.bands);
  all.cell_bytes = std::max(all.cell_bytes, one.cell_bytes);
  all.in_part = all.in_part && one.in_part;
}

std::unique_ptr<Kernel> StackSource::kernel() const { return std::make_unique<StackKernel>(*this); }

Cost StackSource::cost(const Request& request) const {
  Cost cost;
  const std::int64_t slice_cells = request.region.y.size() * request.region.x.size();
  std::int64_t widest = 0;
  std::int64_t filled = 0;
  for (std::int64_t t = request.region.t.begin; t < request.region.t.end; ++t) {
    bool any = false;
    for (const std::size_t band : request.bands) {
      const auto& cells = stack_.at(t, band);
      if (!cells) continue;
      any = true;
      cost.files.push_back(cells->source.descriptor);
      // The resolution of a file that is resampled is not looked at; the grid's stands for it.
      const auto cell = static_cast<std::int64_t>(size_of(info().bands[band].dtype));
      cost.read_bytes += slice_cells * cell;
      widest = std::max(widest, cell);
    }
    filled += any ? 1 : 0;
  }
  cost.images = filled;
  cost.empty = filled == 0;
  cost.filled_slices = filled;
  // The slice that was read, and its physical values.
  if (filled > 0) cost.scratch_bytes = kReaderBytes + 2 * slice_cells * widest;
  return cost;
}

std::vector<Reading> StackSource::readings(std::span<const std::size_t> bands) const {
  ReadingCount count;
  WaysToGrid ways(stack_.info.grid);
  for (const std::size_t band : bands) {
    for (std::int64_t t = 0; t < stack_.info.time.size(); ++t) {
      const auto& cells = stack_.at(t, band);
      if (!cells) continue;
      count.add(band, ways.text(cells->source, cells->resampling));
      break;
    }
  }
  return count.take();
}

bool StackSource::reads_remote() const {
  return std::ranges::any_of(
      stack_.cells, [](const auto& cells) { return cells && is_remote(cells->source.descriptor); });
}

std::vector<std::string> StackSource::source_names() const {
  Request all{info().extent(), {}};
  for (std::size_t b = 0; b < info().bands.size(); ++b) all.bands.push_back(b);
  return source_names(all);
}

std::vector<std::string> StackSource::source_names(const Request& request) const {
  std::vector<std::string> names;
  std::set<std::string_view> seen;
  for (std::int64_t t = request.region.t.begin; t < request.region.t.end; ++t) {
    for (const std::size_t band : request.bands) {
      const auto& cells = stack_.at(t, band);
      if (cells && seen.insert(cells->source.descriptor).second) {
        names.push_back(cells->source.descriptor);
      }
    }
  }
  return names;
}

}  // namespace cube
