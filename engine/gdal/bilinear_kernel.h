// Bilinear interpolation of images that do not lie along the view's axes; those that do are for
// SeparableFilter.
// Thread rule: one a thread.
#pragma once

#include <vector>

#include "engine/gdal/source_window.h"
#include "engine/gdal/stencil.h"

namespace cube {

class BilinearSampler {
 public:
  // Takes the cells of a window: single precision where it holds them exactly. `round`: as
  // ImageSize has it.
  void begin(const SourceWindow& window, std::int64_t round);

  // Target cells of a bilinear stencil from cell `first` on, NaN = missing. The formula is the
  // textbook's, in double precision, where all four cells are there; see filter_kernel.h for
  // others.
  void run(const Stencil& stencil, std::size_t first, std::vector<double>& out) const;

 private:
  template <class V>
  void blend(const std::vector<V>& values, const Stencil& s, std::size_t first,
             std::vector<double>& out) const;
  // Where a position lies between the centres of two cells: the first, and the way to the next.
  struct Way {
    std::int64_t cell;
    double part;
  };
  static Way way_at(double position);
  double at(std::int64_t row, std::int64_t column) const;
  double partial(const Way& y, const Way& x) const;

  Range rows_, columns_;
  std::int64_t round_ = 0;
  bool single_ = false;
  std::vector<float> singles_;  // the window, NaN = missing; or
  std::vector<double> doubles_;
};

}  // namespace cube
