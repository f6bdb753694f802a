#include "engine/image_reader.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "engine/error.h"
#include "engine/gdal/dataset_pool.h"
#include "engine/gdal/image_in_view.h"
#include "engine/gdal/native_mask.h"
#include "engine/gdal/netcdf_lock.h"
#include "engine/gdal/paste.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/sampling.h"
#include "engine/gdal/source_window.h"
#include "engine/gdal/stencil_cache.h"
#include "engine/stopwatch.h"
#include "engine/text.h"

namespace cube {

namespace {

// Source cells held at a time: 8 MiB as doubles. Larger target windows are cut into pieces.
constexpr std::int64_t kMaxWindow = std::int64_t{1} << 20;

// Target cells of images that lie across the view's axes placed at a time: up to 9 MiB of positions
// and stencil.
constexpr std::int64_t kMaxPiece = std::int64_t{1} << 18;

// Stencils that are kept.
constexpr std::size_t kStencilBytes = std::size_t{12} << 20;

class GdalImageReader final : public ImageReader {
 public:
  GdalImageReader(std::shared_ptr<BlockCache> blocks, int max_open)
      : pool_(max_open, std::move(blocks)), masker_(pool_) {}

  BlockPtr read(const RasterBand& source, const ReadTarget& target,
                const NativeMask* mask) override {
    std::optional<NetcdfLock> lock;
    if (reads_hdf5(source.descriptor)) lock.emplace();
    // What GDAL says where we do not ask, such as of a mask or an overview that it does not find.
    const GdalErrors aside;
    try {
      BlockPtr block = read_turns(source, target, mask);
      if (!aside.system()) return block;
      throw Error(ErrorCode::kUnreadable, "cannot be read: " + aside.reason(source.descriptor),
                  source.descriptor);
    } catch (...) {
      pool_.forget(source);  // drivers tell of some damage only once
      throw;
    }
  }

  const Stats& stats() const override { return stats_; }

 private:
  struct Job {
    const RasterBand& source;
    const ReadTarget& target;
    const NativeMask* mask;
    OpenImage* image;
    GeoMap* map;
    ImageLevel level;
    std::optional<Block> block;  // made when the first cell is found
  };

  BlockPtr read_turns(const RasterBand& source, const ReadTarget& target, const NativeMask* mask) {
    std::optional<Block> block = filled(target);
    for (const Turn& turn : turns_of(pool_.open(source), *target.grid, target.columns)) {
      ReadTarget turned = target;
      turned.grid = &turn.grid;
      Job job{source, turned, mask, nullptr, nullptr, {}, std::move(block)};
      open(job);
      const Stopwatch start;
      const double before = stats_.seconds_read + pool_.seconds();
      read_piece(job, target.rows, turn.columns);
      stats_.seconds_warp += start.seconds() - (stats_.seconds_read + pool_.seconds() - before);
      block = std::move(job.block);
    }
    stats_.seconds_decode = pool_.decoding().seconds;
    stats_.blocks_decoded = pool_.decoding().blocks;
    return block ? share(std::move(*block)) : nullptr;
  }

  void open(Job& job) {
    job.image = &pool_.open(job.source);
    job.map = &job.image->map(*job.target.grid);
    job.level = choose_level(*job.image, job.map->shrink(), job.source, job.target.resampling);
    stats_.opened = pool_.opened();
    stats_.seconds_open = pool_.seconds();
  }

  SourceBand source_of(const Job& job, bool in_blocks) {
    return {job.level.band,
            job.source.descriptor,
            in_blocks && job.image->blocks_apart(),
            job.image->tiles(job.level.band),
            job.level.size.round,
            job.image->stores_blocks() ? &pool_.decoding() : nullptr};
  }

  // Fills a piece of the target, cut in two where its cells or the source cells under it are too
  // many.
  void read_piece(Job& job, const Range& rows, const Range& columns) {
    if (!job.map->separable()) {
      read_warped(job, rows, columns);
      return;
    }
    locate(*job.map, rows, columns, job.target.resampling, positions_);
    positions_.to_level(job.level.scale_x, job.level.scale_y);
    const bool paste = is_paste(positions_, job.target.resampling);
    const Resampling method = paste ? Resampling::kNearest : job.target.resampling;
    const Footprint under = footprint_of(positions_, job.level.size, method);
    if (under.rows.empty() || under.columns.empty()) return;
    const bool large = size_of(under) > kMaxWindow && rows.size() * columns.size() > 1;
    if (large && !(paste && reads_in_place(job))) {
      split(job, rows, columns);
      return;
    }
    const Stencil stencil = make_stencil(std::move(positions_), under, job.level.size, method);
    if (paste && pastes(read_dtype(job.level.band, job.source.descriptor), job.target.storage)) {
      if (const auto lines = paste_of(stencil)) {
        read_lines(job, *lines, rows, columns);
        return;
      }
    }
    if (large) {
      split(job, rows, columns);
      return;
    }
    ++(paste ? stats_.pasted : stats_.warped);
    fill(job, stencil, rows, columns);
  }

  // The same for an image that does not lie along the view's axes.
  void read_warped(Job& job, const Range& rows, const Range& columns) {
    if (rows.size() * columns.size() > kMaxPiece) {
      split(job, rows, columns);
      return;
    }
    const Stencil& stencil = placed(job, rows, columns);
    const Footprint& under = stencil.under;
    if (under.rows.empty() || under.columns.empty()) return;
    if (stencil.cells.empty()) {
      split(job, rows, columns);
      return;
    }
    ++stats_.warped;
    fill(job, stencil, rows, columns);
  }

  void fill(Job& job, const Stencil& stencil, const Range& rows, const Range& columns) {
    if (is_area_method(stencil.method) && size_of(stencil.under) > kMaxWindow) {
      fill_cell(job, stencil, rows.begin, columns.begin);
    } else if (read_source(job, stencil.under)) {
      sampler_.sample(window_, stencil, rows, columns, block_of(job));
    } else {
      return;
    }
    if (job.target.fill) fill_outside(*job.target.fill, stencil, rows, columns, *job.block);
  }

  // One target cell whose source cells are too many to be held at once.
  void fill_cell(Job& job, const Stencil& stencil, std::int64_t row, std::int64_t column) {
    const Footprint& under = stencil.under;
    if (!AreaSampler::adds_up(stencil.method)) {
      throw Error(ErrorCode::kUnreadable,
                  "has " + counted(size_of(under), "cell") +
                      " under one cell of the view, too many for '" +
                      std::string(name(stencil.method)) + "'",
                  job.source.descriptor, "use average, min, max or near, or finer cells");
    }
    const std::int64_t step = std::max<std::int64_t>(1, kMaxWindow / under.columns.size());
    const double value =
        sampler_.areas().run_in_rows(stencil, step, [&](const Range& part) -> const SourceWindow* {
          return read_source(job, {part, under.columns}) ? &window_ : nullptr;
        });
    store_row(stencil, row, column, std::span(&value, 1), block_of(job));
  }

  static std::int64_t size_of(const Footprint& under) {
    return under.rows.size() * under.columns.size();
  }

  // What cells outside of the image hold, everywhere; nothing where they are missing.
  static std::optional<Block> filled(const ReadTarget& target) {
    if (!target.fill) return std::nullopt;
    Block block = Block::unfilled(region_of(target), target.storage);
    const std::vector<double> row(static_cast<std::size_t>(target.columns.size()), *target.fill);
    for (std::int64_t y = target.rows.begin; y < target.rows.end; ++y) block.set_row(0, y, row);
    return block;
  }

  static Block& block_of(Job& job) {
    if (!job.block) job.block.emplace(region_of(job.target), job.target.storage);
    return *job.block;
  }

  // The stencil of a piece, made once for all images that lie alike; without cells where no source
  // cell is under it or too many are.
  const Stencil& placed(Job& job, const Range& rows, const Range& columns) {
    const Resampling method = job.target.resampling;
    const StencilCache::Key key{job.map->key(), job.level.size, method, rows, columns};
    if (const Stencil* known = stencils_.find(key)) return *known;
    locate(*job.map, rows, columns, method, positions_);
    positions_.to_level(job.level.scale_x, job.level.scale_y);
    const Footprint under = footprint_of(positions_, job.level.size, method);
    const bool large = size_of(under) > kMaxWindow && rows.size() * columns.size() > 1;
    if (under.rows.empty() || under.columns.empty() || large) {
      Stencil none;
      none.under = under;
      return stencils_.put(key, std::move(none));
    }
    return stencils_.put(key, make_stencil(std::move(positions_), under, job.level.size, method));
  }

  static Region region_of(const ReadTarget& target) {
    return {{0, 1}, target.rows, target.columns};
  }

  // True when source cells of lines can go where they belong without a window between.
  bool reads_in_place(const Job& job) const { return !job.mask && is_stored_alike(job); }

  static bool is_stored_alike(const Job& job) {
    return read_dtype(job.level.band, job.source.descriptor) == job.target.storage.dtype &&
           !has_mask_band(job.level.band);
  }

  // Lines of source cells that become lines of target cells.
  void read_lines(Job& job, const Paste& lines, const Range& rows, const Range& columns) {
    const HiddenCells* hidden = hidden_cells(job, {lines.rows, lines.columns});
    if (hidden && hidden->all) return;
    const Stopwatch start;
    if (!job.block) {
      const bool whole = lines.rows.size() == job.target.rows.size() &&
                         lines.columns.size() == job.target.columns.size();
      job.block = whole ? Block::unfilled(region_of(job.target), job.target.storage)
                        : Block(region_of(job.target), job.target.storage);
    }
    ++stats_.pasted;
    const std::int64_t row = rows.begin + lines.row;
    const std::int64_t column = columns.begin + lines.column;
    if (is_stored_alike(job)) {
      stats_.cells_decoded += read_paste(source_of(job, true), lines, job.source.nodata,
                                         cells_of(hidden), row, column, *job.block);
    } else {
      stats_.cells_decoded += read_window(source_of(job, true), lines.rows, lines.columns,
                                          job.source.nodata, cells_of(hidden), window_);
      paste_window(window_, row, column, *job.block);
    }
    stats_.seconds_read += start.seconds();
  }

  static std::span<const std::uint8_t> cells_of(const HiddenCells* hidden) {
    if (!hidden) return {};
    return hidden->cells;
  }

  void split(Job& job, const Range& rows, const Range& columns) {
    for_halves(rows, columns, [&](const Range& y, const Range& x) { read_piece(job, y, x); });
  }

  // What the job's mask hides, before anything of the image is decoded; null without a mask.
  const HiddenCells* hidden_cells(Job& job, const Footprint& under) {
    if (!job.mask) return nullptr;
    const Stopwatch start;
    const double opening = pool_.seconds();
    const HiddenCells& hidden =
        masker_.hidden(job.source,
                       {under.rows, under.columns, job.level.scale_y, job.level.scale_x,
                        job.level.size.width, job.level.size.round},
                       *job.mask);
    open(job);  // masks may have taken its place in the pool
    stats_.seconds_read += start.seconds() - (pool_.seconds() - opening);
    return &hidden;
  }

  // Reads a part of the image into window_. False when a mask hides all of it.
  bool read_source(Job& job, const Footprint& under) {
    const HiddenCells* hidden = hidden_cells(job, under);
    if (hidden && hidden->all) return false;
    const Stopwatch start;
    stats_.cells_decoded += read_window(source_of(job, false), under.rows, under.columns,
                                        job.source.nodata, cells_of(hidden), window_);
    stats_.seconds_read += start.seconds();
    return true;
  }

  DatasetPool pool_;
  NativeMasker masker_;
  Positions positions_;
  StencilCache stencils_{kStencilBytes};
  SourceWindow window_;
  Sampler sampler_;
  Stats stats_;
};

}  // namespace

std::unique_ptr<ImageReader> make_image_reader(std::shared_ptr<BlockCache> blocks, int max_open) {
  constexpr std::int64_t kOwnBytes = std::int64_t{16} << 20;
  register_gdal();
  if (!blocks) blocks = std::make_shared<BlockCache>(kOwnBytes);
  return std::make_unique<GdalImageReader>(std::move(blocks), max_open);
}

}  // namespace cube
