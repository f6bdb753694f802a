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

class Sampler {
 public:
  struct Size {
    std::int64_t height, width;
  };

  // Fills the cells (rows, columns) of `out` (slice 0) at positions `at`. `window` holds what
  // footprint_of() says, of an image of `size`. Positions outside leave the cell missing.
  void sample(const SourceWindow& window, const Positions& at, const Size& size, Resampling method,
              const Range& rows, const Range& columns, Block& out);

 private:
  void nearest(const SourceWindow& window, const Positions& at, const Size& size, const Range& rows,
               const Range& columns, Block& out);
  void bilinear(const SourceWindow& window, const Positions& at, const Size& size,
                const Range& rows, const Range& columns, Block& out);

  std::vector<double> values_;  // the window as doubles, NaN = missing
  std::vector<double> row_;
  std::vector<std::int64_t> offsets_;  // of nearest source cells in the window, -1 = none
};

}  // namespace cube
