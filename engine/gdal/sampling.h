// Sampling: source cells at given positions, nearest or bilinear.
//
// A target cell is missing where the source cell that holds its centre is missing or outside the
// image; elsewhere the weights count only valid source cells and are renormalised. With all cells
// valid, bilinear is the textbook formula between centres of source cells, which gdalwarp computes
// with -et 0 -wo XSCALE=1 -wo YSCALE=1.
//
// Thread rule: one a thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/block.h"
#include "engine/gdal/geo_map.h"
#include "engine/gdal/source_window.h"
#include "engine/image_reader.h"

namespace cube {

// Source cells that positions need.
struct Footprint {
  Range rows;
  Range columns;
};

// The rectangle of source cells that a method needs for those positions that lie in an image of
// `height` x `width` cells; empty when none does.
Footprint footprint_of(const Positions& at, std::int64_t height, std::int64_t width,
                       Resampling method);

// Which cells of a footprint each target cell takes: the same for all bands of an image, and for
// all images that lie alike. Two forms, as Positions has.
//
// Nearest: the source cell that holds the centre. Bilinear: the upper left of the four cells round
// it, and in `x` and `y` how far it lies from that one's centre to the next, 0 to 1.
// Separable: `columns` and `rows` count from the footprint's first. Else `cells` are indices into
// the footprint in C order.
struct Stencil {
  static constexpr std::int32_t kOutside = -1;  // no source cell
  static constexpr std::int32_t kEdge = -2;     // bilinear at the image's edge: x, y are positions

  Footprint under;
  Resampling method = Resampling::kNearest;
  bool separable = false;
  bool adjacent = false;  // nearest, separable: `columns` inside are n, n + 1, ...
  std::vector<std::int32_t> columns, rows;
  std::vector<std::int32_t> cells;
  std::vector<double> x, y;
};

// REQUIRES: `under` is footprint_of() of the same arguments and has less than 2^31 cells. Takes
// the positions.
Stencil make_stencil(Positions&& at, const Footprint& under, std::int64_t height,
                     std::int64_t width, Resampling method);

class Sampler {
 public:
  // Fills the cells (rows, columns) of `out` (slice 0), which a stencil was made for. `window`
  // holds the stencil's footprint. Cells outside of the image are left as they are.
  // REQUIRES: `out` has a nodata value where a cell of the footprint is missing.
  void sample(const SourceWindow& window, const Stencil& stencil, const Range& rows,
              const Range& columns, Block& out);

 private:
  void nearest(const SourceWindow& window, const Stencil& stencil, const Range& rows,
               const Range& columns, Block& out);
  void bilinear(const SourceWindow& window, const Stencil& stencil, const Range& rows,
                const Range& columns, Block& out);

  std::vector<double> values_;  // the window as doubles, NaN = missing
  std::vector<double> row_;
  std::vector<std::int32_t> offsets_;  // separable: one row's cells
};

}  // namespace cube
