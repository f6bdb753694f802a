#include "engine/gdal/filter_kernel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

double cubic_at(double x) {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

double spline_at(double x) {
  if (x < 1) return (4 + x * x * (3 * x - 6)) / 6;
  return x < 2 ? (2 - x) * (2 - x) * (2 - x) / 6 : 0;
}

double lanczos_at(double x) {
  if (x == 0) return 1;
  if (x >= 3) return 0;
  const double a = std::numbers::pi * x;
  return 3 * std::sin(a) * std::sin(a / 3) / (a * a);
}

// The kernel at the six distances m - t, m from -2 to 3, for t from 0 to 1: three sines for twelve,
// as sin(pi (m - t)) = -(-1)^m sin(pi t), and sin(pi (m - t) / 3) is a sum of two products.
void place_lanczos(double t, double* weights, std::size_t stride) {
  constexpr double kHigh = 0.5 * std::numbers::sqrt3;  // sine of 60 degrees
  constexpr double kSines[6] = {-kHigh, -kHigh, 0, kHigh, kHigh, 0};
  constexpr double kCosines[6] = {-0.5, 0.5, 1, 0.5, -0.5, -1};
  const double sine = std::sin(std::numbers::pi * t);
  const double third_sine = std::sin(std::numbers::pi * t / 3);
  const double third_cosine = std::cos(std::numbers::pi * t / 3);
  for (int j = 0; j < 6; ++j) {
    const double a = std::numbers::pi * (j - 2 - t);
    const double one = j % 2 == 0 ? -sine : sine;
    const double third = kSines[j] * third_cosine - kCosines[j] * third_sine;
    weights[static_cast<std::size_t>(j) * stride] = a == 0 ? 1 : 3 * one * third / (a * a);
  }
}

std::int64_t kernel_radius(Resampling method) {
  switch (method) {
    case Resampling::kBilinear:
      return 1;
    case Resampling::kLanczos:
      return 3;
    default:
      return 2;
  }
}

// The weights of four taps as polynomials of the way t from the second tap's centre to the third's:
// row i holds the factors of t to the power of i.
struct Cubics {
  double factors[4][4];

  void weights(double t, double* w) const {
    for (int j = 0; j < 4; ++j) {
      w[j] = factors[0][j] + t * (factors[1][j] + t * (factors[2][j] + t * factors[3][j]));
    }
  }
};

constexpr Cubics kCubic = {
    {{0, 1, 0, 0}, {-0.5, 0, 0.5, 0}, {1, -2.5, 2, -0.5}, {-0.5, 1.5, -1.5, 0.5}}};
constexpr Cubics kSpline = {{{1.0 / 6, 4.0 / 6, 1.0 / 6, 0},
                             {-0.5, 0, 0.5, 0},
                             {0.5, -1, 0.5, 0},
                             {-1.0 / 6, 0.5, -0.5, 1.0 / 6}}};

// Cells of a kernel of 4 x 4 taps; NaN where not all of them are there.
CUBE_MULTIVERSION
void sum_cells(const Cubics& cubics, const double* cells, const Footprint& under,
               std::int64_t round, const double* x, const double* y, std::size_t n,
               double* __restrict out) {
  const Cubics c = cubics;
  const std::int64_t stride = under.columns.size();
  const std::int64_t second = under.columns.begin + 1;
  const auto top = static_cast<double>(under.rows.begin) + 1.5;
  const auto right = static_cast<double>(std::max(under.columns.end, round));
  const auto height = static_cast<double>(under.rows.size() - 3);
  for (std::size_t k = 0; k < n; ++k) {
    // From the centre of the first column, and of the window's second row.
    const double across = x[k] - 0.5;
    const double down = y[k] - top;
    out[k] = kMissing;
    if (!((across >= -1) & (down >= 0) & (across < right) & (down < height))) continue;
    const auto toward_zero = static_cast<std::int64_t>(across);
    const std::int64_t cell = toward_zero - (across < static_cast<double>(toward_zero));
    // The first tap's cell.
    const std::int64_t from_first = cell - second;
    const std::int64_t column = from_first + (from_first < 0 ? round : 0);
    if (column < 0 || column > stride - 4) continue;
    const auto row = static_cast<std::int64_t>(down);
    double wx[4], wy[4], sums[4];
    c.weights(across - static_cast<double>(cell), wx);
    c.weights(down - static_cast<double>(row), wy);
    const double* p = cells + row * stride + column;
    for (int j = 0; j < 4; ++j) sums[j] = wy[0] * p[j];
    for (int i = 1; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) sums[j] += wy[i] * p[i * stride + j];
    }
    out[k] = (wx[0] * sums[0] + wx[1] * sums[1]) + (wx[2] * sums[2] + wx[3] * sums[3]);
  }
}

double sum_block(const double* p, std::int64_t stride, const std::vector<double>& down,
                 const std::vector<double>& across) {
  double sum = 0;
  for (std::size_t i = 0; i < down.size(); ++i) {
    const double* row = p + static_cast<std::int64_t>(i) * stride;
    double part = 0;
    for (std::size_t j = 0; j < across.size(); ++j) part += across[j] * row[j];
    sum += down[i] * part;
  }
  return sum;
}

}  // namespace

double kernel_at(Resampling method, double distance) {
  const double x = std::abs(distance);
  switch (method) {
    case Resampling::kCubic:
      return cubic_at(x);
    case Resampling::kCubicSpline:
      return spline_at(x);
    case Resampling::kLanczos:
      return lanczos_at(x);
    default:
      return std::max(0.0, 1 - x);
  }
}

double kernel_scale(Resampling method, double cell_scale) {
  constexpr double kLimit = 1 / 0.95;
  if (method == Resampling::kBilinear || cell_scale <= kLimit) return 1;
  return std::min(cell_scale, kMostTaps / (2 * static_cast<double>(kernel_radius(method))));
}

std::int64_t tap_count(Resampling method, double scale) {
  const auto radius = static_cast<double>(kernel_radius(method));
  return 2 * static_cast<std::int64_t>(std::ceil(radius * scale));
}

std::int64_t first_tap(double position, std::int64_t count) {
  return static_cast<std::int64_t>(std::floor(position - 0.5)) - (count / 2 - 1);
}

void place_weights(Resampling method, double scale, double position, std::int64_t first,
                   std::int64_t count, double* weights, std::size_t stride) {
  const double from_first = static_cast<double>(first) + 0.5 - position;
  double sum = 0;
  if (method == Resampling::kLanczos && scale == 1) {
    place_lanczos(-2 - from_first, weights, stride);
    for (std::size_t j = 0; j < 6; ++j) sum += weights[j * stride];
  } else {
    for (std::int64_t j = 0; j < count; ++j) {
      const double weight = kernel_at(method, (from_first + static_cast<double>(j)) / scale);
      weights[static_cast<std::size_t>(j) * stride] = weight;
      sum += weight;
    }
  }
  for (std::int64_t j = 0; j < count; ++j) weights[static_cast<std::size_t>(j) * stride] /= sum;
}

AxisTaps make_taps(const std::vector<double>& positions, const Range& under, Resampling method,
                   double cell_scale) {
  const double scale = kernel_scale(method, cell_scale);
  const std::size_t n = positions.size();
  AxisTaps taps;
  taps.count = tap_count(method, scale);
  taps.first.resize(n);
  taps.weights.resize(n * static_cast<std::size_t>(taps.count));
  for (std::size_t k = 0; k < n; ++k) {
    const std::int64_t first = first_tap(positions[k], taps.count);
    const std::int64_t most = taps.count + under.size();  // cells outside of the image: anywhere
    taps.first[k] = static_cast<std::int32_t>(std::clamp(first - under.begin, -most, most));
    place_weights(method, scale, positions[k], first, taps.count, taps.weights.data() + k, n);
  }
  return taps;
}

void GeneralFilter::run(const std::vector<double>& cells, const Stencil& s, std::size_t first,
                        std::vector<double>& out) {
  const double scale_x = kernel_scale(s.method, s.scale_x);
  const double scale_y = kernel_scale(s.method, s.scale_y);
  across_.resize(static_cast<std::size_t>(tap_count(s.method, scale_x)));
  down_.resize(static_cast<std::size_t>(tap_count(s.method, scale_y)));
  if (across_.size() == 4 && down_.size() == 4) {
    const Cubics& cubics = s.method == Resampling::kCubic ? kCubic : kSpline;
    sum_cells(cubics, cells.data(), s.under, s.round, s.x.data() + first, s.y.data() + first,
              out.size(), out.data());
  } else {
    std::fill(out.begin(), out.end(), kMissing);
  }
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::int32_t centre = s.cells[first + k];
    if (!std::isnan(out[k]) || centre < 0) continue;
    const double value = cells[static_cast<std::size_t>(centre)];
    if (!std::isnan(value)) out[k] = weigh(cells, s, {scale_x, scale_y}, first + k, value);
  }
}

// One target cell; `centre` where the valid cells weigh too little.
double GeneralFilter::weigh(const std::vector<double>& cells, const Stencil& s, const Scales& scale,
                            std::size_t k, double centre) {
  const auto columns = static_cast<std::int64_t>(across_.size());
  const auto rows = static_cast<std::int64_t>(down_.size());
  const std::int64_t column = first_tap(s.x[k], columns);
  const std::int64_t row = first_tap(s.y[k], rows);
  place_weights(s.method, scale.x, s.x[k], column, columns, across_.data(), 1);
  place_weights(s.method, scale.y, s.y[k], row, rows, down_.data(), 1);
  const std::int64_t from_first = column - s.under.columns.begin;
  const std::int64_t left = from_first + (from_first < 0 ? s.round : 0);
  const std::int64_t top = row - s.under.rows.begin;
  const std::int64_t width = s.under.columns.size();
  if (left >= 0 && top >= 0 && left + columns <= width && top + rows <= s.under.rows.size()) {
    const double sum = sum_block(cells.data() + top * width + left, width, down_, across_);
    if (!std::isnan(sum)) return sum;
  }
  const double sum = sum_valid(cells, s.under, top, left);
  return std::isnan(sum) ? centre : sum;
}

// The sum over valid cells, renormalised; NaN where they weigh too little.
double GeneralFilter::sum_valid(const std::vector<double>& cells, const Footprint& under,
                                std::int64_t top, std::int64_t left) const {
  double sum = 0;
  double weights = 0;
  for (std::size_t i = 0; i < down_.size(); ++i) {
    const std::int64_t row = top + static_cast<std::int64_t>(i);
    if (row < 0 || row >= under.rows.size()) continue;
    for (std::size_t j = 0; j < across_.size(); ++j) {
      const std::int64_t column = left + static_cast<std::int64_t>(j);
      if (column < 0 || column >= under.columns.size()) continue;
      const double value = cells[static_cast<std::size_t>(row * under.columns.size() + column)];
      if (std::isnan(value)) continue;
      const double weight = down_[i] * across_[j];
      sum += weight * value;
      weights += weight;
    }
  }
  return weights >= kLeastWeight ? sum / weights : kMissing;
}

}  // namespace cube
