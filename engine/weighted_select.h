// WeightedSelect: a quantile, or the mad, of cells that are seen several times and of which few are
// held.
//
// Cells that count in part, which lie along an outline, are held. Of the others each pass counts
// how many begin with each value of the next 16 bits of their order-preserving keys (as in
// RadixSelect), until those that can be next to the quantile are few enough to be held, or are
// all the same. As cells in part stand between them, it is not a rank that is looked for, but the
// first cell whose place (see WeightedReducer) is at least that of the quantile: places rise with
// the value, and of all cells of a bin with at most as much as all cells in part in that bin weigh,
// so that the cell is in the first bin that may reach it, or is the first one above that.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/weighted_cells.h"
#include "engine/weighted_passes.h"

namespace cube {

class WeightedSelect final : public WeightedPasses {
 public:
  // REQUIRES: reducer.of_cells(), and not mode.
  explicit WeightedSelect(const WeightedReducer& reducer);

  void begin(std::int64_t parts) override;
  void add(std::span<const double> values, std::span<const double> weights) override;
  bool wants_again() override;
  double result() const override { return result_; }

  // Memory that it takes, at most.
  static std::int64_t bytes(std::int64_t parts);

 private:
  enum class Pass : std::uint8_t { kCount, kCollect };

  void begin_quantile();
  bool quantile_wants_again();
  void add_whole(double value);
  void sort_parts();
  // Weight and number of the parts up to a value.
  WeightedCell parts_up_to(double value) const;
  bool reaches(std::int64_t rank, double value) const;
  void narrow();
  bool is_held() const;  // what is in the range, for a pass that collects
  double finish();
  double plain_quantile() const;
  double weighted_quantile() const;

  double quantile_;
  bool mad_;
  std::optional<double> center_;  // from which deviations are taken
  double result_;

  // The cells in part, in order once the first pass is over, and what they weigh up to each.
  std::vector<WeightedCell> parts_;
  std::vector<double> weights_;  // [i] of the first i

  // Whole cells with keys in [low_, high_] are looked at.
  Pass pass_ = Pass::kCount;
  int known_bits_ = 0;
  std::uint64_t low_ = 0;
  std::uint64_t high_ = 0;
  std::int64_t whole_ = 0;   // in all
  std::int64_t below_ = 0;   // keys below low_
  std::int64_t inside_ = 0;  // keys in the range
  std::vector<std::int64_t> counts_;
  std::vector<std::uint64_t> held_;
  // The last key below the range and the first one above, of the pass that collects.
  std::optional<std::uint64_t> before_;
  std::optional<std::uint64_t> after_;
};

}  // namespace cube
