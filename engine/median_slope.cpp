#include "engine/median_slope.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

constexpr std::int64_t kFewPairs = 1024;  // which are all kept
// Half the width of the range in standard deviations of the sample's median.
constexpr double kWidth = 3;

std::int64_t pairs_of(std::int64_t points) { return points * (points - 1) / 2; }

// The sample's size balances its own cost with that of what is kept.
std::int64_t sample_of(std::int64_t pairs) {
  return static_cast<std::int64_t>(std::pow(static_cast<double>(pairs), 2.0 / 3));
}

// Twice what is expected inside the range.
std::int64_t room_for(std::int64_t pairs) {
  if (pairs <= kFewPairs) return kFewPairs;
  const auto sample = static_cast<double>(sample_of(pairs));
  return static_cast<std::int64_t>(2 * kWidth * static_cast<double>(pairs) / std::sqrt(sample));
}

struct RowCounts {
  std::int64_t below = 0;
  std::int64_t inside = 0;
  std::int64_t score = 0;
};

// The slopes from the point (t0, y0) to n others into `out`, and where they lie.
CUBE_MULTIVERSION RowCounts slopes_from(double t0, double y0, const double* t, const double* y,
                                        std::size_t n, double low, double high, double* out) {
  RowCounts counts;
  for (std::size_t j = 0; j < n; ++j) {
    const double rise = y[j] - y0;
    const double slope = rise / (t[j] - t0);
    out[j] = slope;
    counts.below += slope < low ? 1 : 0;
    const bool inside = (slope >= low) & (slope <= high);
    counts.inside += inside ? 1 : 0;
    counts.score += rise > 0 ? 1 : 0;
    counts.score -= rise < 0 ? 1 : 0;
  }
  return counts;
}

double nth(std::span<double> values, std::int64_t rank) {
  const auto place = values.begin() + rank;
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

}  // namespace

std::int64_t MedianSlope::bytes(std::int64_t points) {
  const std::int64_t pairs = pairs_of(points);
  return std::int64_t{sizeof(double)} * (4 * points + sample_of(pairs) + room_for(pairs));
}

MedianSlope::Pass MedianSlope::pass(double low, double high) {
  Pass all;
  kept_count_ = 0;
  for (std::size_t i = 0; i + 1 < t_.size(); ++i) {
    const std::size_t n = ends_[i] - i - 1;
    const RowCounts row =
        slopes_from(t_[i], y_[i], t_.data() + i + 1, y_.data() + i + 1, n, low, high, row_.data());
    all.below += row.below;
    all.inside += row.inside;
    all.score += row.score;
    // Stored whether they are inside or not, so that there is no branch; one place more than are.
    if (row.inside == 0 || kept_count_ + static_cast<std::size_t>(row.inside) >= kept_.size()) {
      continue;
    }
    for (std::size_t j = 0; j < n; ++j) {
      const double slope = row_[j];
      const bool inside = (slope >= low) & (slope <= high);
      kept_[kept_count_] = slope;
      kept_count_ += inside ? 1 : 0;
    }
  }
  return all;
}

// About the median, by slopes of pairs drawn at random, the same ones each time.
std::array<double, 2> MedianSlope::sampled_range(std::int64_t pairs) {
  const auto size = static_cast<std::size_t>(sample_of(pairs));
  sample_.clear();
  constexpr std::uint64_t kFactor = 6364136223846793005U;  // Knuth's MMIX generator
  constexpr std::uint64_t kTerm = 1442695040888963407U;
  constexpr int kHalf = 32;
  std::uint64_t state = kTerm;
  const auto draw = [&](std::size_t n) {
    state = state * kFactor + kTerm;
    return static_cast<std::size_t>(((state >> kHalf) * n) >> kHalf);
  };
  while (sample_.size() < size) {
    const std::size_t i = draw(t_.size());
    const std::size_t j = begins_[i] + draw(ends_[i] - begins_[i]);
    if (i != j) sample_.push_back((y_[j] - y_[i]) / (t_[j] - t_[i]));
  }
  const auto count = static_cast<std::int64_t>(size);
  const auto reach = static_cast<std::int64_t>(kWidth / 2 * std::sqrt(static_cast<double>(count)));
  const std::int64_t high = std::min(count - 1, count / 2 + reach);
  const double top = nth(sample_, high);
  const double bottom =
      nth(std::span(sample_).first(static_cast<std::size_t>(high + 1)), count / 2 - reach);
  return {bottom, top};
}

// The slope of a rank among all, known to lie in [low, high], by halving what is left. Each pass
// takes a slope out of the range at least; the first ones kept stand for those inside.
double MedianSlope::ranked(std::int64_t rank, double low, double high) {
  while (true) {
    const Pass found = pass(low, high);
    const auto kept = std::span(kept_).first(kept_count_);
    const std::int64_t place = rank - found.below;
    if (found.inside == static_cast<std::int64_t>(kept_count_)) return nth(kept, place);
    const double share = static_cast<double>(place) / static_cast<double>(found.inside);
    const double pivot =
        kept.empty()
            ? low
            : nth(kept, static_cast<std::int64_t>(share * static_cast<double>(kept_count_)));
    const Pass equal = pass(pivot, pivot);
    if (rank < equal.below) {
      high = std::nextafter(pivot, -kInfinity);
    } else if (rank >= equal.below + equal.inside) {
      low = std::nextafter(pivot, kInfinity);
    } else {
      return pivot;
    }
  }
}

MedianSlope::Result MedianSlope::of(std::span<const double> t, std::span<const double> y) {
  const Range all{0, static_cast<std::int64_t>(t.size())};
  return of(t, y, {&all, 1});
}

MedianSlope::Result MedianSlope::of(std::span<const double> t, std::span<const double> y,
                                    std::span<const Range> groups) {
  t_ = t;
  y_ = y;
  begins_.clear();
  ends_.clear();
  std::int64_t pairs = 0;
  for (const Range& group : groups) {
    pairs += pairs_of(group.size());
    begins_.resize(static_cast<std::size_t>(group.end), static_cast<std::size_t>(group.begin));
    ends_.resize(static_cast<std::size_t>(group.end), static_cast<std::size_t>(group.end));
  }
  row_.resize(t.size());
  kept_.resize(static_cast<std::size_t>(room_for(pairs)) + 1);
  std::array<double, 2> range = {-kInfinity, kInfinity};
  if (pairs > kFewPairs) range = sampled_range(pairs);
  const Pass found = pass(range[0], range[1]);
  const std::int64_t first = (pairs - 1) / 2 - found.below;  // among those inside
  const std::int64_t second = pairs / 2 - found.below;
  const auto score = static_cast<double>(found.score);
  const bool within = first >= 0 && second < found.inside;
  double low = range[0];
  double high = range[1];
  if (within && found.inside == static_cast<std::int64_t>(kept_count_)) {
    const auto kept = std::span(kept_).first(kept_count_);
    high = nth(kept, second);
    low = first == second ? high : *std::max_element(kept.begin(), kept.begin() + second);
  } else if (!within || low != high) {
    if (!within) range = {-kInfinity, kInfinity};
    low = ranked((pairs - 1) / 2, range[0], range[1]);
    high = first == second ? low : ranked(pairs / 2, low, range[1]);
  }
  return {first == second ? low : (low + high) / 2, score};
}

}  // namespace cube
