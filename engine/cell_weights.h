// CellWeights: how much of each cell a shape covers.
//
// Exact areas: what an edge cuts off in each cell of a row is added to that cell and, with the
// height the edge passes through, to all cells on its right; sums along the row are the covered
// fractions. This is how font rasterisers do it (D. Turner's ftgrays in FreeType, R. Levien's
// font-rs); exactextract (D. Baston) arrives at the same numbers by following rings from cell to
// cell.
//
// Thread rule: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/region.h"
#include "engine/row_spans.h"
#include "engine/shape.h"

namespace cube {

// Columns of the same weight.
struct WeightRun {
  Range columns;
  double weight = 0;  // above 0, at most 1
};

class CellWeights {
 public:
  CellWeights() = default;

  // The fraction of each cell that the shape covers. REQUIRES: `shape` in cells (see in_cells()).
  static CellWeights coverage(const Shape& shape, const Range& rows, const Range& columns);

  // 1 for the cells that a rule takes.
  static CellWeights whole(const Shape& shape, const Range& rows, const Range& columns,
                           CellRule rule);

  const Range& rows() const { return rows_; }

  // Disjoint runs, from left to right.
  std::span<const WeightRun> row(std::int64_t y) const;

  // Cells of weight 1, and of less.
  struct Counts {
    std::int64_t whole = 0;
    std::int64_t parts = 0;
  };
  Counts counts() const;
  // Upper bounds of these, each, known from the shape's size.
  static Counts most_counts(const Shape& shape, const Range& rows, const Range& columns);

  std::int64_t bytes() const {
    return static_cast<std::int64_t>(offsets_.capacity() * sizeof(std::size_t) +
                                     runs_.capacity() * sizeof(WeightRun));
  }

  // Upper bound of the memory that making the weights of a shape takes, and of what stays.
  static std::int64_t most_bytes(const Shape& shape, const Range& rows, const Range& columns);

 private:
  Range rows_;
  std::vector<std::size_t> offsets_ = {0};  // of each row's first run, one more at the end
  std::vector<WeightRun> runs_;
};

}  // namespace cube
