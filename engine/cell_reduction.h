// CellReduction: the work of operators that reduce blocks of neighbouring cells to one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/operator.h"
#include "engine/reducers.h"

namespace cube {

// How one axis is cut into windows: window i spans input cells begin + i * size to begin +
// (i + 1) * size and may stick out at either end of the axis. A cell belongs to the window that its
// centre lies in, to the later one where that is on an edge.
struct CellWindows {
  double begin = 0;        // cells of the input; negative where the first window sticks out
  double size = 1;         // of a window, in cells of the input, at least 1
  std::int64_t cells = 0;  // of the input
  std::int64_t count = 0;  // windows

  // The first cell of a window, which may lie outside of the axis.
  std::int64_t first(std::int64_t window) const {
    constexpr double kRounding = 1e-6;  // cells
    return static_cast<std::int64_t>(
        std::ceil(begin + static_cast<double>(window) * size - 0.5 - kRounding));
  }
  Range whole(const Range& windows) const { return {first(windows.begin), first(windows.end)}; }
  Range inside(const Range& windows) const { return intersect(whole(windows), Range{0, cells}); }
  Range inside(std::int64_t window) const { return inside(Range{window, window + 1}); }

  // Cells of a window, at most.
  std::int64_t longest() const { return static_cast<std::int64_t>(std::ceil(size)); }
};

// Every band is reduced by one reducer over boxes of slices, rows and columns, which are filled
// slice by slice, row by row, from left to right, whatever the request.
//
// which_min and which_max give instants or slices; with kCell, the number of the cell in the
// input's slice, row by row from the top left, from 0.
//
// Thread rule: immutable; its kernels refer to it.
class CellReduction {
 public:
  enum class Position : std::uint8_t { kTime, kCell };

  CellReduction(const CubeInfo& input, Reducer reducer, const CellWindows& t, const CellWindows& y,
                const CellWindows& x, Position position);

  // The result's bands.
  const std::vector<BandInfo>& bands() const { return bands_; }

  Request demand(const Request& out) const;
  Cost cost(const Request& request) const;
  bool passes_emptiness() const { return !reducer_.counts(); }
  std::unique_ptr<Kernel> kernel() const;

 private:
  class Work;

  // Cells that are reduced to one, at most.
  std::int64_t longest() const {
    return std::min(t_.longest(), t_.cells) * std::min(y_.longest(), y_.cells) *
           std::min(x_.longest(), x_.cells);
  }

  Reducer reducer_;
  CellWindows t_;
  CellWindows y_;
  CellWindows x_;
  bool locates_;  // gives the number of a cell
  std::vector<BandInfo> bands_;
  std::vector<double> positions_;  // of the input's slices: epoch seconds or indices
};

}  // namespace cube
