// TurningGrid: a grid that goes all round the world, laid out some turns beyond its edges, so that
// what lies in other longitudes or across its seam is found as if it had none.
// Thread rule: immutable.
#pragma once

#include <utility>
#include <vector>

#include "engine/block.h"
#include "engine/grid.h"

namespace cube {

class TurningGrid {
 public:
  // Of a grid in degrees of all longitudes: as many turns as `target`, and any longitude from -180
  // to 180, needs. Others stay as they are.
  TurningGrid(const Grid& grid, const Grid& target);

  // Laid out: its columns count from the first one there.
  const Grid& grid() const { return laid_out_; }

  // The grid's own columns that hold columns of the layout: where those lie across the seam, all.
  Range stored(const Range& columns) const;

  // The same in parts, one after the other in the layout: two where few columns lie across the
  // seam.
  std::vector<Range> stored_parts(const Range& columns) const;

  // Blocks of stored_parts(columns) as one of the layout's. Null where all are null.
  BlockPtr laid_out(const std::vector<BlockPtr>& parts, const Range& columns) const;

  // Whether laid_out() copies.
  bool turns() const { return round_ > 0; }

 private:
  std::vector<std::pair<Range, std::int64_t>> runs_of(const Range& columns) const;

  Grid laid_out_;
  std::int64_t width_ = 0;  // of the grid
  std::int64_t round_ = 0;  // its columns once round; 0 = it has edges
  std::int64_t first_ = 0;  // the grid's first column in the layout
};

}  // namespace cube
