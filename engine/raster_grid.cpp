#include "engine/raster_grid.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/placing.h"

namespace cube {

namespace {

// What RPCs lead to.
constexpr const char* kLonLat = "EPSG:4326";

Grid suggested(const RasterFile& file, std::optional<int> overview, const std::string& crs,
               const std::string& where) {
  // The file's own grid, but for the rounding of its size.
  if (file.info.on_grid && same_crs(file.grid.crs, crs)) return file.grid;
  if (!file.info.has_location) {
    throw Error(ErrorCode::kInvalid,
                file.name + " cannot be brought to the grid: " + why_nowhere(file), file.where);
  }
  try {
    return suggested_grid(file.name, overview, crs, file.placing);
  } catch (const Error& error) {
    throw Error(error.code(), file.name + ": " + error.message(), where,
                "left, right, bottom, top and dx say which");
  }
}

// How many cells of a size are nearest to a length, at least one.
double cells_in(double length, double size) {
  return std::max(1.0, std::floor(length / size + 0.5));
}

bool is_size(const std::optional<double>& size) { return *size > 0 && std::isfinite(*size); }

// The extent of `grid`; from its upper left corner on as much of it as makes whole cells.
void take_extent(SpaceView& space, const Grid& grid) {
  space.left = grid.left;
  space.top = grid.top;
  space.right = grid.right();
  space.bottom = grid.bottom();
  const std::optional<double> dx = space.dx ? space.dx : space.dy;
  const std::optional<double> dy = space.dy ? space.dy : space.dx;
  if (!dx || space.snap || !is_size(dx) || !is_size(dy)) return;
  space.right = grid.left + cells_in(grid.right() - grid.left, *dx) * *dx;
  space.bottom = grid.top - cells_in(grid.top - grid.bottom(), *dy) * *dy;
}

void take_size(SpaceView& space, const Grid& grid) {
  if (space.snap) {
    space.dx = grid.dx;
    space.dy = grid.dy;
    return;
  }
  space.nx = static_cast<std::int64_t>(cells_in(*space.right - *space.left, grid.dx));
  space.ny = static_cast<std::int64_t>(cells_in(*space.top - *space.bottom, grid.dy));
}

}  // namespace

Grid raster_grid(const SpaceView& space, const RasterFile& file, std::optional<int> overview,
                 const std::string& where) {
  if (space.like || space.tile) return make_grid(space, where);
  SpaceView full = space;
  if (!full.srs) {
    const bool by_rpcs = file.info.crs.empty() && !file.info.on_grid && file.info.has_location;
    full.srs = by_rpcs ? kLonLat : file.info.crs;
    if (full.srs->empty()) full.srs.reset();
  }
  const int edges = static_cast<int>(full.left.has_value()) + full.right.has_value() +
                    full.top.has_value() + full.bottom.has_value();
  const bool sized = full.dx || full.dy || full.nx || full.ny;
  const bool has_edges = edges == 4;
  // Some edges alone, no CRS, no extent at all in an unknown place: make_grid() says so.
  if (!full.srs || (edges > 0 && !has_edges) || (has_edges && sized)) return make_grid(full, where);
  const Grid grid = suggested(file, overview, canonical_plane_crs(*full.srs, where + "/srs"), where);
  if (!has_edges && !sized && !full.snap) return grid;
  if (!has_edges) take_extent(full, grid);
  if (!sized && *full.right > *full.left && *full.top > *full.bottom) take_size(full, grid);
  return make_grid(full, where);
}

}  // namespace cube
