// Trend: a straight line through a series of unevenly spaced values, with tests of its slope.
//
// Ordinary least squares: y = a + b t + the sum over k of c_k cos(2 pi k t) + s_k sin(2 pi k t), t
// in years, solved by an orthonormal basis (least_squares.h). The slope's p value is that of its t
// test. Without harmonics LineFits takes the series of many cells side by side, by the sums about
// the means. Theil and Sen: the median of the slopes between all pairs of values (Sen, "Estimates
// of the regression coefficient based on Kendall's tau", 1968), with the p value of the
// Mann-Kendall test (normal approximation with corrections for ties and continuity); of groups the
// seasonal Kendall slope and test: only pairs of the same group, whose scores and variances add up
// (Hirsch, Slack and Smith, "Techniques of trend analysis for monthly water quality data", 1982).
//
// Thread rule: StudentT is immutable; TrendFit and LineFits belong to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/least_squares.h"
#include "engine/median_slope.h"
#include "engine/series.h"

namespace cube {

// NaN where there are too few values, one is infinite, or the times cannot tell the terms apart.
struct Trend {
  double slope;      // a unit of t
  double intercept;  // of the line, at t = 0
  double r2;       // 1 - residual sum of squares / sum of squares about the mean; NaN if all equal
  double p_value;  // two-sided, of slope 0; 1 if all values are equal
  double values;   // how many there are
};

// Student's t distribution.
class StudentT {
 public:
  // For degrees of freedom up to `most`.
  explicit StudentT(std::int64_t most);

  // The probability of a t at least as far from 0 as one with 1 / (1 + t^2 / dof) = x, for which
  // 1 - x = rest. (DLMF 8.17.22: the continued fraction of the incomplete beta function.)
  // REQUIRES: 1 <= dof <= most.
  double p_value(double x, double rest, std::int64_t dof) const;

 private:
  std::vector<double> betas_;  // of dof / 2 and 1 / 2
};

class TrendFit {
 public:
  enum class Method : std::uint8_t { kLeastSquares, kTheilSen };

  // `times` of the slices, ascending; `groups`: the group of each, or none for one of all.
  // REQUIRES: no harmonics with kTheilSen, no groups with kLeastSquares.
  TrendFit(std::vector<double> times, Method method, std::int64_t harmonics,
           const std::vector<std::size_t>& groups = {});

  // `series` has a value a time, NaN = missing, which is skipped.
  Trend fit(std::span<const double> series);

  // What fit() holds for series of that many values.
  static std::int64_t bytes(Method method, std::int64_t values, std::int64_t harmonics);

 private:
  Trend least_squares();
  Trend theil_sen();
  void make_basis();

  std::vector<double> times_;
  Method method_;
  std::int64_t harmonics_;
  std::vector<std::size_t> group_of_;  // of each slice
  std::vector<std::size_t> order_;     // slices, group by group
  std::vector<Range> groups_;          // of the values
  std::vector<char> there_;            // which times have a value
  std::vector<char> basis_there_;      // for which basis_ was made
  std::vector<double> t_;              // of the values
  std::vector<double> y_;
  OrthonormalColumns basis_;  // 1, cos and sin, t
  bool full_rank_ = false;
  std::vector<double> along_;
  StudentT student_;
  MedianSlope median_slope_;
};

class LineFits {
 public:
  // `times` of the slices, ascending.
  explicit LineFits(std::vector<double> times);

  // The least squares of all cells of a strip of all slices; p values only if they are wanted. The
  // result lives until the next call.
  std::span<const Trend> fit(const SeriesStrip& in, bool p_values);

  // What fit() holds for strips of that many cells.
  static std::int64_t bytes(std::int64_t cells, std::int64_t slices);

 private:
  // Sums over the slices, of each cell.
  enum Sum : std::size_t { kCount, kTime, kValue, kLow, kHigh, kTimes2, kBoth, kValues2, kRest };
  static constexpr std::size_t kSums = 9;

  double* sum(Sum which) { return sums_.data() + which * cells_; }
  void find_means(const SeriesStrip& in);
  void find_squares(const SeriesStrip& in);
  void find_residuals(const SeriesStrip& in);
  Trend trend_of(std::size_t cell, bool p_value);

  std::vector<double> times_;
  StudentT student_;
  std::size_t cells_ = 0;
  std::vector<double> sums_;
  std::vector<Trend> trends_;
};

}  // namespace cube
