// Grid: the north-up raster lattice of a cube.
// Thread rule: a value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/region.h"

namespace cube {

// A box in the units of a CRS.
struct Box {
  double left = 0;
  double bottom = 0;
  double right = 0;
  double top = 0;

  bool intersects(const Box& other) const {
    return left <= other.right && other.left <= right && bottom <= other.top && other.bottom <= top;
  }

  bool operator==(const Box&) const = default;
};

struct FeatureTable;

// Cell (y, x) covers [left + x dx, left + (x+1) dx) by (top - (y+1) dy, top - y dy].
struct Grid {
  std::string crs;  // as the user wrote it when that is an authority code, else WKT; "" = none
  double left = 0;  // outer edge of the first column, CRS units
  double top = 0;   // outer edge of the first row, CRS units
  double dx = 1;    // cell size, CRS units, > 0
  double dy = 1;    // cell size, CRS units, > 0 (rows run downwards)
  std::int64_t width = 0;   // columns
  std::int64_t height = 0;  // rows

  // Not null: a row is no place but a feature of this table (see engine/features.h), number
  // row - top; one column, no CRS, cells of 1.
  std::shared_ptr<const FeatureTable> features = nullptr;

  // Coordinates of edges and centres; fractional indices are allowed.
  double x_edge(double column) const { return left + column * dx; }
  double y_edge(double row) const { return top - row * dy; }
  double x_center(std::int64_t column) const {
    return left + (static_cast<double>(column) + 0.5) * dx;
  }
  double y_center(std::int64_t row) const { return top - (static_cast<double>(row) + 0.5) * dy; }

  // Fractional index of a coordinate: 0 at the outer edge of the first cell.
  double column(double x) const { return (x - left) / dx; }
  double row(double y) const { return (top - y) / dy; }

  double right() const { return x_edge(static_cast<double>(width)); }
  double bottom() const { return y_edge(static_cast<double>(height)); }
  Box extent() const { return {left, bottom(), right(), top}; }

  // Outline of a block of rows and columns.
  Box box(const Range& rows, const Range& columns) const;

  // The grid of a block of rows and columns; indices may lie outside.
  Grid window(const Range& rows, const Range& columns) const;

  // Cells `fy` x `fx` times as large, anchored at the top left; a part cell at the end counts.
  Grid coarsened(std::int64_t fy, std::int64_t fx) const;
};

// True when two grids have the same shape and their cells coincide to `tolerance` cells.
// The CRS is not compared (see engine/gdal/crs.h).
bool aligned(const Grid& a, const Grid& b, double tolerance = 1e-6);

// True when the centre of each cell of `view` surely lies in `source`. The CRS is not compared.
bool covers(const Grid& source, const Grid& view);

}  // namespace cube
