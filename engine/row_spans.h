// RowSpans: which cells of a grid a shape covers, as runs of columns in each row.
// Thread rule: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/region.h"
#include "engine/shape.h"

namespace cube {

enum class CellRule : std::uint8_t {
  // Cells whose centre lies inside, as gdal_rasterize has it: a centre on the outline belongs to
  // the
  // area on its left or below, so that of two areas with a common border one has it.
  kCenter,
  // Cells that the area covers a part of, however small.
  kTouched,
};

class RowSpans {
 public:
  // REQUIRES: `shape` in cells (see in_cells()). Runs lie within rows and columns.
  RowSpans(const Shape& shape, const Range& rows, const Range& columns, CellRule rule);

  // Disjoint runs of columns of a row, from left to right, that neither touch nor overlap.
  std::span<const Range> row(std::int64_t y) const;

  // The smallest box around the cells inside a box; empty when there are none.
  struct Window {
    Range rows;
    Range columns;
  };
  Window inside(const Range& rows, const Range& columns) const;

  std::int64_t cells() const;
  std::int64_t bytes() const;  // of memory

 private:
  std::int64_t first_row_ = 0;
  std::vector<std::size_t> offsets_;  // of each row's first run, one more at the end
  std::vector<Range> spans_;
};

}  // namespace cube
