#include "engine/gdal/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cube {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The source cell that holds a position; -1 for NaN.
std::int64_t cell_at(double position) {
  return std::isnan(position) ? -1 : static_cast<std::int64_t>(std::floor(position + kTie));
}

// NaN compares false.
bool inside(double position, std::int64_t size) {
  return position + kTie >= 0 && position + kTie < static_cast<double>(size);
}

// Bilinear where some of the four cells are missing or outside: the rest, renormalised.
double partial(const double* values, std::int64_t stride, const SourceWindow& window,
               std::int64_t row, std::int64_t column, double fy, double fx) {
  double sum = 0;
  double weights = 0;
  for (std::int64_t i = 0; i < 2; ++i) {
    for (std::int64_t j = 0; j < 2; ++j) {
      if (!window.rows.contains(row + i) || !window.columns.contains(column + j)) continue;
      const double value =
          values[(row + i - window.rows.begin) * stride + column + j - window.columns.begin];
      if (std::isnan(value)) continue;
      const double weight = (i ? fy : 1 - fy) * (j ? fx : 1 - fx);
      sum += weight * value;
      weights += weight;
    }
  }
  return weights > 0 ? sum / weights : kNaN;
}

}  // namespace

Footprint footprint_of(const Positions& at, std::int64_t height, std::int64_t width,
                       Resampling method) {
  double left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
  for (std::size_t i = 0; i < at.x.size(); ++i) {
    if (!inside(at.x[i], width) || !inside(at.y[i], height)) continue;
    left = std::min(left, at.x[i]);
    right = std::max(right, at.x[i]);
    top = std::min(top, at.y[i]);
    bottom = std::max(bottom, at.y[i]);
  }
  if (left > right) return {};
  // One cell more on each side than a 2 x 2 neighbourhood can reach, clipped to the image.
  const std::int64_t reach = method == Resampling::kNearest ? 0 : 1;
  return {intersect(Range{cell_at(top) - reach, cell_at(bottom) + 1 + reach}, Range{0, height}),
          intersect(Range{cell_at(left) - reach, cell_at(right) + 1 + reach}, Range{0, width})};
}

void Sampler::sample(const SourceWindow& window, const Positions& at, const Size& size,
                     Resampling method, const Range& rows, const Range& columns, Block& out) {
  switch (method) {
    case Resampling::kNearest:
      return nearest(window, at, size, rows, columns, out);
    case Resampling::kBilinear:
      return bilinear(window, at, size, rows, columns, out);
  }
}

void Sampler::nearest(const SourceWindow& window, const Positions& at, const Size& size,
                      const Range& rows, const Range& columns, Block& out) {
  const auto width = static_cast<std::size_t>(columns.size());
  const std::int64_t stride = window.columns.size();
  offsets_.resize(width);
  row_.resize(width);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto first = static_cast<std::size_t>(row - rows.begin) * width;
    for (std::size_t k = 0; k < width; ++k) {
      const double x = at.x[first + k];
      const double y = at.y[first + k];
      const std::int64_t offset =
          (cell_at(y) - window.rows.begin) * stride + cell_at(x) - window.columns.begin;
      const bool in = inside(x, size.width) && inside(y, size.height);
      offsets_[k] =
          in && (window.hidden.empty() || !window.hidden[static_cast<std::size_t>(offset)]) ? offset
                                                                                            : -1;
    }
    dispatch(window.dtype, [&]<class T>(std::type_identity<T>) {
      const T* cells = window.as<T>();
      const bool has_nodata = window.nodata.has_value();
      const T nodata = has_nodata ? static_cast<T>(*window.nodata) : T{};
      for (std::size_t k = 0; k < width; ++k) {
        const std::int64_t offset = offsets_[k];
        const T cell = cells[std::max<std::int64_t>(0, offset)];
        row_[k] = offset < 0 || (has_nodata && cell == nodata) ? kNaN : static_cast<double>(cell);
      }
    });
    out.set_row(0, row, columns.begin, row_);
  }
}

void Sampler::bilinear(const SourceWindow& window, const Positions& at, const Size& size,
                       const Range& rows, const Range& columns, Block& out) {
  to_doubles(window, values_);
  const double* values = values_.data();
  const auto width = static_cast<std::size_t>(columns.size());
  const std::int64_t stride = window.columns.size();
  row_.resize(width);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto first = static_cast<std::size_t>(row - rows.begin) * width;
    for (std::size_t k = 0; k < width; ++k) {
      const double x = at.x[first + k];
      const double y = at.y[first + k];
      row_[k] = kNaN;
      if (!inside(x, size.width) || !inside(y, size.height)) continue;
      const double centre =
          values[(cell_at(y) - window.rows.begin) * stride + cell_at(x) - window.columns.begin];
      if (std::isnan(centre)) continue;
      const auto j = static_cast<std::int64_t>(std::floor(x - 0.5));
      const auto i = static_cast<std::int64_t>(std::floor(y - 0.5));
      const double fx = x - 0.5 - static_cast<double>(j);
      const double fy = y - 0.5 - static_cast<double>(i);
      if (window.rows.contains(i) && window.rows.contains(i + 1) && window.columns.contains(j) &&
          window.columns.contains(j + 1)) {
        const double* p = values + (i - window.rows.begin) * stride + j - window.columns.begin;
        const double upper = p[0] + fx * (p[1] - p[0]);
        const double lower = p[stride] + fx * (p[stride + 1] - p[stride]);
        row_[k] = upper + fy * (lower - upper);
        if (!std::isnan(row_[k])) continue;
      }
      row_[k] = partial(values, stride, window, i, j, fy, fx);
    }
    out.set_row(0, row, columns.begin, row_);
  }
}

}  // namespace cube
