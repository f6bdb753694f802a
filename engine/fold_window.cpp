#include "engine/fold_window.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

// Two numbers of each column of a row: a sum and how many values it has, or both extremes.
struct Folded {
  std::vector<double> first;
  std::vector<double> second;
};

CUBE_MULTIVERSION void add_sums(const double* values, std::size_t n, double* sums, double* counts) {
  for (std::size_t i = 0; i < n; ++i) {
    const bool there = values[i] == values[i];
    sums[i] += there ? values[i] : 0.0;
    counts[i] += there ? 1.0 : 0.0;
  }
}

CUBE_MULTIVERSION void add_squares(const double* values, std::size_t n, double* sums,
                                   double* counts) {
  for (std::size_t i = 0; i < n; ++i) {
    const bool there = values[i] == values[i];
    sums[i] += there ? values[i] * values[i] : 0.0;
    counts[i] += there ? 1.0 : 0.0;
  }
}

CUBE_MULTIVERSION void add_both(const double* sums, const double* counts, std::size_t n,
                                double* all_sums, double* all_counts) {
  for (std::size_t i = 0; i < n; ++i) {
    all_sums[i] += sums[i];
    all_counts[i] += counts[i];
  }
}

// NaN says that nothing has come yet.
CUBE_MULTIVERSION void take_extremes(const double* lows, const double* highs, std::size_t n,
                                     double* low, double* high) {
  for (std::size_t i = 0; i < n; ++i) {
    const bool lower = (lows[i] < low[i]) | (low[i] != low[i]);
    const bool higher = (highs[i] > high[i]) | (high[i] != high[i]);
    low[i] = lower ? lows[i] : low[i];
    high[i] = higher ? highs[i] : high[i];
  }
}

class FoldWindow final : public SpaceWindow {
 public:
  FoldWindow(Reducer::Kind kind, const SpaceReach& reach)
      : kind_(kind), reach_(reach), rows_(static_cast<std::size_t>(2 * reach.y + 1)) {}

  void begin() override {
    for (Row& row : rows_) row.columns = {};
  }

  void run(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::span<double> out) override {
    const std::size_t n = out.size();
    start(all_, n);
    for (std::int64_t r = y - reach_.y; r <= y + reach_.y; ++r) {
      const Folded& row = folded(in, r, x, n);
      if (is_extreme()) {
        take_extremes(row.first.data(), row.second.data(), n, all_.first.data(),
                      all_.second.data());
      } else {
        add_both(row.first.data(), row.second.data(), n, all_.first.data(), all_.second.data());
      }
    }
    for (std::size_t i = 0; i < n; ++i) out[i] = result(all_.first[i], all_.second[i]);
  }

 private:
  struct Row {
    std::int64_t y = 0;
    Range columns;  // empty: nothing is kept
    Folded folded;
  };

  bool is_extreme() const {
    return kind_ == Reducer::Kind::kMin || kind_ == Reducer::Kind::kMax ||
           kind_ == Reducer::Kind::kRange;
  }

  void start(Folded& folded, std::size_t n) const {
    folded.first.assign(n, is_extreme() ? kMissing : 0.0);
    folded.second.assign(n, is_extreme() ? kMissing : 0.0);
  }

  const Folded& folded(const PaddedSlice& in, std::int64_t y, std::int64_t x, std::size_t n) {
    const auto size = static_cast<std::int64_t>(rows_.size());
    Row& row = rows_[static_cast<std::size_t>((y % size + size) % size)];
    const Range columns{x, x + static_cast<std::int64_t>(n)};
    if (row.y == y && row.columns == columns) return row.folded;
    row.y = y;
    row.columns = columns;
    start(row.folded, n);
    double* first = row.folded.first.data();
    double* second = row.folded.second.data();
    const double* values = in.row(y).data() + (x - reach_.x - in.columns().begin);
    for (std::int64_t k = 0; k <= 2 * reach_.x; ++k, ++values) {
      if (is_extreme()) {
        take_extremes(values, values, n, first, second);
      } else if (kind_ == Reducer::Kind::kRms) {
        add_squares(values, n, first, second);
      } else {
        add_sums(values, n, first, second);
      }
    }
    return row.folded;
  }

  double result(double first, double second) const {
    switch (kind_) {
      case Reducer::Kind::kMin:
        return first;
      case Reducer::Kind::kMax:
        return second;
      case Reducer::Kind::kRange:
        return second - first;
      case Reducer::Kind::kCount:
        return second;
      case Reducer::Kind::kSum:
        return second > 0 ? first : kMissing;
      case Reducer::Kind::kMean:
        return second > 0 ? first / second : kMissing;
      default:
        return second > 0 ? std::sqrt(first / second) : kMissing;
    }
  }

  Reducer::Kind kind_;
  SpaceReach reach_;
  std::vector<Row> rows_;  // row y at y modulo their number
  Folded all_;
};

}  // namespace

std::unique_ptr<SpaceWindow> fold_window(const Reducer& reducer, const SpaceReach& reach) {
  switch (reducer.kind()) {
    case Reducer::Kind::kCount:
    case Reducer::Kind::kSum:
    case Reducer::Kind::kMean:
    case Reducer::Kind::kRms:
    case Reducer::Kind::kMin:
    case Reducer::Kind::kMax:
    case Reducer::Kind::kRange:
      return std::make_unique<FoldWindow>(reducer.kind(), reach);
    default:
      return nullptr;
  }
}

std::int64_t fold_window_column_bytes(const SpaceReach& reach) {
  return 2 * (2 * reach.y + 2) * static_cast<std::int64_t>(sizeof(double));
}

}  // namespace cube
