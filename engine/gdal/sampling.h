// Sampling: source cells at given positions, by all of GDAL's methods.
//
// A target cell is missing where the source cell that holds its centre is missing or outside the
// image, whatever the method; elsewhere only valid source cells count and weights are renormalised.
// Nearest takes the cell that holds the centre. Interpolation is defined in filter_kernel.h, area
// methods in area_kernel.h. With all cells valid, bilinear is the textbook formula between centres
// of source cells, which gdalwarp computes with -et 0 -wo XSCALE=1 -wo YSCALE=1.
//
// Thread rule: one a thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/block.h"
#include "engine/gdal/area_kernel.h"
#include "engine/gdal/bilinear_kernel.h"
#include "engine/gdal/filter_kernel.h"
#include "engine/gdal/geo_map.h"
#include "engine/gdal/separable_kernel.h"
#include "engine/gdal/source_window.h"
#include "engine/gdal/stencil.h"
#include "engine/image_reader.h"

namespace cube {

// The rectangle of source cells that a method needs for those positions that lie in an image; empty
// when none does. REQUIRES: area methods have corners.
Footprint footprint_of(const Positions& at, const ImageSize& size, Resampling method);

// REQUIRES: `under` is footprint_of() of the same arguments and has less than 2^31 cells. Takes
// the positions.
Stencil make_stencil(Positions&& at, const Footprint& under, const ImageSize& size,
                     Resampling method);

// What footprint_of() needs for a window of a view: centres, and corners where the method needs
// them.
void locate(GeoMap& map, const Range& rows, const Range& columns, Resampling method,
            Positions& out);

// Sets those cells (rows, columns) of all slices of `out` that a stencil finds outside of the image.
void fill_outside(double value, const Stencil& stencil, const Range& rows, const Range& columns,
                  Block& out);

class Sampler {
 public:
  // Fills the cells (rows, columns) of `out` (slice 0), which a stencil was made for. `window`
  // holds the stencil's footprint. Cells outside of the image are left as they are or made missing.
  // REQUIRES: `out` has a nodata value where a cell of the footprint is missing.
  void sample(const SourceWindow& window, const Stencil& stencil, const Range& rows,
              const Range& columns, Block& out);

  // For target cells with more source cells than are held at once.
  AreaSampler& areas() { return area_; }

 private:
  void nearest(const SourceWindow& window, const Stencil& stencil, const Range& rows,
               const Range& columns, Block& out);
  void general(const SourceWindow& window, const Stencil& stencil, const Range& rows,
               const Range& columns, Block& out);

  Resampling held_for_ = Resampling::kNearest;  // the method that a window is copied for
  std::vector<double> values_;                  // the window as doubles, NaN = missing
  std::vector<double> row_;
  std::vector<std::int32_t> offsets_;  // separable: one row's cells
  SeparableFilter separable_;
  BilinearSampler bilinear_;
  GeneralFilter general_;
  AreaSampler area_;
};

}  // namespace cube
