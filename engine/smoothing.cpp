#include "engine/smoothing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

LocalPolynomials::LocalPolynomials(std::vector<double> places, std::int64_t window,
                                   std::int64_t order)
    : places_(std::move(places)), window_(window), order_(order) {
  OrthonormalColumns scratch;
  for (std::int64_t t = 0; t < static_cast<std::int64_t>(places_.size()); ++t) {
    weights_.push_back(weights_at(t, scratch));
  }
}

Range LocalPolynomials::window(std::int64_t t) const {
  const std::int64_t last = static_cast<std::int64_t>(places_.size()) - window_;
  const std::int64_t begin = std::clamp<std::int64_t>(t - window_ / 2, 0, last);
  return {begin, begin + window_};
}

std::span<const double> LocalPolynomials::weights(std::int64_t t) const {
  return weights_[static_cast<std::size_t>(t)];
}

std::int64_t LocalPolynomials::bytes() const {
  return static_cast<std::int64_t>(places_.size() * sizeof(double)) * (window_ + 1);
}

std::vector<double> LocalPolynomials::offsets(std::int64_t t) const {
  const auto first = places_.begin() + window(t).begin;
  std::vector<double> x(first, first + window_);
  double reach = 0;
  for (double& place : x) {
    place -= places_[static_cast<std::size_t>(t)];
    reach = std::max(reach, std::abs(place));
  }
  for (double& place : x) place /= std::max(reach, std::numeric_limits<double>::min());
  return x;
}

// With A = Q R the columns 1, x, x^2, ... of places x about t, the fit at x = 0 is e' R^-1 Q' y for
// the first unit vector e: its weights are Q u with R' u = e.
std::vector<double> LocalPolynomials::weights_at(std::int64_t t,
                                                 OrthonormalColumns& scratch) const {
  const auto terms = static_cast<std::size_t>(order_ + 1);
  const std::vector<double> x = offsets(t);
  scratch.clear();
  std::vector<double> powers(x.size(), 1.0);
  for (std::size_t k = 0; k < terms; ++k) {
    if (!scratch.add(powers, 0)) return std::vector<double>(x.size(), kMissing);
    for (std::size_t i = 0; i < powers.size(); ++i) powers[i] *= x[i];
  }
  std::vector<double> u(terms);
  std::vector<double> out(x.size());
  for (std::size_t k = 0; k < terms; ++k) {
    u[k] = k == 0 ? 1.0 : 0.0;
    for (std::size_t j = 0; j < k; ++j) u[k] -= scratch.r(j, k) * u[j];
    u[k] /= scratch.r(k, k);
    const auto column = scratch.column(k);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += u[k] * column[i];
  }
  return out;
}

namespace {

// What GappyPolynomials keeps of each cell. The polynomial p is the last one made, `before` that
// before it; sums are over the values that are there.
struct CellNumbers {
  double* __restrict count;    // of values
  double* __restrict sides;    // 1 where the slice itself or both its sides have values
  double* __restrict squares;  // sum of p^2
  double* __restrict moment;   // sum of x p^2
  double* __restrict along;    // sum of p y
  double* __restrict centre;   // the fit so far at x = 0
  double* __restrict here;     // p at x = 0
  double* __restrict before;   // `before` at x = 0
  double* __restrict ratio;    // squares over those of `before`
};
constexpr std::size_t kNumbers = 9;

CellNumbers numbers_in(std::vector<double>& all, std::size_t cells) {
  double* first = all.data();
  const auto next = [&] { return std::exchange(first, first + cells); };
  return {next(), next(), next(), next(), next(), next(), next(), next(), next()};
}

// A slice's part of the sums, which come out as those of p.
CUBE_MULTIVERSION void add_slice(std::span<const double> values, double x,
                                 const double* __restrict p, const CellNumbers& cell) {
  double* __restrict squares = cell.squares;
  double* __restrict moment = cell.moment;
  double* __restrict along = cell.along;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool there = values[i] == values[i];
    const double q = there ? p[i] : 0.0;
    squares[i] += q * q;
    moment[i] += x * q * q;
    along[i] += q * (there ? values[i] : 0.0);
  }
}

// The next polynomial at a slice: (x - moment / squares) p - ratio before, in place of `before`.
CUBE_MULTIVERSION void next_polynomial(std::size_t cells, double x, const double* __restrict p,
                                       double* __restrict before, const CellNumbers& cell) {
  const double* __restrict squares = cell.squares;
  const double* __restrict moment = cell.moment;
  const double* __restrict ratio = cell.ratio;
  for (std::size_t i = 0; i < cells; ++i) {
    before[i] = (x - moment[i] / squares[i]) * p[i] - ratio[i] * before[i];
  }
}

}  // namespace

std::int64_t GappyPolynomials::bytes(std::int64_t cells, std::int64_t window) {
  return std::int64_t{sizeof(double)} *
         (cells * (2 * window + static_cast<std::int64_t>(kNumbers)) + window);
}

void GappyPolynomials::check_sides(const SeriesStrip& in, std::int64_t t) {
  const CellNumbers cell = numbers_in(numbers_, in.cells());
  const Range window = fit_.window(t);
  double* left = cell.along;  // until the sums are made
  double* right = cell.centre;
  for (std::int64_t s = window.begin; s < window.end; ++s) {
    const auto values = in.at(s);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double there = values[i] == values[i] ? 1 : 0;
      cell.count[i] += there;
      left[i] += s <= t ? there : 0;
      right[i] += s >= t ? there : 0;
    }
  }
  for (std::size_t i = 0; i < in.cells(); ++i) {
    cell.sides[i] = left[i] > 0 && right[i] > 0 ? 1 : 0;
    left[i] = right[i] = 0;
  }
}

void GappyPolynomials::run(const SeriesStrip& in, std::int64_t t, std::span<double> out) {
  const std::size_t cells = in.cells();
  const Range window = fit_.window(t);
  const std::vector<double> x = fit_.offsets(t);
  numbers_.assign(kNumbers * cells, 0);
  polynomials_.assign(2 * x.size() * cells, 0);
  const CellNumbers cell = numbers_in(numbers_, cells);
  check_sides(in, t);
  double* p = polynomials_.data();
  double* before = p + x.size() * cells;
  std::fill_n(p, x.size() * cells, 1.0);
  std::fill_n(cell.here, cells, 1.0);
  for (std::int64_t k = 0;; ++k) {
    std::swap_ranges(cell.ratio, cell.ratio + cells, cell.squares);
    std::fill_n(cell.squares, cells, 0.0);
    std::fill_n(cell.moment, cells, 0.0);
    std::fill_n(cell.along, cells, 0.0);
    for (std::size_t j = 0; j < x.size(); ++j) {
      add_slice(in.at(window.begin + static_cast<std::int64_t>(j)), x[j], p + j * cells, cell);
    }
    for (std::size_t i = 0; i < cells; ++i) {
      cell.centre[i] += cell.along[i] / cell.squares[i] * cell.here[i];
      cell.ratio[i] = k == 0 ? 0.0 : cell.squares[i] / cell.ratio[i];
    }
    if (k == fit_.order()) break;
    for (std::size_t j = 0; j < x.size(); ++j) {
      next_polynomial(cells, x[j], p + j * cells, before + j * cells, cell);
    }
    next_polynomial(cells, 0, cell.here, cell.before, cell);
    std::swap(p, before);
    std::swap_ranges(cell.here, cell.here + cells, cell.before);
  }
  const auto order = static_cast<double>(fit_.order());
  for (std::size_t i = 0; i < cells; ++i) {
    const bool fits = cell.count[i] > order && cell.sides[i] > 0;
    if (std::isnan(out[i])) out[i] = fits ? cell.centre[i] : kMissing;
  }
}

Whittaker::Whittaker(std::span<const double> places, double lambda, std::int64_t order)
    : slices_(places.size()), order_(static_cast<std::size_t>(order)) {
  const double step = (places.back() - places.front()) / static_cast<double>(slices_ - 1);
  // rows[i]: the d-th difference that starts at slice i, as factors of the slices i, i + 1, ...
  std::vector<std::vector<double>> rows(slices_, {1.0});
  for (std::size_t d = 1; d <= order_; ++d) {
    for (std::size_t i = 0; i + d < slices_; ++i) {
      const double factor = static_cast<double>(d) * step / (places[i + d] - places[i]);
      std::vector<double> row(d + 1);
      for (std::size_t k = 0; k < d; ++k) {
        row[k] -= factor * rows[i][k];
        row[k + 1] += factor * rows[i + 1][k];
      }
      rows[i] = std::move(row);
    }
  }
  penalty_.assign(slices_ * (order_ + 1), 0);
  for (std::size_t i = 0; i + order_ < slices_; ++i) {
    for (std::size_t a = 0; a <= order_; ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        penalty_[(i + a) * (order_ + 1) + (a - b)] += lambda * rows[i][a] * rows[i][b];
      }
    }
  }
}

std::int64_t Whittaker::bytes(std::int64_t cells, std::int64_t slices, std::int64_t order) {
  return std::int64_t{sizeof(double)} *
         (cells * (slices * (order + 1) + 2) + slices * (2 * order + 4));
}

void Whittaker::run(const SeriesStrip& in, SeriesStrip& out) {
  cells_ = in.cells();
  pivots_.resize(slices_ * cells_);
  lower_.resize(slices_ * order_ * cells_);
  counts_.assign(cells_, 0);
  for (std::size_t t = 0; t < slices_; ++t) factorise_row(in, t, out);
  // out holds L^-1 y; then L' z = D^-1 L^-1 y.
  for (std::size_t t = slices_; t-- > 0;) {
    const auto row = out.at(static_cast<std::int64_t>(t));
    const double* pivot = pivots_.data() + t * cells_;
    for (std::size_t i = 0; i < cells_; ++i) row[i] /= pivot[i];
    for (std::size_t k = 1; k <= order_ && t + k < slices_; ++k) {
      const auto later = out.at(static_cast<std::int64_t>(t + k));
      const double* lower = lower_.data() + ((t + k) * order_ + k - 1) * cells_;
      for (std::size_t i = 0; i < cells_; ++i) row[i] -= lower[i] * later[i];
    }
  }
  for (std::size_t t = 0; t < slices_; ++t) {
    const auto row = out.at(static_cast<std::int64_t>(t));
    for (std::size_t i = 0; i < cells_; ++i) {
      if (counts_[i] < static_cast<double>(order_)) row[i] = kMissing;
    }
  }
}

// Row t of L and D, and of L^-1 y into `out`, for all cells side by side.
void Whittaker::factorise_row(const SeriesStrip& in, std::size_t t, SeriesStrip& out) {
  const auto values = in.at(static_cast<std::int64_t>(t));
  const auto row = out.at(static_cast<std::int64_t>(t));
  double* pivot = pivots_.data() + t * cells_;
  const auto lower = [&](std::size_t r, std::size_t k) {
    return lower_.data() + (r * order_ + k - 1) * cells_;
  };
  const double* penalty = penalty_.data() + t * (order_ + 1);
  for (std::size_t i = 0; i < cells_; ++i) {
    const bool there = values[i] == values[i];
    pivot[i] = penalty[0] + (there ? 1.0 : 0.0);
    row[i] = there ? values[i] : 0.0;
    counts_[i] += there ? 1.0 : 0.0;
  }
  sums_.resize(cells_);
  for (std::size_t k = std::min(order_, t); k >= 1; --k) {
    // Entry (t, t - k): what the entries left of it in both rows make is taken off.
    std::fill(sums_.begin(), sums_.end(), penalty[k]);
    for (std::size_t m = k + 1; m <= std::min(order_, t); ++m) {
      const double* mine = lower(t, m);
      const double* theirs = lower(t - k, m - k);
      const double* between = pivots_.data() + (t - m) * cells_;
      for (std::size_t i = 0; i < cells_; ++i) sums_[i] -= mine[i] * theirs[i] * between[i];
    }
    double* mine = lower(t, k);
    const double* above = pivots_.data() + (t - k) * cells_;
    const auto earlier = out.at(static_cast<std::int64_t>(t - k));
    for (std::size_t i = 0; i < cells_; ++i) {
      mine[i] = sums_[i] / above[i];
      pivot[i] -= mine[i] * sums_[i];
      row[i] -= mine[i] * earlier[i];
    }
  }
}

}  // namespace cube
