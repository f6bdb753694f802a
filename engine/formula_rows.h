// FormulaRows: a formula applied to the rows of pulled chunks.
// Thread rule: one a thread, as the FormulaRunner in it.
#pragma once

#include <vector>

#include "engine/block.h"
#include "engine/formula.h"

namespace cube {

// `bands` and what is in neither, in ascending order without repetition: what to pull.
std::vector<std::size_t> united(std::vector<std::size_t> bands, std::span<const std::size_t> more);

class FormulaRows {
 public:
  // REQUIRES: both outlive the object. `cube` is the cube whose bands the formula names.
  FormulaRows(const Formula& formula, const CubeInfo& cube)
      : formula_(formula), cube_(cube), runner_(formula), scratch_(formula.bands().size()) {}

  // Row (t, y) of `region`. `chunk` holds the cube's bands `pulled` (ascending), among them those
  // of the formula; null blocks are missing. `out` has the length of the row.
  void run(const Chunk& chunk, std::span<const std::size_t> pulled, const Region& region,
           std::int64_t t, std::int64_t y, std::span<double> out);

  // True when the result over the whole chunk is missing, as all bands of the formula are.
  bool surely_missing(const Chunk& chunk, std::span<const std::size_t> pulled) const;

 private:
  const Formula& formula_;
  const CubeInfo& cube_;
  FormulaRunner runner_;
  std::vector<std::vector<double>> scratch_;
  std::vector<std::span<const double>> strips_;
  std::vector<double> missing_;  // a row of NaN
};

}  // namespace cube
