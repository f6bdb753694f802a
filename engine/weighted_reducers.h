// Reducers of cells that count by a weight, e.g. by how much of them an area covers.
//
// The same set as in reducers.h, without which_min and which_max, and the same numbers where all
// weights are 1. With weights w of values v:
//
//   count      sum of w
//   sum mean rms                  of w v, w v / sum of w, root of w v^2 / sum of w
//   var sd     w (v - mean)^2 / (sum of w - sum of w^2 / sum of w), unbiased where weights say how
//              much of a cell was seen; missing for a single cell
//   median q1 q3 pNN quantile     linear between the cells in order, cell k of n (from 0) standing
//              at k w_k + (n - 1) * (weights before it); type 7 where weights are equal (as in
//              exactextract)
//   mad        the weighted median of distances from the weighted median
//   mode       the value of the largest weight in all, the smallest of several
//   min max range first last prod any all   of all cells, whatever they weigh
//
// Values are taken in the order they are added; missing ones are skipped, of nothing all but the
// count (0) is missing.
//
// Thread rule: a state belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "engine/reducers.h"
#include "engine/weighted_cells.h"

namespace cube {

class WeightedState {
 public:
  virtual ~WeightedState() = default;

  // Forgets everything.
  virtual void begin() = 0;

  // Further cells; NaN = missing. REQUIRES: as many weights, each above 0.
  virtual void add(std::span<const double> values, std::span<const double> weights) = 0;

  // NaN = missing.
  virtual double finish() = 0;
};

class WeightedReducer {
 public:
  // Throws Error(kInvalid) with `where` for what Reducer::make() does not know and for which_min
  // and which_max.
  static WeightedReducer make(const ReducerSpec& spec, std::string_view where);

  const Reducer& plain() const { return plain_; }  // of weights that are 1

  // Order statistics are of cells that are held, for all of a band together.
  bool of_cells() const { return !make_; }
  // True when of() leaves cells that nothing else can be made of.
  bool spoils_cells() const { return plain_.kind() == Reducer::Kind::kMad; }
  double of(WeightedCells& cells) const;  // REQUIRES: of_cells()

  std::unique_ptr<WeightedState> state() const { return make_(); }  // REQUIRES: not of_cells()

 private:
  using Make = std::unique_ptr<WeightedState> (*)();

  WeightedReducer(Reducer plain, Make factory) : plain_(std::move(plain)), make_(factory) {}

  Reducer plain_;
  Make make_;  // null for order statistics
};

}  // namespace cube
