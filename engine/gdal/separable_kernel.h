// Interpolation (see filter_kernel.h) and weighted sums of areas (see area_kernel.h) of images that
// lie along the view's axes: separable stencils.
//
// Each source row is filtered across once for all target rows that take it; these are sums of some
// of the filtered rows. Whether cells are missing chooses between loops, never between formulas.
//
// Thread rule: one a thread.
#pragma once

#include <vector>

#include "engine/block.h"
#include "engine/gdal/source_window.h"
#include "engine/gdal/stencil.h"

namespace cube {

class SeparableFilter {
 public:
  // As Sampler::sample(). REQUIRES: cells are finite where the method is a weighted sum of areas.
  void run(const SourceWindow& window, const Stencil& stencil, const Range& rows,
           const Range& columns, Block& out);

 private:
  // Part of a source row as doubles.
  struct Cells {
    std::int64_t row = -1;      // of the window; -1 = none
    bool clean = false;         // no cell is missing
    std::vector<double> value;  // 0 for missing
    std::vector<double> valid;  // 1, or 0 for missing
  };
  // It filtered across, for a strip of target cells.
  struct Line {
    std::int64_t row = -1;
    bool clean = false;
    std::vector<double> sum;
    std::vector<double> weight, missing;  // unless clean: of valid cells; count of others
  };
  // Target columns [begin, end), and the window's columns [first, last) under them.
  struct Strip {
    std::size_t begin, end;
    std::int64_t first, last;
    bool adjacent;  // taps start at first, first + 1, ...

    std::size_t size() const { return end - begin; }
  };

  Strip make_strip(std::size_t begin) const;
  void run_strip(const Strip& strip, const Range& rows, std::int64_t column, Block& out);
  void read(std::int64_t row, const Strip& strip, Cells& out) const;
  const Line& line_at(std::int64_t row, const Strip& strip);
  void filter(const Strip& strip, const std::vector<double>& cells, std::vector<double>& out) const;
  bool take_lines(std::size_t i, const Strip& strip);
  void blend(std::size_t i, const Strip& strip, std::vector<double>& out);
  void blend_gaps(std::size_t i, const Strip& strip);
  void settle_gaps(std::size_t i, const Strip& strip);
  void finish_areas(std::size_t i, const Strip& strip, bool clean);

  const SourceWindow* window_ = nullptr;
  const Stencil* stencil_ = nullptr;
  std::vector<std::int32_t> offsets_;  // of the strip's first taps, from its first column
  std::vector<double> zeros_, ones_;
  std::vector<double> all_;  // a clean line's weights; empty until it is needed
  Cells cells_, centres_;
  std::vector<Line> lines_;         // window row r is in lines_[r % size]
  std::vector<const Line*> taken_;  // by the target row; null = outside of the image
  std::vector<const double*> parts_;
  std::vector<double> sum_, weight_, missing_;
};

}  // namespace cube
