#include "engine/series.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/calendar.h"
#include "engine/missing.h"
#include "engine/source_bands.h"

namespace cube {

namespace {

constexpr auto kCellBytes = static_cast<std::int64_t>(sizeof(double));
// Values of a strip that the second-level cache holds beside what comes of them.
constexpr std::int64_t kStripValues = std::int64_t{1} << 16;
constexpr std::int64_t kFewestCells = 32;  // enough for loops over the cells of a strip
constexpr std::int64_t kMostCells = 512;

std::int64_t strip_cells(std::int64_t slices, std::int64_t columns) {
  const std::int64_t cells = kStripValues / std::max<std::int64_t>(1, slices);
  return std::min(columns, std::clamp(cells, kFewestCells, kMostCells));
}

std::vector<std::size_t> same_bands(const CubeInfo& cube) {
  std::vector<std::size_t> bands(cube.bands.size());
  std::iota(bands.begin(), bands.end(), std::size_t{0});
  return bands;
}

}  // namespace

std::vector<double> series_places(const TimeAxis& time) {
  std::vector<double> places;
  for (std::int64_t t = 0; t < time.size(); ++t) {
    const double seconds = epoch_seconds(time.start(t)) - epoch_seconds(time.start(0));
    places.push_back(time.is_regular() ? static_cast<double>(t)
                                       : seconds / static_cast<double>(kSecondsADay));
  }
  return places;
}

void SeriesStrip::reset(const Range& slices, std::size_t cells) {
  slices_ = slices;
  cells_ = cells;
  values_.resize(static_cast<std::size_t>(slices.size()) * cells);
}

SeriesOperator::SeriesOperator(CubeInfo out, const CubeInfo& input,
                               std::vector<std::size_t> sources)
    : Operator(std::move(out)), sources_(std::move(sources)), slabs_(input) {}

SeriesOperator::SeriesOperator(CubeInfo out, const CubeInfo& input)
    : SeriesOperator(std::move(out), input, same_bands(input)) {}

std::vector<std::size_t> SeriesOperator::sources(const std::vector<std::size_t>& bands) const {
  return source_bands(bands, [&](std::size_t band) { return sources_[band]; });
}

Request SeriesOperator::demand(const Request& out, std::size_t) const {
  return {{needed(out.region.t), out.region.y, out.region.x}, sources(out.bands)};
}

std::optional<PullPlan> SeriesOperator::pulls(const Request& out, std::size_t) const {
  const Request wanted = demand(out, 0);
  const std::int64_t all = wanted.region.t.size();
  return PullPlan{std::min(all, slabs_.slices(wanted)), all};
}

Cost SeriesOperator::cost(const Request& request) const {
  const std::int64_t slices = needed(request.region.t).size();
  const std::int64_t cells = strip_cells(slices, request.region.x.size());
  const auto bands = static_cast<std::int64_t>(request.bands.size());
  Cost cost;
  cost.scratch_bytes = (slices + bands * request.region.t.size() + 1) * cells * kCellBytes +
                       work_bytes(cells, slices);
  return cost;
}

class SeriesOperator::Work final : public Kernel {
 public:
  explicit Work(const SeriesOperator& op) : op_(op), work_(op.work()) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    wanted_ = op_.demand(request, 0);
    slabs_.clear();  // an earlier run may have failed
    op_.slabs_.each(wanted_, inputs, [&](Chunk slab) { slabs_.push_back(std::move(slab)); });
    Chunk out{request.region, std::vector<BlockPtr>(request.bands.size())};
    for (std::size_t s = 0; s < wanted_.bands.size(); ++s) {
      if (op_.passes_emptiness() && !has_values(s)) continue;
      compute_source(s, request, out);
    }
    slabs_.clear();
    return out;
  }

 private:
  bool has_values(std::size_t s) const {
    return std::any_of(slabs_.begin(), slabs_.end(),
                       [&](const Chunk& slab) { return slab.bands[s] != nullptr; });
  }

  // The bands of the result that come from pulled band `s`.
  void compute_source(std::size_t s, const Request& request, Chunk& out) {
    std::vector<std::size_t> bands;
    std::vector<std::size_t> places;  // in the request
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < request.bands.size(); ++i) {
      if (op_.sources_[request.bands[i]] != wanted_.bands[s]) continue;
      bands.push_back(request.bands[i]);
      places.push_back(i);
      blocks.push_back(
          Block::unfilled(request.region, op_.info().bands[request.bands[i]].storage()));
    }
    if (out_.size() < bands.size()) out_.resize(bands.size());
    const Range& all = request.region.x;
    const std::int64_t cells = strip_cells(wanted_.region.t.size(), all.size());
    for (std::int64_t y = request.region.y.begin; y < request.region.y.end; ++y) {
      for (std::int64_t x = all.begin; x < all.end; x += cells) {
        const Range columns{x, std::min(x + cells, all.end)};
        gather(s, y, columns);
        const auto out_strips = std::span(out_).first(bands.size());
        for (SeriesStrip& strip : out_strips) {
          strip.reset(request.region.t, static_cast<std::size_t>(columns.size()));
        }
        work_->run(in_, bands, out_strips);
        for (std::size_t k = 0; k < blocks.size(); ++k) store(out_[k], y, x, blocks[k]);
      }
    }
    for (std::size_t k = 0; k < blocks.size(); ++k)
      out.bands[places[k]] = share(std::move(blocks[k]));
  }

  // The wanted slices of pulled band `s` in a strip of row y.
  void gather(std::size_t s, std::int64_t y, const Range& columns) {
    in_.reset(wanted_.region.t, static_cast<std::size_t>(columns.size()));
    for (const Chunk& slab : slabs_) {
      for (std::int64_t t = slab.region.t.begin; t < slab.region.t.end; ++t) {
        const auto to = in_.at(t);
        if (slab.bands[s]) {
          const auto row = slab.bands[s]->row(t, y, columns, row_);
          std::copy(row.begin(), row.end(), to.begin());
        } else {
          std::fill(to.begin(), to.end(), kMissing);
        }
      }
    }
  }

  static void store(const SeriesStrip& strip, std::int64_t y, std::int64_t x, Block& block) {
    for (std::int64_t t = strip.slices().begin; t < strip.slices().end; ++t) {
      block.set_row(t, y, x, strip.at(t));
    }
  }

  const SeriesOperator& op_;
  std::unique_ptr<SeriesWork> work_;
  Request wanted_;            // what slabs_ cover
  std::vector<Chunk> slabs_;  // in order of time, side by side
  SeriesStrip in_;
  std::vector<SeriesStrip> out_;
  std::vector<double> row_;
};

std::unique_ptr<Kernel> SeriesOperator::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace cube
