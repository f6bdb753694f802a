// What is made of a window of cells that moves over a slice: weighted sums, reducers, terrain.
//
// Thread rule: a SpaceWindow belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/padding.h"
#include "engine/reducers.h"

namespace cube {

// Weights of an odd number of rows and columns, row by row from the top left.
struct SpaceKernel {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  std::vector<double> weights;
};

// How far a window reaches from its middle cell.
struct SpaceReach {
  std::int64_t y = 0;
  std::int64_t x = 0;

  std::int64_t cells() const { return (2 * y + 1) * (2 * x + 1); }
};

class SpaceWindow {
 public:
  virtual ~SpaceWindow() = default;

  // Fills `out`, cells of row y from column x on, from the cells round them.
  // REQUIRES: `in` covers them and what the window reaches.
  virtual void run(const PaddedSlice& in, std::int64_t y, std::int64_t x,
                   std::span<double> out) = 0;

  // Called when another slice follows.
  virtual void begin() {}
};

// Sums of values times weights, not mirrored. A cell is missing where a value whose weight is not 0
// is; with `skip_missing` such values are left out and the sum is multiplied by the sum of all
// weights over that of the weights left (missing of nothing).
std::unique_ptr<SpaceWindow> kernel_window(SpaceKernel kernel, bool skip_missing);

// The same with the weights row_weights[i] * row_weights[j], row by row, then column by column.
// REQUIRES: an odd number of weights, all positive; sums are of weights that add up to 1.
std::unique_ptr<SpaceWindow> separable_window(std::vector<double> row_weights, bool skip_missing);
// Bytes for each column of padded rows.
std::int64_t separable_window_bytes(const SpaceReach& reach);

// Values in order row by row; positions are numbers in the window from 0.
std::unique_ptr<SpaceWindow> reducer_window(const Reducer& reducer, const SpaceReach& reach);
std::int64_t reducer_window_bytes(const Reducer& reducer, const SpaceReach& reach);
// And for each column of a row.
std::int64_t reducer_window_column_bytes(const Reducer& reducer, const SpaceReach& reach);

// Of 3 x 3 cells with Horn's weights (B. K. P. Horn, Hill shading and the reflectance map, 1981),
// as gdaldem; missing where any of the nine is.
struct Terrain {
  enum class Kind : std::uint8_t {
    kSobel,      // root of the sum of both squared sums of values times Sobel's weights
    kSlope,      // degrees, or with `percent` rise over run
    kAspect,     // degrees clockwise from north, where the slope faces; missing where flat
    kHillshade,  // 1 (in the shade) to 255
  };
  Kind kind = Kind::kSobel;
  double dx = 1;  // cell size, in units of the heights after multiplying by z_factor
  double dy = 1;
  double z_factor = 1;
  bool percent = false;
  double azimuth = 315;  // of the light, degrees clockwise from north
  double altitude = 45;  // degrees above the horizon
};
std::unique_ptr<SpaceWindow> terrain_window(const Terrain& terrain);

}  // namespace cube
