// Interpolation: bilinear, cubic, cubicspline and lanczos.
//
// A target cell is the sum of the source cells round its centre, weighed by a kernel K of their
// distance along each axis: K((c + 0.5 - x) / scale), normalised along the axis. `scale` is 1, or
// the source cells that a view cell spans where that is more than 1 / 0.95 (gdalwarp's limit): the
// kernel grows with it, so that cells between are not passed over. It is one number an image and
// view and axis. Bilinear always has scale 1: the four cells round the centre.
//
// Cubic is Keys' kernel with a = -1/2 (R. Keys, Cubic convolution interpolation for digital image
// processing, 1981), cubicspline the cubic B-spline (it smooths: it does not pass through the
// source's values), lanczos sinc(x) sinc(x / 3) up to 3.
//
// Missing source cells and those outside of the image: the target cell is missing where the cell
// that holds its centre is; elsewhere the others' weights are renormalised. Where negative weights
// leave less than kLeastWeight of the sum, which would blow up differences, it is the value of the
// cell that holds the centre.
//
// gdalwarp 3.6 agrees where no cell is missing (XSCALE and YSCALE set to 1 / scale), except that
// its lanczos, when it shrinks, centres the kernel on a source cell, and its cubicspline then goes
// on a little beyond the kernel's end. Of cells that lack source cells: its cubic turns to bilinear
// (where it does not shrink), and its lanczos leaves some missing.
//
// Images that lie along the view's axes are for SeparableFilter, bilinear across them for
// BilinearSampler.
//
// Thread rule: functions are pure; a GeneralFilter is for one thread.
#pragma once

#include <vector>

#include "engine/gdal/stencil.h"

namespace cube {

// Least sum of the weights of valid cells, 1 being all.
inline constexpr double kLeastWeight = 0.1;

// A kernel grows to this many source cells along an axis, which bounds the memory that one target
// cell needs; of larger target cells it covers the middle.
inline constexpr double kMostTaps = 1024;

// The kernel's value at a distance, in source cells if nothing is shrunk.
double kernel_at(Resampling method, double distance);

// By what the kernel grows along an axis, given Positions::scale_x or scale_y.
double kernel_scale(Resampling method, double cell_scale);

// Source cells that a target cell takes along an axis: half of them lie before its centre.
std::int64_t tap_count(Resampling method, double scale);

// The first of them at a position.
std::int64_t first_tap(double position, std::int64_t count);

// Writes the normalised weights of taps first, first + 1, ... with a stride.
void place_weights(Resampling method, double scale, double position, std::int64_t first,
                   std::int64_t count, double* weights, std::size_t stride);

AxisTaps make_taps(const std::vector<double>& positions, const Range& under, Resampling method,
                   double cell_scale);

// Interpolates cells of a stencil that is not separable, from cell `first` on. `cells` is the
// window as doubles, NaN = missing.
class GeneralFilter {
 public:
  void run(const std::vector<double>& cells, const Stencil& stencil, std::size_t first,
           std::vector<double>& out);

 private:
  struct Scales {
    double x, y;
  };
  double weigh(const std::vector<double>& cells, const Stencil& stencil, const Scales& scale,
               std::size_t k, double centre);
  double sum_valid(const std::vector<double>& cells, const Footprint& under, std::int64_t top,
                   std::int64_t left) const;

  std::vector<double> across_, down_;  // weights
};

}  // namespace cube
