// Stencil: which cells of a piece of an image each target cell takes.
// Thread rule: a value.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/block.h"
#include "engine/gdal/geo_map.h"
#include "engine/image_reader.h"
#include "engine/region.h"

namespace cube {

// An image at the resolution that is read.
struct ImageSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  // Columns once round the world, where the image goes all round: column n is column n + round, so
  // that it has no edge on the left and right. 0: it has.
  std::int64_t round = 0;

  bool operator==(const ImageSize&) const = default;
};

// Source cells that positions need. Columns of an image that goes round the world may go on beyond
// its first and last.
struct Footprint {
  Range rows;
  Range columns;
};

// What a separable interpolation takes along one axis: target cell k the `count` source cells from
// first[k] on, cell j with weight weights[j * first.size() + k]. Cells count from the footprint's
// first; those outside of the footprint are outside of the image. The weights sum to 1.
struct AxisTaps {
  std::int64_t count = 0;
  std::vector<std::int32_t> first;
  std::vector<double> weights;
};

// The same for all bands of an image, and for all images that lie alike. Two forms, as Positions
// has.
//
// Separable: `columns` and `rows` are the source cells that hold the centre, counted from the
// footprint's first; interpolation has `across` and `down` too.
// Else `cells` are indices into the footprint in C order: the source cell that holds the centre,
// but for bilinear the upper left of the four cells round it.
// `x` and `y`: positions of centres, but for bilinear that is not separable how far the centre lies
// from that of the upper left cell to the next, 0 to 1.
struct Stencil {
  static constexpr std::int32_t kOutside = -1;  // no source cell
  static constexpr std::int32_t kEdge = -2;     // bilinear at the image's edge: x, y are positions

  Footprint under;
  Resampling method = Resampling::kNearest;
  bool separable = false;
  bool adjacent = false;  // nearest, separable: `columns` inside are n, n + 1, ...
  std::vector<std::int32_t> columns, rows;
  std::vector<std::int32_t> cells;
  AxisTaps across, down;
  std::vector<double> x, y;
  std::vector<double> corner_x, corner_y;  // area methods: as in Positions
  double scale_x = 1, scale_y = 1;
  bool askew = false;
  // ImageSize::round. Positions lie in the image, so that column n may be n + round of the
  // footprint; a separable stencil has no such columns.
  std::int64_t round = 0;
  // Results that come out as the nodata value of what they are stored in become the number next to
  // it, so that they do not go missing; false: it stands for no missing cell.
  bool avoid_nodata = true;
};

// Stores results of a stencil in slice 0 of a block.
inline void store_row(const Stencil& stencil, std::int64_t row, std::int64_t column,
                      std::span<const double> values, Block& out) {
  if (stencil.avoid_nodata) {
    out.set_row_of_valid(0, row, column, values);
  } else {
    out.set_row(0, row, column, values);
  }
}

}  // namespace cube
