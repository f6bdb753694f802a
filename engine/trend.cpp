#include "engine/trend.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

// Harmonics of less than this amplitude about the terms before them are not told apart from them:
// slices of the same day of each year differ by leap days only.
constexpr double kLeastAmplitude = 1e-2;
constexpr double kLeastSlope = 1e-9;  // of the times' spread
constexpr double kHalf = 0.5;

// The continued fraction of the incomplete beta function by Lentz's method.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = std::numeric_limits<double>::min();
  constexpr double kPrecise = 1e-15;
  constexpr int kMostTerms = 10000;
  const auto safe = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 0;
  double fraction = 1;
  for (int i = 1; i < kMostTerms; ++i) {
    const int m = i / 2;
    const double term = i % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                   : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + term * d);
    c = safe(1 + term / c);
    fraction *= c * d;
    if (std::abs(c * d - 1) < kPrecise) break;
  }
  return 1 / fraction;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double squares(std::span<const double> values) {
  double mean = 0;
  for (const double value : values) mean += value;
  mean /= static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum;
}

bool all_equal(std::span<const double> values) {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
}

// The variance of how many more pairs of values rise than fall, where there is no trend.
double kendall_variance(std::vector<double> values) {
  const auto term = [](double n) { return n * (n - 1) * (2 * n + 5); };
  double variance = term(static_cast<double>(values.size()));
  std::sort(values.begin(), values.end());
  for (auto first = values.begin(); first != values.end();) {
    const auto last = std::upper_bound(first, values.end(), *first);
    variance -= term(static_cast<double>(last - first));
    first = last;
  }
  constexpr double kDivisor = 18;
  return variance / kDivisor;
}

// The two-sided p value of the Mann-Kendall test of such a `score`.
double mann_kendall(double score, double variance) {
  const double z = std::max(0.0, std::abs(score) - 1) / std::sqrt(variance);
  return score == 0 ? 1 : std::erfc(z / std::numbers::sqrt2);
}

// A slice's part of the sums over a strip of cells. Missing values add nothing; selects instead of
// branches, so that the loops vectorise.
CUBE_MULTIVERSION void add_means(std::span<const double> values, double time,
                                 double* __restrict count, double* __restrict times,
                                 double* __restrict sums, double* __restrict low,
                                 double* __restrict high) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    const bool there = v == v;
    count[i] += there ? 1.0 : 0.0;
    times[i] += there ? time : 0.0;
    sums[i] += there ? v : 0.0;
    low[i] = v < low[i] ? v : low[i];
    high[i] = v > high[i] ? v : high[i];
  }
}

CUBE_MULTIVERSION void add_squares(std::span<const double> values, double time,
                                   const double* __restrict mean_time,
                                   const double* __restrict mean, double* __restrict times2,
                                   double* __restrict both, double* __restrict values2) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    const double dt = v == v ? time - mean_time[i] : 0.0;
    const double dv = v == v ? v - mean[i] : 0.0;
    times2[i] += dt * dt;
    both[i] += dt * dv;
    values2[i] += dv * dv;
  }
}

CUBE_MULTIVERSION void add_residuals(std::span<const double> values, double time,
                                     const double* __restrict mean_time,
                                     const double* __restrict mean, const double* __restrict times2,
                                     const double* __restrict both, double* __restrict rest) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    const double off = (v - mean[i]) - both[i] / times2[i] * (time - mean_time[i]);
    rest[i] += v == v ? off * off : 0.0;
  }
}

}  // namespace

StudentT::StudentT(std::int64_t most) : betas_{kMissing, std::numbers::pi, 2} {
  for (std::int64_t dof = 3; dof <= most; ++dof) {
    const double a = static_cast<double>(dof - 2) / 2;
    betas_.push_back(betas_[static_cast<std::size_t>(dof - 2)] * a / (a + kHalf));
  }
}

double StudentT::p_value(double x, double rest, std::int64_t dof) const {
  if (!(x > 0)) return 0;
  if (!(rest > 0)) return 1;
  const double a = static_cast<double>(dof) / 2;
  const double beta = betas_[static_cast<std::size_t>(dof)];
  const double front = std::exp(a * std::log(x) + kHalf * std::log(rest)) / beta;
  if (x < (a + 1) / (a + kHalf + 2)) return front * beta_fraction(a, kHalf, x) / a;
  return 1 - front * beta_fraction(kHalf, a, rest) / kHalf;
}

TrendFit::TrendFit(std::vector<double> times, Method method, std::int64_t harmonics,
                   const std::vector<std::size_t>& groups)
    : times_(std::move(times)),
      method_(method),
      harmonics_(harmonics),
      group_of_(groups),
      order_(times_.size()),
      student_(static_cast<std::int64_t>(times_.size())) {
  group_of_.resize(times_.size(), 0);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::size_t a, std::size_t b) { return group_of_[a] < group_of_[b]; });
}

std::int64_t TrendFit::bytes(Method method, std::int64_t values, std::int64_t harmonics) {
  constexpr std::int64_t kSeries = 13;  // groups, times, values, copies of them
  const std::int64_t columns = 2 + 2 * harmonics;
  const std::int64_t pairs = method == Method::kTheilSen ? MedianSlope::bytes(values) : 0;
  return std::int64_t{sizeof(double)} * values * (kSeries + columns) + pairs;
}

Trend TrendFit::fit(std::span<const double> series) {
  there_.resize(series.size());
  t_.clear();
  y_.clear();
  groups_.clear();
  std::size_t last = group_of_.size();  // no group
  for (const std::size_t i : order_) {
    there_[i] = static_cast<char>(!std::isnan(series[i]));
    if (!there_[i]) continue;
    const auto place = static_cast<std::int64_t>(t_.size());
    if (std::exchange(last, group_of_[i]) != group_of_[i]) groups_.push_back({place, place});
    groups_.back().end = place + 1;
    t_.push_back(times_[i]);
    y_.push_back(series[i]);
  }
  Trend out{kMissing, kMissing, kMissing, kMissing, kMissing};
  if (y_.empty()) return out;
  const bool finite =
      std::all_of(y_.begin(), y_.end(), [](double value) { return std::isfinite(value); });
  if (y_.size() >= 2 && finite) out = method_ == Method::kTheilSen ? theil_sen() : least_squares();
  out.values = static_cast<double>(y_.size());
  return out;
}

// The slope's column is the last, so that nothing of it lies along the others.
void TrendFit::make_basis() {
  basis_there_ = there_;
  basis_.clear();
  const double rows = std::sqrt(static_cast<double>(t_.size()));
  full_rank_ = basis_.add(std::vector<double>(t_.size(), 1.0), 0);
  for (std::int64_t k = 1; k <= harmonics_ && full_rank_; ++k) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(k);
    std::vector<double> column;
    for (const double t : t_) column.push_back(std::cos(turn * t));
    full_rank_ = basis_.add(column, kLeastAmplitude * rows);
    column.clear();
    for (const double t : t_) column.push_back(std::sin(turn * t));
    full_rank_ = full_rank_ && basis_.add(std::move(column), kLeastAmplitude * rows);
  }
  const double spread = t_.back() - t_.front();
  full_rank_ = full_rank_ && basis_.add(t_, kLeastSlope * spread * rows);
  along_.resize(basis_.size());
}

Trend TrendFit::least_squares() {
  Trend out{kMissing, kMissing, kMissing, kMissing, kMissing};
  const auto terms = static_cast<std::size_t>(2 + 2 * harmonics_);
  if (y_.size() < terms) return out;
  if (there_ != basis_there_) make_basis();
  if (!full_rank_) return out;
  if (all_equal(y_)) return {0, y_[0], kMissing, 1, kMissing};
  const double total = squares(y_);
  basis_.project(y_, along_);
  const double residual = dot(y_, y_);
  const std::size_t last = terms - 1;
  const double explained = along_[last] * along_[last];
  // Back substitution, from the slope to the intercept.
  std::vector<double> factors(terms);
  for (std::size_t j = terms; j-- > 0;) {
    double left = along_[j];
    for (std::size_t k = j + 1; k < terms; ++k) left -= basis_.r(j, k) * factors[k];
    factors[j] = left / basis_.r(j, j);
  }
  out.slope = factors[last];
  out.intercept = factors[0];
  out.r2 = 1 - residual / total;
  const auto dof = static_cast<std::int64_t>(y_.size() - terms);
  if (dof > 0) {
    const double sum = residual + explained;
    out.p_value = sum > 0 ? student_.p_value(residual / sum, explained / sum, dof) : 1;
  }
  return out;
}

Trend TrendFit::theil_sen() {
  Trend out{kMissing, kMissing, kMissing, kMissing, kMissing};
  const bool pairs = std::any_of(groups_.begin(), groups_.end(),
                                 [](const Range& group) { return group.size() > 1; });
  if (!pairs) return out;
  const auto [slope, score] = median_slope_.of(t_, y_, groups_);
  out.slope = slope;
  std::vector<double> t = t_;
  std::vector<double> y = y_;
  out.intercept = median(y) - out.slope * median(t);
  double residual = 0;
  for (std::size_t i = 0; i < y_.size(); ++i) {
    const double rest = y_[i] - (out.intercept + out.slope * t_[i]);
    residual += rest * rest;
  }
  const bool equal = all_equal(y_);
  out.r2 = equal ? kMissing : 1 - residual / squares(y_);
  double variance = 0;
  for (const Range& group : groups_) {
    variance += kendall_variance({y_.begin() + group.begin, y_.begin() + group.end});
  }
  out.p_value = equal ? 1 : mann_kendall(score, variance);
  return out;
}

LineFits::LineFits(std::vector<double> times)
    : times_(std::move(times)), student_(static_cast<std::int64_t>(times_.size())) {}

std::int64_t LineFits::bytes(std::int64_t cells, std::int64_t slices) {
  return cells * static_cast<std::int64_t>(kSums * sizeof(double) + sizeof(Trend)) +
         2 * slices * std::int64_t{sizeof(double)};
}

std::span<const Trend> LineFits::fit(const SeriesStrip& in, bool p_values) {
  cells_ = in.cells();
  sums_.assign(kSums * cells_, 0);
  trends_.resize(cells_);
  find_means(in);
  find_squares(in);
  find_residuals(in);
  for (std::size_t i = 0; i < cells_; ++i) trends_[i] = trend_of(i, p_values);
  return trends_;
}

void LineFits::find_means(const SeriesStrip& in) {
  std::fill_n(sum(kLow), cells_, std::numeric_limits<double>::infinity());
  std::fill_n(sum(kHigh), cells_, -std::numeric_limits<double>::infinity());
  for (std::size_t t = 0; t < times_.size(); ++t) {
    add_means(in.at(static_cast<std::int64_t>(t)), times_[t], sum(kCount), sum(kTime), sum(kValue),
              sum(kLow), sum(kHigh));
  }
  double* count = sum(kCount);
  for (std::size_t i = 0; i < cells_; ++i) {
    sum(kTime)[i] /= count[i];
    sum(kValue)[i] /= count[i];
  }
}

void LineFits::find_squares(const SeriesStrip& in) {
  for (std::size_t t = 0; t < times_.size(); ++t) {
    add_squares(in.at(static_cast<std::int64_t>(t)), times_[t], sum(kTime), sum(kValue),
                sum(kTimes2), sum(kBoth), sum(kValues2));
  }
}

// Not the difference of other sums, which would cancel where the line fits well.
void LineFits::find_residuals(const SeriesStrip& in) {
  for (std::size_t t = 0; t < times_.size(); ++t) {
    add_residuals(in.at(static_cast<std::int64_t>(t)), times_[t], sum(kTime), sum(kValue),
                  sum(kTimes2), sum(kBoth), sum(kRest));
  }
}

Trend LineFits::trend_of(std::size_t cell, bool p_value) {
  const double count = sum(kCount)[cell];
  Trend out{kMissing, kMissing, kMissing, kMissing, count > 0 ? count : kMissing};
  const double low = sum(kLow)[cell];
  const double high = sum(kHigh)[cell];
  if (count < 2 || std::isinf(low) || std::isinf(high)) return out;
  if (low == high) return {0, low, kMissing, 1, count};
  const double rest = sum(kRest)[cell];
  out.slope = sum(kBoth)[cell] / sum(kTimes2)[cell];
  out.intercept = sum(kValue)[cell] - out.slope * sum(kTime)[cell];
  out.r2 = 1 - rest / sum(kValues2)[cell];
  if (!p_value || count < 3) return out;
  const double explained = out.slope * sum(kBoth)[cell];
  const double all = rest + explained;
  const auto dof = static_cast<std::int64_t>(count) - 2;
  out.p_value = all > 0 ? student_.p_value(rest / all, explained / all, dof) : 1;
  return out;
}

}  // namespace cube
