// MedianSlope: the median of the slopes between all pairs of points, or of those in the same group,
// without holding them.
//
// A sample of the slopes tells a narrow range about the median (Floyd and Rivest, "Expected time
// bounds for selection", 1975); a pass over all pairs counts the slopes below the range and keeps
// those inside, out of which the median is picked. Where the range misses or holds too many, it is
// narrowed by further passes. The result is that of sorting all slopes, whatever the sample was.
//
// Thread rule: one a thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/region.h"

namespace cube {

class MedianSlope {
 public:
  struct Result {
    double slope;  // the mean of the two in the middle where the pairs are even
    double score;  // how many more pairs rise than fall
  };

  // Of the points (t[i], y[i]), between those of each group, which follow each other. REQUIRES: the
  // groups hold a pair; t strictly ascending in each; all finite.
  Result of(std::span<const double> t, std::span<const double> y, std::span<const Range> groups);
  // The same where all points are one group.
  Result of(std::span<const double> t, std::span<const double> y);

  // What of() holds for that many points.
  static std::int64_t bytes(std::int64_t points);

 private:
  // What a pass over all pairs finds of the slopes about [low, high].
  struct Pass {
    std::int64_t below = 0;
    std::int64_t inside = 0;  // of which the first are kept, as many as there is room for
    std::int64_t score = 0;
  };

  Pass pass(double low, double high);
  std::array<double, 2> sampled_range(std::int64_t pairs);
  double ranked(std::int64_t rank, double low, double high);

  std::span<const double> t_;
  std::span<const double> y_;
  std::vector<std::size_t> begins_;  // of each point's group
  std::vector<std::size_t> ends_;
  std::vector<double> row_;
  std::vector<double> sample_;
  std::vector<double> kept_;
  std::size_t kept_count_ = 0;
};

}  // namespace cube
