// Area methods: average, rms, sum, mode, min, max, med, q1, q3.
//
// A target cell is made of the source cells under it: those that touch the rectangle, along the
// source's axes, between the positions of its upper left and lower right corners, as gdalwarp takes
// them; the box round all four corners where the image (Positions::askew) or the cell lies askew. A
// target cell whose corners cannot be placed, or lie far from its centre, as round a pole, takes
// the source cell that holds its centre.
//
// average and rms weigh a source cell by the part of it that the rectangle covers. sum adds up such
// parts, times the area of the quadrilateral of the four corners in that of the rectangle, so that
// the sum over an image is kept where target cells cover it once. The others count
// each touched cell once: med, q1 and q3 are of n ordered values number ceil(n / 2), ceil(n / 4)
// and ceil(3 n / 4), counted from 1, which is always one of them; mode is the value that first, row
// by row, reaches the highest count. Borders nearer than kTie do not touch.
//
// Only valid source cells count, and the target cell is missing where the source cell that holds
// its centre is missing or outside of the image.
//
// gdalwarp 3.6 differs: it gives a value wherever one touched cell is valid; at the image's edge it
// weighs the outermost cells as if they covered the part of the rectangle that is outside; and its
// sum across CRSs shares out each source cell by exact polygons: the same total, other cells.
//
// A target cell with more source cells than the reader holds at once is made row by row by the
// methods that add up; the reader rejects it for the others.
//
// Thread rule: functions are pure; an AreaSampler is for one thread.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "engine/block.h"
#include "engine/gdal/source_window.h"
#include "engine/gdal/stencil.h"

namespace cube {

// Source cells that the target cells need whose centre lies in an image. REQUIRES: `at` has
// corners.
Footprint area_footprint(const Positions& at, const ImageSize& size);

// True for methods that are sums of weighted cells; they go to SeparableFilter where they can.
inline bool is_weighted_sum(Resampling method) {
  return method >= Resampling::kAverage && method <= Resampling::kSum;
}

// What such a method takes along a separable axis; the weights are parts of cells. REQUIRES:
// `under` is area_footprint() along it.
AxisTaps make_area_taps(const std::vector<double>& corners, const std::vector<double>& centres,
                        const Range& under);

// All area methods. Weighted sums give the same bits as SeparableFilter does.
class AreaSampler {
 public:
  // As Sampler::sample().
  void run(const SourceWindow& window, const Stencil& stencil, const Range& rows,
           const Range& columns, Block& out);

  // Reads some rows of a stencil's footprint; null when all their cells are missing.
  using ReadRows = std::function<const SourceWindow*(const Range& rows)>;

  // The value of a stencil's only target cell, `step` rows at a time: the same bits as run() gives.
  // NaN = missing. REQUIRES: adds_up().
  double run_in_rows(const Stencil& stencil, std::int64_t step, const ReadRows& read);

  // True for methods that need not hold all cells at once.
  static bool adds_up(Resampling method) {
    return is_area_method(method) &&
           (method < Resampling::kMode || method == Resampling::kMin || method == Resampling::kMax);
  }

 private:
  // Cells of the window along an axis that a target cell touches, and what it covers of them: that
  // part as a position in the image, where the window's first cell is `first`.
  struct Span {
    Range cells;
    std::int64_t first = 0;
    double low = 0, high = 0;

    double weight(std::int64_t cell) const;
  };

  // What is known of a target cell after some rows.
  struct Total {
    double sum = 0, weights = 0;
    double least = std::numeric_limits<double>::infinity(), most = -least;
  };
  struct Spans {
    Span down, across;
    double share = 1;  // the cell's area in that of the rectangle
  };

  static Spans spans_of(const Stencil& s, std::size_t i, std::size_t k, std::size_t columns);
  static Span span_of(double low, double high, const Range& cells, std::int64_t first);
  static void place_axis(const std::vector<double>& corners, const std::vector<double>& centres,
                         const Range& under, std::vector<Span>& spans);
  double cell(const Spans& spans);
  void add(const Span& down, const Span& across, Total& total) const;
  void add_weighted(const Span& down, const Span& across, Total& total) const;
  double finish(const Total& total, double share) const;
  void collect(const Span& down, const Span& across);
  double ordered();
  double most_frequent();

  const double* row_of(std::int64_t row) const {
    return cells_.data() + (row - held_.begin) * under_.columns.size();
  }

  Resampling method_ = Resampling::kAverage;
  Footprint under_;
  Range held_;                 // rows of the footprint that are in cells_
  std::vector<double> cells_;  // NaN = missing
  std::vector<Span> across_, down_;
  std::vector<double> row_;
  std::vector<double> values_;
  std::vector<std::pair<double, std::size_t>> counts_;
};

}  // namespace cube
