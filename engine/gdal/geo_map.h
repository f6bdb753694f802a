// GeoMap: where the cells of a view lie in an image.
//
// Same CRS and an affine image: an exact affine map. Otherwise GDAL's transformer (CRS, GCPs, RPCs,
// geolocation arrays) is evaluated at the nodes of a lattice that is anchored to the view's grid,
// never to the window that is asked for, so that a cell's position does not depend on chunks.
// Between nodes parabolas are laid; squares where they err are divided. Cells that come so near a
// border between source cells that the error could matter are evaluated exactly.
//
// Thread rule: one a thread.
#pragma once

#include <memory>
#include <vector>

#include "engine/gdal/handles.h"
#include "engine/grid.h"
#include "engine/region.h"

namespace cube {

// Positions are in cells of the full-resolution image: 0 at the outer edge of the first cell, 0.5
// at its centre. NaN where there is none.
struct Positions {
  std::vector<double> x;  // C order (row, column) of the window asked for
  std::vector<double> y;
  bool separable = false;  // x has one a column only, and y one a row
};

class GeoMap {
 public:
  virtual ~GeoMap() = default;

  // Positions of the centres of the view's cells in a window.
  virtual void locate(const Range& rows, const Range& columns, Positions& out) = 0;

  // True when locate() gives separable positions.
  virtual bool separable() const { return false; }

  // Source cells a view cell spans along its shorter side, at the image's centre.
  virtual double shrink() const = 0;
};

// Throws Error(kUnreadable) with `descriptor` when the image has no location or no way to the
// view's CRS.
std::unique_ptr<GeoMap> make_geo_map(GDALDatasetH dataset, const std::string& image_crs,
                                     const Grid& view, const std::string& descriptor);

// Centres this near a border between source cells count as beyond it, so that rounding errors do
// not decide ties. In source cells.
inline constexpr double kTie = 1e-7;

}  // namespace cube
