// WeightedCells: cells that are held until all are there, for order statistics of them.
//
// Whole cells, which are most, are kept as one number each, or where they are many and of a type of
// 8 or 16 bits counted; cells that count in part are kept with their weights.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/dtype.h"

namespace cube {

struct WeightedCell {
  double value;
  double weight;
  auto operator<=>(const WeightedCell&) const = default;
};

class WeightedCells {
 public:
  explicit WeightedCells(const Storage& storage);

  // Forgets everything; at most `whole` cells of weight 1 and `parts` others follow.
  void begin(std::int64_t whole, std::int64_t parts);

  // NaN = missing. REQUIRES: as many weights, each above 0 and at most 1; values of the storage.
  void add(std::span<const double> values, std::span<const double> weights);

  // As WeightedReducer says; missing of nothing. mad() comes last: it makes deviations of the
  // values.
  double quantile(double quantile);
  double mode();
  double mad();

  // Memory that so many cells take, at most.
  static std::int64_t bytes(const Storage& storage, std::int64_t whole, std::int64_t parts);

 private:
  struct Run {
    double value;
    std::int64_t count;
    auto operator<=>(const Run&) const = default;
  };

  static bool counts(const Storage& storage, std::int64_t whole);

  std::int64_t size() const;
  void sort();
  double plain_quantile(double quantile);
  // Calls f(value, weight, count) for runs of cells in order. REQUIRES: sorted.
  template <class F>
  void each_run(F&& f) const;

  Storage storage_;
  bool counting_ = false;
  std::vector<double> whole_;
  std::vector<std::int64_t> counts_;  // of each value of the type from the lowest on
  std::int64_t counted_ = 0;
  std::vector<Run> runs_;  // the same in order, once they are sorted
  std::vector<WeightedCell> parts_;
  bool sorted_ = false;
};

}  // namespace cube
