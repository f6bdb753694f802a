#include "engine/space_statistic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

constexpr std::size_t kLanes = 8;
using Lanes = std::array<double, kLanes>;

// A number as an unevaluated sum of two.
struct TwoDoubles {
  double high = 0;
  double low = 0;

  void add(double value) {
    const double sum = high + value;
    const double added = sum - high;
    low += (high - (sum - added)) + (value - added);
    high = sum;
  }
  // Infinities leave nothing sensible in the low part.
  double value() const { return std::isfinite(high) ? high + low : high; }
};

// Sums of a strip in lanes, each in two doubles.
struct LaneSums {
  Lanes high{};
  Lanes low{};

  void add_to(TwoDoubles& sum) const {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sum.add(high[lane]);
      if (std::isfinite(high[lane])) sum.add(low[lane]);
    }
  }
};

// Sums distances from the centre, or their squares. Cell i of a strip goes to lane i % kLanes.
template <bool kSquares>
CUBE_MULTIVERSION void sum_lanes(const double* values, std::size_t n, double center,
                                 LaneSums& sums) {
  Lanes high = sums.high;
  Lanes low = sums.low;
  for (std::size_t i = 0; i < n; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double v = values[i + lane];
      const double distance = v == v ? v - center : 0.0;
      const double value = kSquares ? distance * distance : distance;
      const double sum = high[lane] + value;
      const double added = sum - high[lane];
      low[lane] += (high[lane] - (sum - added)) + (value - added);
      high[lane] = sum;
    }
  }
  sums.high = high;
  sums.low = low;
}

struct Counts {
  std::int64_t values = 0;
  std::int64_t zeros = 0;
};

CUBE_MULTIVERSION void count(const double* values, std::size_t n, Counts& counts) {
  std::int64_t there = 0;
  std::int64_t zeros = 0;
  for (std::size_t i = 0; i < n; ++i) {
    there += values[i] == values[i] ? 1 : 0;
    zeros += values[i] == 0 ? 1 : 0;
  }
  counts.values += there;
  counts.zeros += zeros;
}

CUBE_MULTIVERSION void extremes(const double* values, std::size_t n, Lanes& lowest,
                                Lanes& highest) {
  Lanes low = lowest;
  Lanes high = highest;
  for (std::size_t i = 0; i < n; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double v = values[i + lane];
      low[lane] = v < low[lane] ? v : low[lane];
      high[lane] = v > high[lane] ? v : high[lane];
    }
  }
  lowest = low;
  highest = high;
}

// Takes a block row by row; strips are filled up with missing values to whole lanes.
class Fold : public SpaceStatistic {
 public:
  void begin() override {
    counts_ = {};
    restart();
  }

  void add(const Block& block, std::int64_t t) final {
    const Region& region = block.region();
    const auto n = static_cast<std::size_t>(region.x.size());
    const std::size_t whole = (n + kLanes - 1) / kLanes * kLanes;
    strip_.resize(whole);
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      const auto row = block.row(t, y, row_);
      std::copy(row.begin(), row.end(), strip_.begin());
      std::fill(strip_.begin() + static_cast<std::ptrdiff_t>(n), strip_.end(), kMissing);
      const std::int64_t before = counts_.values;
      count(strip_.data(), whole, counts_);
      if (counts_.values > before) take(strip_, y, region.x.begin);
    }
  }

 protected:
  virtual void restart() {}
  // A strip that has values, from column x of row y on.
  virtual void take(std::span<const double> strip, std::int64_t y, std::int64_t x) = 0;

  double n() const { return static_cast<double>(counts_.values); }
  const Counts& counts() const { return counts_; }

 private:
  Counts counts_;
  std::vector<double> row_;
  std::vector<double> strip_;
};

// count, any, all.
class CountFold final : public Fold {
 public:
  explicit CountFold(Reducer::Kind kind) : kind_(kind) {}

  double result() const override {
    if (kind_ == Reducer::Kind::kCount) return n();
    if (counts().values == 0) return kMissing;
    const bool truth =
        kind_ == Reducer::Kind::kAll ? counts().zeros == 0 : counts().zeros < counts().values;
    return truth ? 1 : 0;
  }

 private:
  void take(std::span<const double>, std::int64_t, std::int64_t) override {}

  Reducer::Kind kind_;
};

// sum, mean, rms, var, sd.
class SumFold final : public Fold {
 public:
  explicit SumFold(Reducer::Kind kind)
      : kind_(kind),
        varies_(kind == Reducer::Kind::kVar || kind == Reducer::Kind::kSd),
        squares_wanted_(varies_ || kind == Reducer::Kind::kRms) {}

  double result() const override {
    if (counts().values == 0) return kMissing;
    switch (kind_) {
      case Reducer::Kind::kSum:
        return sum_.value();
      case Reducer::Kind::kMean:
        return sum_.value() / n();
      case Reducer::Kind::kRms:
        return std::sqrt(squares_.value() / n());
      case Reducer::Kind::kSd:
        return std::sqrt(variance());
      default:
        return variance();
    }
  }

 private:
  void restart() override {
    started_ = !varies_;
    center_ = 0;
    sum_ = {};
    squares_ = {};
  }

  void take(std::span<const double> strip, std::int64_t, std::int64_t) override {
    if (!started_) {  // deviations from any value of the data do not cancel as squares would
      started_ = true;
      center_ = *std::find_if(strip.begin(), strip.end(), [](double v) { return v == v; });
    }
    if (kind_ != Reducer::Kind::kRms) {
      LaneSums lanes;
      sum_lanes<false>(strip.data(), strip.size(), center_, lanes);
      lanes.add_to(sum_);
    }
    if (squares_wanted_) {
      LaneSums lanes;
      sum_lanes<true>(strip.data(), strip.size(), center_, lanes);
      lanes.add_to(squares_);
    }
  }

  // (squares - sum^2 / n) / (n - 1), in twice the precision.
  double variance() const {
    if (counts().values < 2) return kMissing;
    if (!std::isfinite(squares_.high) || !std::isfinite(sum_.high)) return kMissing;
    const double square = sum_.high * sum_.high;
    const double rest = std::fma(sum_.high, sum_.high, -square) + 2 * sum_.high * sum_.low;
    const double part = square / n();
    const double part_rest = (std::fma(-part, n(), square) + rest) / n();
    TwoDoubles difference = squares_;
    difference.add(-part);
    difference.add(-part_rest);
    return std::max(0.0, difference.value()) / (n() - 1);
  }

  Reducer::Kind kind_;
  bool varies_;
  bool squares_wanted_;
  bool started_ = false;
  double center_ = 0;
  TwoDoubles sum_;
  TwoDoubles squares_;
};

class ProductFold final : public Fold {
 public:
  double result() const override { return counts().values > 0 ? product_ : kMissing; }

 private:
  void restart() override { product_ = 1; }
  void take(std::span<const double> strip, std::int64_t, std::int64_t) override {
    for (const double v : strip) product_ *= v == v ? v : 1.0;
  }

  double product_ = 1;
};

// min, max, range, and which_min and which_max: of equal extremes the one first in the slice, row
// by row.
class ExtremeFold final : public Fold {
 public:
  ExtremeFold(Reducer::Kind kind, std::int64_t columns) : kind_(kind), columns_(columns) {}

  double result() const override {
    if (counts().values == 0) return kMissing;
    switch (kind_) {
      case Reducer::Kind::kMin:
        return low_;
      case Reducer::Kind::kMax:
        return high_;
      case Reducer::Kind::kRange:
        return high_ - low_;
      default:
        return static_cast<double>(place_);
    }
  }

 private:
  void restart() override {
    low_ = kInfinity;
    high_ = -kInfinity;
    place_ = std::numeric_limits<std::int64_t>::max();
  }

  void take(std::span<const double> strip, std::int64_t y, std::int64_t x) override {
    Lanes lows;
    Lanes highs;
    lows.fill(kInfinity);
    highs.fill(-kInfinity);
    extremes(strip.data(), strip.size(), lows, highs);
    const double low = *std::min_element(lows.begin(), lows.end());
    const double high = *std::max_element(highs.begin(), highs.end());
    const std::int64_t start = y * columns_ + x;
    if (kind_ == Reducer::Kind::kWhichMin) locate(strip, low, low < low_, low == low_, start);
    if (kind_ == Reducer::Kind::kWhichMax) locate(strip, high, high > high_, high == high_, start);
    low_ = std::min(low_, low);
    high_ = std::max(high_, high);
  }

  void locate(std::span<const double> strip, double extreme, bool better, bool equal,
              std::int64_t start) {
    if (!better && !(equal && start < place_)) return;
    const auto found = std::find(strip.begin(), strip.end(), extreme);
    place_ = start + (found - strip.begin());
  }

  Reducer::Kind kind_;
  std::int64_t columns_;
  double low_ = 0;
  double high_ = 0;
  std::int64_t place_ = 0;
};

// first, last, row by row.
class EndFold final : public Fold {
 public:
  EndFold(Reducer::Kind kind, std::int64_t columns)
      : first_(kind == Reducer::Kind::kFirst), columns_(columns) {}

  double result() const override { return value_; }

 private:
  void restart() override {
    value_ = kMissing;
    place_ = first_ ? std::numeric_limits<std::int64_t>::max() : -1;
  }

  void take(std::span<const double> strip, std::int64_t y, std::int64_t x) override {
    const std::int64_t place = y * columns_ + x;
    if (first_ ? place >= place_ : place <= place_) return;
    place_ = place;
    const auto there = [](double v) { return v == v; };
    value_ = first_ ? *std::find_if(strip.begin(), strip.end(), there)
                    : *std::find_if(strip.rbegin(), strip.rend(), there);
  }

  bool first_;
  std::int64_t columns_;
  double value_ = kMissing;
  std::int64_t place_ = 0;
};

}  // namespace

std::unique_ptr<SpaceStatistic> make_space_statistic(const Reducer& reducer, const Storage& storage,
                                                     std::int64_t cells, std::int64_t columns) {
  switch (const Reducer::Kind kind = reducer.kind()) {
    case Reducer::Kind::kCount:
    case Reducer::Kind::kAny:
    case Reducer::Kind::kAll:
      return std::make_unique<CountFold>(kind);
    case Reducer::Kind::kSum:
    case Reducer::Kind::kMean:
    case Reducer::Kind::kRms:
    case Reducer::Kind::kVar:
    case Reducer::Kind::kSd:
      return std::make_unique<SumFold>(kind);
    case Reducer::Kind::kProd:
      return std::make_unique<ProductFold>();
    case Reducer::Kind::kMin:
    case Reducer::Kind::kMax:
    case Reducer::Kind::kRange:
    case Reducer::Kind::kWhichMin:
    case Reducer::Kind::kWhichMax:
      return std::make_unique<ExtremeFold>(kind, columns);
    case Reducer::Kind::kFirst:
    case Reducer::Kind::kLast:
      return std::make_unique<EndFold>(kind, columns);
    default:
      return make_space_order(reducer, storage, cells);
  }
}

std::int64_t space_statistic_bytes(const Reducer& reducer, const Storage& storage,
                                   std::int64_t cells) {
  constexpr std::int64_t kStrips = 2 * 1024 * std::int64_t{sizeof(double)} + 1024;
  return kStrips + (reducer.holds_values() ? space_order_bytes(reducer, storage, cells) : 0);
}

}  // namespace cube
