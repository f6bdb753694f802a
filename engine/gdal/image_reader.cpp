#include "engine/image_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/error.h"
#include "engine/gdal/dataset_pool.h"
#include "engine/gdal/native_mask.h"
#include "engine/gdal/netcdf_lock.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/sampling.h"
#include "engine/gdal/source_window.h"
#include "engine/stopwatch.h"

namespace cube {

namespace {

// Source cells held at a time: 8 MiB as doubles. Larger target windows are cut into pieces.
constexpr std::int64_t kMaxWindow = std::int64_t{1} << 20;

// Target cells placed at a time: some 20 MiB of positions and stencil.
constexpr std::int64_t kMaxPiece = std::int64_t{1} << 19;

// A bilinear read on a grid that is off by less than this is a paste. In source cells: it leaves
// out 1e-5 of the difference between neighbours.
constexpr double kPasteShift = 1e-5;

// A band at the resolution that suits a view.
struct Level {
  GDALRasterBandH band;
  std::int64_t width, height;
  double scale_x, scale_y;  // full-resolution cells a cell
};

// The overview that is asked for, else the coarsest that is at least as fine as the view; depends
// on image and view alone. Throws Error(kUnreadable) where there is no such overview.
Level choose_level(GDALRasterBandH full, double shrink, const RasterBand& source) {
  const auto level = [&](GDALRasterBandH band) {
    const int width = GDALGetRasterBandXSize(band);
    const int height = GDALGetRasterBandYSize(band);
    return Level{band, width, height, static_cast<double>(GDALGetRasterBandXSize(full)) / width,
                 static_cast<double>(GDALGetRasterBandYSize(full)) / height};
  };
  if (source.overview) {
    const int count = GDALGetOverviewCount(full);
    if (*source.overview >= 0 && *source.overview < count) {
      return level(GDALGetOverview(full, *source.overview));
    }
    throw Error(
        ErrorCode::kUnreadable,
        "has no overview " + std::to_string(*source.overview) + ", only " + std::to_string(count),
        source.descriptor);
  }
  constexpr double kSlack = 1.001;  // sizes of overviews are rounded
  Level best = level(full);
  for (int i = 0; i < GDALGetOverviewCount(full); ++i) {
    const Level next = level(GDALGetOverview(full, i));
    if (std::max(next.scale_x, next.scale_y) > shrink * kSlack) continue;
    if (next.width < best.width) best = next;
  }
  return best;
}

class GdalImageReader final : public ImageReader {
 public:
  explicit GdalImageReader(int max_open) : pool_(max_open) {}

  BlockPtr read(const RasterBand& source, const ReadTarget& target,
                const NativeMask* mask) override {
    std::optional<NetcdfLock> lock;
    if (reads_hdf5(source.descriptor)) lock.emplace();
    OpenImage& image = pool_.open(source.descriptor);
    stats_.opened = pool_.opened();
    stats_.seconds_open = pool_.seconds();
    GeoMap& map = image.map(*target.grid);
    Job job{source, target, mask, map, choose_level(image.band(source.band), map.shrink(), source),
            {}};
    const Stopwatch start;
    const double read_before = stats_.seconds_read;
    read_piece(job, target.rows, target.columns);
    stats_.seconds_warp += start.seconds() - (stats_.seconds_read - read_before);
    return job.block ? share(std::move(*job.block)) : nullptr;
  }

  const Stats& stats() const override { return stats_; }

 private:
  struct Job {
    const RasterBand& source;
    const ReadTarget& target;
    const NativeMask* mask;
    GeoMap& map;
    Level level;
    std::optional<Block> block;  // made when the first cell is found
  };

  // Fills a piece of the target, cut in two where its cells or the source cells under it are too
  // many.
  void read_piece(Job& job, const Range& rows, const Range& columns) {
    if (rows.size() * columns.size() > kMaxPiece) {
      split(job, rows, columns);
      return;
    }
    job.map.locate(rows, columns, positions_);
    to_level(job.level);
    const Footprint under =
        footprint_of(positions_, job.level.height, job.level.width, job.target.resampling);
    if (under.rows.empty() || under.columns.empty()) return;
    if (under.rows.size() * under.columns.size() > kMaxWindow && rows.size() * columns.size() > 1) {
      split(job, rows, columns);
      return;
    }
    read_source(job, under);
    if (!job.block) {
      job.block.emplace(Region{{0, 1}, job.target.rows, job.target.columns}, job.target.storage);
    }
    const bool paste = is_paste(job, positions_);
    ++(paste ? stats_.pasted : stats_.warped);
    const Resampling method = paste ? Resampling::kNearest : job.target.resampling;
    const Stencil stencil =
        make_stencil(std::move(positions_), under, job.level.height, job.level.width, method);
    sampler_.sample(window_, stencil, rows, columns, *job.block);
  }

  void split(Job& job, const Range& rows, const Range& columns) {
    if (rows.size() >= columns.size()) {
      const std::int64_t half = rows.begin + rows.size() / 2;
      read_piece(job, {rows.begin, half}, columns);
      read_piece(job, {half, rows.end}, columns);
    } else {
      const std::int64_t half = columns.begin + columns.size() / 2;
      read_piece(job, rows, {columns.begin, half});
      read_piece(job, rows, {half, columns.end});
    }
  }

  void to_level(const Level& level) {
    if (level.scale_x == 1 && level.scale_y == 1) return;
    for (double& x : positions_.x) x /= level.scale_x;
    for (double& y : positions_.y) y /= level.scale_y;
  }

  void read_source(Job& job, const Footprint& under) {
    const Stopwatch start;
    read_window(job.level.band, under.rows, under.columns, job.source.nodata, job.source.descriptor,
                window_);
    stats_.cells_decoded += static_cast<std::int64_t>(window_.size());
    if (job.mask) {
      for (const NativeMask::Layer& layer : job.mask->layers) {
        OpenImage& image = pool_.open(job.source.descriptor);
        hide_cells(window_, image, job.level.scale_y, job.level.scale_x, layer, pool_);
      }
      stats_.opened = pool_.opened();
      stats_.seconds_open = pool_.seconds();
    }
    stats_.seconds_read += start.seconds();
  }

  // True when each target cell is a source cell: nearest on grids that line up, or bilinear where
  // in addition centres lie on centres.
  static bool is_paste(const Job& job, const Positions& at) {
    if (!at.separable || at.x.empty() || at.y.empty()) return false;
    const double step_x = at.x.size() > 1 ? at.x[1] - at.x[0] : 1;
    const double step_y = at.y.size() > 1 ? at.y[1] - at.y[0] : 1;
    const auto whole = [](double v) { return std::abs(v - std::nearbyint(v)) < kPasteShift; };
    if (job.target.resampling == Resampling::kNearest) return whole(step_x) && whole(step_y);
    const double shrink = job.map.shrink() / std::max(job.level.scale_x, job.level.scale_y);
    return std::abs(shrink - 1) < kPasteShift && std::abs(step_x - 1) < kPasteShift &&
           std::abs(step_y - 1) < kPasteShift && whole(at.x[0] - 0.5) && whole(at.y[0] - 0.5);
  }

  DatasetPool pool_;
  Positions positions_;
  SourceWindow window_;
  Sampler sampler_;
  Stats stats_;
};

}  // namespace

std::unique_ptr<ImageReader> make_image_reader(int max_open) {
  register_gdal();
  return std::make_unique<GdalImageReader>(max_open);
}

}  // namespace cube
