// Smoothing of series with gaps: local polynomials and penalised differences.
//
// Savitzky and Golay, "Smoothing and differentiation of data by simplified least squares
// procedures", 1964: the value at the middle of a polynomial fitted to a window. Solved as least
// squares over the values that are there, so that times may be uneven and values missing; at the
// ends of the series the window stays whole and is evaluated off its middle (scipy's "interp").
//
// Whittaker 1923 as in Eilers, "A perfect smoother", 2003: z minimises the sum of w (y - z)^2 plus
// lambda times the sum of the squared d-th differences of z; w is 0 where y is missing. Differences
// of unevenly spaced values are divided differences, of times in units of the mean step. Solved by
// a banded L D L' factorisation.
//
// Thread rule: LocalPolynomials is immutable and shared; a Whittaker belongs to one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/least_squares.h"
#include "engine/region.h"
#include "engine/series.h"

namespace cube {

class LocalPolynomials {
 public:
  // `places` of the slices, ascending. REQUIRES: order < window <= places.size().
  LocalPolynomials(std::vector<double> places, std::int64_t window, std::int64_t order);

  // The window of slice t, always whole.
  Range window(std::int64_t t) const;

  // The weights of the window's values that make the smooth value at t if none is missing.
  std::span<const double> weights(std::int64_t t) const;

  // The same where only the values `there` are, as ascending indices into the window. Empty where
  // these are not more than `order`, or where t itself is missing and has none on one of its sides.
  std::vector<double> weights(std::int64_t t, std::span<const std::size_t> there,
                              OrthonormalColumns& scratch) const;

  // Slices of one shape have the same weights for the same `there`.
  std::int64_t shape(std::int64_t t) const { return even_ ? t - window(t).begin : t; }

  std::int64_t bytes() const;

 private:
  std::vector<double> places_;
  std::int64_t window_;
  std::int64_t order_;
  bool even_;                                 // the places are 0, 1, 2, ...
  std::vector<std::vector<double>> weights_;  // of each slice
};

class Whittaker {
 public:
  // REQUIRES: lambda > 0; 1 <= order < places.size().
  Whittaker(std::span<const double> places, double lambda, std::int64_t order);

  // All slices of a strip of cells; a cell of fewer than `order` values is missing throughout.
  void run(const SeriesStrip& in, SeriesStrip& out);

  static std::int64_t bytes(std::int64_t cells, std::int64_t slices, std::int64_t order);

 private:
  void factorise_row(const SeriesStrip& in, std::size_t t, SeriesStrip& out);

  std::size_t slices_;
  std::size_t order_;
  // penalty_[t * (order + 1) + k]: entry (t, t - k) of lambda D'D.
  std::vector<double> penalty_;
  std::size_t cells_ = 0;
  std::vector<double> pivots_;  // [t][cell]: D of the factorisation
  std::vector<double> lower_;   // [t][k - 1][cell]: entry (t, t - k) of L
  std::vector<double> sums_;    // [cell]
  std::vector<double> counts_;  // [cell]: values that are there
};

}  // namespace cube
