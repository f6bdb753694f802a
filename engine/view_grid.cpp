// The grid of a view.
#include <cmath>
#include <numbers>
#include <vector>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/raster_info.h"
#include "engine/limits.h"
#include "engine/text.h"
#include "engine/view.h"

namespace cube {

namespace {

constexpr auto kMostCellsAside = static_cast<double>(limits::kCellsAside);

// A cell size that divides the extent but for rounding (0.1 in 1) does not make it grow.
constexpr double kExactCells = 1e-6;  // cells

[[noreturn]] void reject(const std::string& where, const std::string& message,
                         const std::string& hint = {}) {
  throw Error(ErrorCode::kInvalid, message, where, hint);
}

double required(const std::optional<double>& value, const std::string& where, const char* key) {
  if (!value) {
    reject(where + "/" + key, std::string("'") + key + "' is missing",
           "space needs left, right, top, bottom and srs, or like, or tile");
  }
  if (!std::isfinite(*value)) reject(where + "/" + key, "not a finite number");
  return *value;
}

// One axis of a grid.
struct Side {
  double low = 0;  // left or bottom
  double high = 0;
  double size = 1;  // of a cell
  std::int64_t n = 0;
};

// n >= 1, or nan of an extent without end.
std::int64_t checked_count(double n, const std::string& where) {
  if (!(n <= kMostCellsAside)) {
    reject(where, number_text(n) + " cells on one side are too many", "at most 2147483647");
  }
  return static_cast<std::int64_t>(n);
}

// Whole cells in `cells` cells, the last one counted even if it is a part.
double whole_cells(double cells) {
  const double near = std::round(cells);
  return std::abs(cells - near) <= kExactCells ? near : std::ceil(cells);
}

void fit_count(Side& side, std::int64_t n, const std::string& where) {
  side.n = checked_count(static_cast<double>(n), where);
  side.size = (side.high - side.low) / static_cast<double>(n);
}

void fit_size(Side& side, double size, bool snap, const std::string& where) {
  if (!(size > 0) || !std::isfinite(size)) {
    reject(where, "the cell size is " + number_text(size), "larger than 0");
  }
  side.size = size;
  if (snap) {
    const double first = -whole_cells(-side.low / size);
    // An extent that is hardly larger than nothing, seen from its cells, is in one of them.
    const double last = std::max(first + 1, whole_cells(side.high / size));
    side.n = checked_count(last - first, where);
    side.low = first * size;
    side.high = last * size;
    return;
  }
  const double cells = (side.high - side.low) / size;
  side.n = checked_count(std::max(1.0, whole_cells(cells)), where);
  const double excess = static_cast<double>(side.n) * size - (side.high - side.low);
  if (std::abs(excess) <= kExactCells * size) return;
  side.low -= excess / 2;
  side.high += excess / 2;
}

// Of one number alone follows the other by the extent's shape, rounded down as in gdalcubes, so
// that cells are about square.
std::int64_t count_of(const std::optional<std::int64_t>& given,
                      const std::optional<std::int64_t>& other, const Side& side,
                      const Side& other_side, const std::string& where) {
  if (given) return *given;
  const double cells =
      static_cast<double>(*other) * (side.high - side.low) / (other_side.high - other_side.low);
  return checked_count(std::max(1.0, std::floor(cells + kExactCells)), where);
}

void fit_counts(const SpaceView& space, Side& x, Side& y, const std::string& where) {
  const auto check = [&](const std::optional<std::int64_t>& n, const char* key) {
    if (!n || *n > 0) return;
    reject(where + "/" + key, "the number of cells is " + std::to_string(*n), "1 or more");
  };
  check(space.nx, "nx");
  check(space.ny, "ny");
  const std::int64_t nx = count_of(space.nx, space.ny, x, y, where + "/ny");
  const std::int64_t ny = count_of(space.ny, space.nx, y, x, where + "/nx");
  fit_count(x, nx, where + "/nx");
  fit_count(y, ny, where + "/ny");
}

// Cells smaller than the gaps between doubles there, or without end, are none.
void check_cells(const Side& side, const char* axis, const std::string& where) {
  const bool apart = side.low + side.size > side.low && side.high - side.size < side.high;
  if (side.n > 0 && apart && std::isfinite(side.size)) return;
  reject(where,
         "cells of " + number_text(side.size) + " along " + axis +
             " cannot be told apart between " + number_text(side.low) + " and " +
             number_text(side.high),
         "a double has about 16 digits");
}

Grid grid_of(const std::string& crs, const Side& x, const Side& y, const std::string& where) {
  check_cells(x, "x", where);
  check_cells(y, "y", where);
  return {.crs = crs,
          .left = x.low,
          .top = y.high,
          .dx = x.size,
          .dy = y.size,
          .width = x.n,
          .height = y.n};
}

void check_degrees(const std::string& crs, const Side& x, const Side& y, const std::string& where) {
  static constexpr double kMostLatitude = 91;  // half a cell beyond the pole is usual
  static constexpr double kMostLongitude = 540;
  if (!is_geographic(crs)) return;
  const auto check = [&](double value, double most, const char* key) {
    if (std::abs(value) <= most) return;
    reject(where + "/" + key, number_text(value) + " is no angle in degrees",
           "coordinates are in the units of srs, and " + crs + " has degrees");
  };
  check(x.low, kMostLongitude, "left");
  check(x.high, kMostLongitude, "right");
  check(y.low, kMostLatitude, "bottom");
  check(y.high, kMostLatitude, "top");
}

Grid grid_of_extent(const SpaceView& space, const std::string& where) {
  Side x{.low = required(space.left, where, "left"), .high = required(space.right, where, "right")};
  Side y{.low = required(space.bottom, where, "bottom"), .high = required(space.top, where, "top")};
  if (!space.srs) {
    reject(where + "/srs", "'srs' is missing", "a CRS such as EPSG:3857 or EPSG:32632");
  }
  const std::string crs = canonical_plane_crs(*space.srs, where + "/srs");
  if (x.low >= x.high) {
    reject(where + "/right",
           "right (" + number_text(x.high) + ") is not beyond left (" + number_text(x.low) + ")");
  }
  if (y.low >= y.high) {
    reject(where + "/top",
           "top (" + number_text(y.high) + ") is not above bottom (" + number_text(y.low) + ")");
  }
  check_degrees(crs, x, y, where);
  const bool counts = space.nx || space.ny;
  const bool sizes = space.dx || space.dy;
  if (counts && sizes) reject(where + "/dx", "both nx, ny and dx, dy are given", "give one pair");
  if (!counts && !sizes) {
    reject(where + "/dx", "neither dx, dy nor nx, ny is given",
           "cell sizes dx, dy or numbers of cells nx, ny");
  }
  if (counts) {
    if (space.snap) reject(where + "/snap", "snap needs cell sizes", "give dx and dy, not nx, ny");
    fit_counts(space, x, y, where);
  } else {
    // One size alone means square cells.
    fit_size(x, space.dx ? *space.dx : *space.dy, space.snap, where + "/dx");
    fit_size(y, space.dy ? *space.dy : *space.dx, space.snap, where + "/dy");
  }
  return grid_of(crs, x, y, where);
}

// `key` ("like" or "tile") says where the grid is, so nothing else may.
void forbid_extent(const SpaceView& space, const std::string& where, const std::string& key) {
  const auto forbid = [&](bool given, const char* name) {
    if (given) {
      reject(where + "/" + name, std::string("'") + name + "' contradicts '" + key + "'",
             "leave one of them out");
    }
  };
  forbid(space.left.has_value(), "left");
  forbid(space.right.has_value(), "right");
  forbid(space.top.has_value(), "top");
  forbid(space.bottom.has_value(), "bottom");
  forbid(space.dx.has_value(), "dx");
  forbid(space.dy.has_value(), "dy");
  forbid(space.srs.has_value(), "srs");
  forbid(space.snap, "snap");
}

Grid grid_of_raster(const SpaceView& space, const std::string& where) {
  forbid_extent(space, where, "like");
  const std::string place = where + "/like";
  if (space.tile) reject(where + "/tile", "'tile' contradicts 'like'", "leave one of them out");
  if (space.nx) reject(where + "/nx", "'nx' contradicts 'like'", "leave one of them out");
  if (space.ny) reject(where + "/ny", "'ny' contradicts 'like'", "leave one of them out");
  RasterInfo info;
  try {
    info = describe_raster(*space.like, {}, RasterDetail::kNoFootprint);
  } catch (const Error& error) {
    throw Error(error.code(), *space.like + ": " + error.message(), place, error.hint());
  }
  if (!info.on_grid) {
    reject(place, *space.like + " has no north-up grid", "a raster that is not rotated");
  }
  Grid grid = info.grid;
  if (grid.crs.empty()) grid.crs = info.crs;
  return grid;
}

// Cells of the XYZ pyramid in Web Mercator: at zoom z the world is 2^z by 2^z tiles, x to the
// east, y to the south.
Grid grid_of_tile(const SpaceView& space, const std::string& where) {
  static constexpr double kEarthRadius = 6378137;  // metres, of EPSG:3857
  static constexpr std::int64_t kTileCells = 256;
  static constexpr int kMostZoom = 30;
  const std::string place = where + "/tile";
  forbid_extent(space, where, "tile");
  std::vector<double> xyz;
  for (const std::string& part : split(*space.tile, ',')) {
    const auto number = parse_number(part);
    if (!number || *number < 0 || *number != std::floor(*number)) break;
    xyz.push_back(*number);
  }
  if (xyz.size() != 3 || xyz[2] > kMostZoom || split(*space.tile, ',').size() != 3) {
    reject(place, "'" + *space.tile + "' is no tile", "x,y,z in whole numbers, z at most 30");
  }
  const double tiles = std::exp2(xyz[2]);
  if (xyz[0] >= tiles || xyz[1] >= tiles) {
    reject(place, "there is no tile " + *space.tile,
           "x and y are below " + number_text(tiles) + " at zoom " + number_text(xyz[2]));
  }
  const double half = std::numbers::pi * kEarthRadius;
  const double width = 2 * half / tiles;
  Side x{.low = -half + xyz[0] * width, .high = -half + (xyz[0] + 1) * width};
  Side y{.low = half - (xyz[1] + 1) * width, .high = half - xyz[1] * width};
  SpaceView counts = space;
  if (!counts.nx && !counts.ny) counts.nx = kTileCells;
  fit_counts(counts, x, y, where);
  return grid_of("EPSG:3857", x, y, where);
}

}  // namespace

Grid make_grid(const SpaceView& space, const std::string& where) {
  if (space.like) return grid_of_raster(space, where);
  if (space.tile) return grid_of_tile(space, where);
  return grid_of_extent(space, where);
}

}  // namespace cube
