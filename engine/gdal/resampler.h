// Resampler: cells of one grid's blocks onto another grid, as the image reader does with images.
// Thread rule: one a thread.
#pragma once

#include <memory>

#include "engine/block.h"
#include "engine/gdal/stencil.h"
#include "engine/grid.h"
#include "engine/image_reader.h"

namespace cube {

class Resampler {
 public:
  // Throws Error(kInvalid) where there is no way from one CRS to the other.
  Resampler(const Grid& source, const Grid& target, Resampling method);
  ~Resampler();
  Resampler(Resampler&&) noexcept;

  // True when rows and columns are placed each for itself: windows may then be of any size. Others
  // are placed cell by cell and should have no more than kMostCells.
  bool separable() const;
  static constexpr std::int64_t kMostCells = std::int64_t{1} << 19;

  // Looks where a window of the target lies; gives the source cells that it needs, none when it
  // lies outside.
  Footprint place(const Range& rows, const Range& columns);

  // Makes the stencil for the window that was placed last, for blocks that hold the source cells
  // `under`. REQUIRES: under contains what place() gave, which is not empty.
  void prepare(const Footprint& under);

  // Fills the window's cells of `out`, which has the one slice 0:1, from slice `t` of `in`. Cells
  // that lie outside of the source are left as they are or made missing.
  // `avoid_nodata`: as of Stencil.
  // REQUIRES: `in` covers exactly `under`; `out` has a nodata value where a cell can be missing.
  void sample(const Block& in, std::int64_t t, bool avoid_nodata, Block& out);

  // Sets the window's cells that lie outside of the source, in all slices of `out`.
  void fill_outside(double value, Block& out) const;

  // How far beyond a target cell's own area the method reaches, in source cells.
  std::int64_t reach() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cube
