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
// Thread rule: LocalPolynomials is immutable and shared; the others belong to one thread.
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

  // Where the window's slices stand about slice t, as a part of the furthest one's distance.
  std::vector<double> offsets(std::int64_t t) const;

  std::int64_t order() const { return order_; }
  std::int64_t bytes() const;

 private:
  std::vector<double> weights_at(std::int64_t t, OrthonormalColumns& scratch) const;

  std::vector<double> places_;
  std::int64_t window_;
  std::int64_t order_;
  std::vector<std::vector<double>> weights_;  // of each slice
};

// The same fits where values are missing, of a strip of cells side by side: each cell has its own
// polynomials, orthogonal over the values that are there (Forsythe, "Generation and use of
// orthogonal polynomials for data-fitting with a digital computer", 1957).
class GappyPolynomials {
 public:
  explicit GappyPolynomials(const LocalPolynomials& fit) : fit_(fit) {}

  // Sets the values at slice t where `out` is NaN. They stay NaN where not more values than `order`
  // are there, or where that at t itself is missing and there are none on one of its sides.
  void run(const SeriesStrip& in, std::int64_t t, std::span<double> out);

  static std::int64_t bytes(std::int64_t cells, std::int64_t window);

 private:
  void check_sides(const SeriesStrip& in, std::int64_t t);

  const LocalPolynomials& fit_;
  std::vector<double> polynomials_;  // [2][slice of the window][cell]: the last and the one before
  std::vector<double> numbers_;      // [kNumbers][cell]
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
