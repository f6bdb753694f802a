// Trend: a straight line through a series of unevenly spaced values, with tests of its slope.
//
// Ordinary least squares: y = a + b t + the sum over k of c_k cos(2 pi k t) + s_k sin(2 pi k t), t
// in years, solved by an orthonormal basis (least_squares.h). The slope's p value is that of its t
// test. Theil and Sen: the median of the slopes between all pairs of values (Sen, "Estimates of the
// regression coefficient based on Kendall's tau", 1968), with the p value of the Mann-Kendall test
// (normal approximation with corrections for ties and continuity; Hirsch, Slack and Smith, 1982).
//
// Thread rule: TrendFit belongs to one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/least_squares.h"

namespace cube {

// NaN where there are too few values, one is infinite, or the times cannot tell the terms apart.
struct Trend {
  double slope;      // a unit of t
  double intercept;  // of the line, at t = 0
  double r2;       // 1 - residual sum of squares / sum of squares about the mean; NaN if all equal
  double p_value;  // two-sided, of slope 0; 1 if all values are equal
  double values;   // how many there are
};

class TrendFit {
 public:
  enum class Method : std::uint8_t { kLeastSquares, kTheilSen };

  // `times` of the slices, ascending. REQUIRES: no harmonics with kTheilSen.
  TrendFit(std::vector<double> times, Method method, std::int64_t harmonics);

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
  std::vector<char> there_;        // which times have a value
  std::vector<char> basis_there_;  // for which basis_ was made
  std::vector<double> t_;          // of the values
  std::vector<double> y_;
  OrthonormalColumns basis_;  // 1, cos and sin, t
  bool full_rank_ = false;
  std::vector<double> along_;
  std::vector<double> slopes_;
};

// The probability that Student's t with `dof` degrees of freedom is at least as far from 0 as one
// with 1 / (1 + t^2 / dof) = x, for which 1 - x = rest. (DLMF 8.17.22: the continued fraction of
// the incomplete beta function.)
double student_p(double x, double rest, std::int64_t dof);

}  // namespace cube
