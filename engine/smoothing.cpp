#include "engine/smoothing.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/missing.h"

namespace cube {

LocalPolynomials::LocalPolynomials(std::vector<double> places, std::int64_t window,
                                   std::int64_t order)
    : places_(std::move(places)), window_(window), order_(order), even_(true) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    even_ = even_ && places_[i] == static_cast<double>(i);
  }
  OrthonormalColumns scratch;
  std::vector<std::size_t> all(static_cast<std::size_t>(window));
  std::iota(all.begin(), all.end(), std::size_t{0});
  for (std::int64_t t = 0; t < static_cast<std::int64_t>(places_.size()); ++t) {
    weights_.push_back(weights(t, all, scratch));
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

// With A = Q R the columns 1, x, x^2, ... of places x about t, the fit at x = 0 is e' R^-1 Q' y for
// the first unit vector e: its weights are Q u with R' u = e.
std::vector<double> LocalPolynomials::weights(std::int64_t t, std::span<const std::size_t> there,
                                              OrthonormalColumns& scratch) const {
  const auto terms = static_cast<std::size_t>(order_ + 1);
  const auto first = static_cast<std::size_t>(window(t).begin);
  const auto middle = static_cast<std::size_t>(t);
  if (there.size() < terms || first + there.front() > middle || first + there.back() < middle) {
    return {};
  }
  std::vector<double> x;
  double reach = 0;
  for (const std::size_t i : there) {
    x.push_back(places_[first + i] - places_[middle]);
    reach = std::max(reach, std::abs(x.back()));
  }
  scratch.clear();
  std::vector<double> powers(x.size(), 1.0);
  for (std::size_t k = 0; k < terms; ++k) {
    if (!scratch.add(powers, 0)) return {};
    for (std::size_t i = 0; i < powers.size(); ++i) powers[i] *= x[i] / reach;
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
