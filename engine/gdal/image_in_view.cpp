#include "engine/gdal/image_in_view.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/netcdf_lock.h"
#include "engine/gdal/paste.h"
#include "engine/text.h"

namespace cube {

namespace {

bool is_one(double scale) {
  constexpr double kNear = 1e-5;
  return std::abs(scale - 1) < kNear;
}

}  // namespace

ImageLevel choose_level(const OpenImage& image, double shrink, const RasterBand& source,
                        Resampling method) {
  GDALRasterBandH full = image.band(source.band);
  const auto level = [&](std::optional<int> overview) {
    GDALRasterBandH band = overview ? GDALGetOverview(full, *overview) : full;
    const int width = GDALGetRasterBandXSize(band);
    const int height = GDALGetRasterBandYSize(band);
    const double scale_x = static_cast<double>(GDALGetRasterBandXSize(full)) / width;
    return ImageLevel{band,
                      {height, width, columns_at(image.round(), scale_x)},
                      scale_x,
                      static_cast<double>(GDALGetRasterBandYSize(full)) / height,
                      overview};
  };
  if (source.overview) {
    const int count = GDALGetOverviewCount(full);
    if (*source.overview >= 0 && *source.overview < count) {
      return level(source.overview);
    }
    throw Error(
        ErrorCode::kUnreadable,
        "has no overview " + std::to_string(*source.overview) + ", only " + std::to_string(count),
        source.descriptor);
  }
  const int count = GDALGetOverviewCount(full);
  if (source.overviews.level && count > 0) {
    return level(std::min(*source.overviews.level, count - 1));
  }
  constexpr double kSlack = 1.001;  // sizes of overviews are rounded
  std::vector<ImageLevel> fine = {level(std::nullopt)};
  for (int i = 0; i < count && !is_area_method(method); ++i) {
    const ImageLevel next = level(i);
    if (std::max(next.scale_x, next.scale_y) <= shrink * kSlack) fine.push_back(next);
  }
  const auto width = [](const ImageLevel& one) { return one.size.width; };
  std::ranges::stable_sort(fine, std::greater(), width);
  const auto coarsest = static_cast<int>(fine.size()) - 1;
  return fine[static_cast<std::size_t>(std::max(0, coarsest - source.overviews.finer))];
}

std::vector<Turn> turns_of(const OpenImage& image, const Grid& view, const Range& columns) {
  const double once = image.turn();
  const auto middle = image.middle();
  const double tie = kTie * image.column_width();
  const auto turn_of = [&](std::int64_t column) {
    return std::floor((view.x_center(column) + tie - *middle) / once + 0.5);
  };
  // The systems are compared only where that matters, and the numbers can be degrees.
  const bool turned = middle && !columns.empty() && std::abs(view.left) < 2 * once &&
                      (turn_of(columns.begin) != 0 || turn_of(columns.end - 1) != 0) &&
                      same_crs(image.crs(), view.crs) &&
                      (image.round() > 0 || is_geographic(view.crs));
  if (!turned) return {{columns, view}};
  std::vector<Turn> out;
  for (std::int64_t column = columns.begin; column < columns.end;) {
    Turn turn{{column, column + 1}, view};
    const double number = turn_of(column);
    while (turn.columns.end < columns.end && turn_of(turn.columns.end) == number) {
      ++turn.columns.end;
    }
    turn.grid.left -= number * once;
    column = turn.columns.end;
    out.push_back(std::move(turn));
  }
  return out;
}

std::string to_text(const ImageWay& way) {
  if (way.kind == ImageWay::Kind::kBeside) return "not in the view";
  std::string out =
      way.kind == ImageWay::Kind::kPaste ? "pasted" : "warped by " + std::string(name(way.method));
  if (!way.overview) return out;
  return out + " from overview " + std::to_string(*way.overview) +
         " (1:" + number_text(std::round(way.shrink * 100) / 100) + ")";
}

ImageWay way_of(const RasterBand& source, const Grid& grid, Resampling method) {
  std::optional<NetcdfLock> lock;
  if (reads_hdf5(source.descriptor)) lock.emplace();
  DatasetPool pool(2, nullptr);
  OpenImage& image = pool.open(source);
  ImageWay way{.kind = ImageWay::Kind::kBeside, .method = method};
  for (const Turn& turn : turns_of(image, grid, {0, grid.width})) {
    GeoMap& map = image.map(turn.grid);
    const ImageLevel level = choose_level(image, map.shrink(), source, method);
    way.overview = level.overview;
    way.shrink = level.scale_x;
    way.kind = ImageWay::Kind::kWarp;
    if (!map.separable()) return way;
    Positions at;
    locate(map, {0, grid.height}, turn.columns, method, at);
    at.to_level(level.scale_x, level.scale_y);
    // With nearest a paste may also leave out cells.
    const bool paste = is_paste(at, method) && is_one(at.scale_x) && is_one(at.scale_y);
    if (paste) way.kind = ImageWay::Kind::kPaste;
    const Footprint under = footprint_of(at, level.size, paste ? Resampling::kNearest : method);
    if (!under.rows.empty() && !under.columns.empty()) return way;
    way.kind = ImageWay::Kind::kBeside;
  }
  return way;
}

std::string WaysToGrid::text(const RasterBand& source, Resampling method) {
  const auto [known, added] = known_.try_emplace({source.descriptor, method});
  if (!added) return known->second;
  try {
    known->second = to_text(way_of(source, grid_, method));
  } catch (const Error&) {  // told when it is read
    known->second = "not readable";
  }
  return known->second;
}

}  // namespace cube
