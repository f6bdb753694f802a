// QuantileWalk: the quantile of cells that count by a weight, met on the way through them in order.
//
// Cell k of n (from 0), of weight w, stands at k w + (n - 1) * (weights before it), and the
// quantile is linear between the cells on both sides of its place (as in exactextract).
//
// Thread rule: one thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/missing.h"

namespace cube {

class QuantileWalk {
 public:
  // Of `cells` cells, of which whole ones weigh `whole` in all and the others `parts`.
  QuantileWalk(double quantile, std::int64_t cells, double whole, double parts)
      : rest_(static_cast<double>(cells - 1)), wanted_(quantile * (rest_ * (whole + parts))) {}

  // Begins after so many cells, which do not reach the quantile.
  void skip(double whole, double parts, double weight_of_parts) {
    index_ = whole + parts;
    whole_before_ = whole;
    parts_before_ = weight_of_parts;
  }

  // The next `count` cells.
  void run(double value, double weight, std::int64_t count) {
    if (found_) return;
    const double place = index_ * weight + rest_ * (whole_before_ + parts_before_);
    const auto n = static_cast<double>(count);
    if (index_ > 0 && place >= wanted_) return between(value, place);
    last_value_ = value;
    last_place_ = place + (n - 1) * (weight + rest_ * weight);
    found_ = n > 1 && last_place_ >= wanted_;
    index_ += n;
    (weight < 1 ? parts_before_ : whole_before_) += n * weight;
  }

  // REQUIRES: all runs are given, or the quantile was met.
  double result() const { return last_value_; }

 private:
  void between(double value, double place) {
    const double f = place > last_place_
                         ? std::clamp((wanted_ - last_place_) / (place - last_place_), 0.0, 1.0)
                         : 0;
    last_value_ = f == 1 ? value : last_value_ + f * (value - last_value_);
    found_ = true;
  }

  double rest_;
  double wanted_;     // the last cell's place times the quantile
  double index_ = 0;  // of the first cell of the next run
  double whole_before_ = 0;
  double parts_before_ = 0;
  double last_value_ = kMissing;
  double last_place_ = 0;
  bool found_ = false;
};

}  // namespace cube
