// Where a quantile lies among sorted values, and how far values lie from their median: what order
// statistics of held values and of histograms share.
// Thread rule: values and pure functions.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace cube {

// Hyndman and Fan's type 7: position (n - 1) q between the sorted values, linear in between.
struct QuantilePosition {
  std::size_t index;
  double fraction;

  // REQUIRES: count >= 1.
  QuantilePosition(double quantile, double count) {
    const double position = (count - 1) * quantile;
    index = static_cast<std::size_t>(position);
    fraction = position - static_cast<double>(index);
  }
  // The half is written apart because it is the exact mean of two values.
  double between(double low, double high) const {
    return fraction == 0.5 ? (low + high) / 2 : low + fraction * (high - low);
  }
};

// Of equal infinities, whose difference is not a number, no finite deviation is known.
inline double deviation(double value, double center) {
  const double distance = std::abs(value - center);
  return distance == distance ? distance : std::numeric_limits<double>::infinity();
}

}  // namespace cube
