#include "engine/trend.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <utility>

#include "engine/missing.h"

namespace cube {

namespace {

// Harmonics of less than this amplitude about the terms before them are not told apart from them:
// slices of the same day of each year differ by leap days only.
constexpr double kLeastAmplitude = 1e-2;
constexpr double kLeastSlope = 1e-9;  // of the times' spread

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

// The two-sided p value of the Mann-Kendall test. `score`: how many more pairs of `values` rise
// than fall.
double mann_kendall(double score, std::vector<double> values) {
  const auto term = [](double n) { return n * (n - 1) * (2 * n + 5); };
  double variance = term(static_cast<double>(values.size()));
  std::sort(values.begin(), values.end());
  for (auto first = values.begin(); first != values.end();) {
    const auto last = std::upper_bound(first, values.end(), *first);
    variance -= term(static_cast<double>(last - first));
    first = last;
  }
  constexpr double kDivisor = 18;
  variance /= kDivisor;
  const double z = std::max(0.0, std::abs(score) - 1) / std::sqrt(variance);
  return score == 0 ? 1 : std::erfc(z / std::numbers::sqrt2);
}

}  // namespace

double student_p(double x, double rest, std::int64_t dof) {
  if (!(x > 0)) return 0;
  if (!(rest > 0)) return 1;
  const double a = static_cast<double>(dof) / 2;
  constexpr double kB = 0.5;
  double beta = dof % 2 == 1 ? std::numbers::pi : 2;  // of 1/2 or 1 and 1/2
  for (double s = dof % 2 == 1 ? 0.5 : 1; s < a; s += 1) beta *= s / (s + kB);
  const double front = std::exp(a * std::log(x) + kB * std::log(rest)) / beta;
  if (x < (a + 1) / (a + kB + 2)) return front * beta_fraction(a, kB, x) / a;
  return 1 - front * beta_fraction(kB, a, rest) / kB;
}

TrendFit::TrendFit(std::vector<double> times, Method method, std::int64_t harmonics)
    : times_(std::move(times)), method_(method), harmonics_(harmonics) {}

std::int64_t TrendFit::bytes(Method method, std::int64_t values, std::int64_t harmonics) {
  constexpr std::int64_t kSeries = 8;  // times, values, copies of them
  const std::int64_t columns = 2 + 2 * harmonics;
  const std::int64_t pairs = method == Method::kTheilSen ? values * (values - 1) / 2 : 0;
  return std::int64_t{sizeof(double)} * (values * (kSeries + columns) + pairs);
}

Trend TrendFit::fit(std::span<const double> series) {
  there_.resize(series.size());
  t_.clear();
  y_.clear();
  for (std::size_t i = 0; i < series.size(); ++i) {
    there_[i] = !std::isnan(series[i]);
    if (!there_[i]) continue;
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
    out.p_value = sum > 0 ? student_p(residual / sum, explained / sum, dof) : 1;
  }
  return out;
}

Trend TrendFit::theil_sen() {
  slopes_.resize(y_.size() * (y_.size() - 1) / 2);
  double score = 0;
  double* slope = slopes_.data();
  for (std::size_t i = 0; i < y_.size(); ++i) {
    for (std::size_t j = i + 1; j < y_.size(); ++j) {
      const double rise = y_[j] - y_[i];
      *slope++ = rise / (t_[j] - t_[i]);
      score += static_cast<double>((rise > 0) - (rise < 0));
    }
  }
  Trend out{};
  out.slope = median(slopes_);
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
  out.p_value = equal ? 1 : mann_kendall(score, y_);
  return out;
}

}  // namespace cube
