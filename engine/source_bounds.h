// SourceBounds: which cells of one grid a window of another can need, known without placing its
// cells.
// Thread rule: immutable.
#pragma once

#include <vector>

#include "engine/grid.h"

namespace cube {

class SourceBounds {
 public:
  // `reach`: how many source cells beyond a target cell's area are needed. Where the CRSs differ,
  // the target is cut into at most 128 x 128 tiles, and some positions in each are transformed.
  // Throws Error(kInvalid) where there is no way from one CRS to the other.
  SourceBounds(const Grid& source, const Grid& target, std::int64_t reach);

  // Rows and columns of the source; empty where the window surely lies outside. Somewhat more than
  // what is needed.
  struct Cells {
    Range rows;
    Range columns;
  };
  Cells of(const Range& rows, const Range& columns) const;

 private:
  Cells straight(const Range& rows, const Range& columns) const;
  void fill_tiles();

  Grid source_;
  Grid target_;
  std::int64_t reach_;
  std::int64_t side_ = 0;  // of a tile in target cells; 0 = the grids have one CRS
  std::int64_t across_ = 0;
  std::vector<Cells> tiles_;  // C order
};

}  // namespace cube
