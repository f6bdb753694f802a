#include "engine/gdal/bilinear_kernel.h"

#include <algorithm>
#include <cmath>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

// NaN where one of the four cells is missing, and where there are not four.
template <class V>
CUBE_MULTIVERSION void blend_cells(const V* values, std::int64_t stride, const std::int32_t* cells,
                                   const double* x, const double* y, std::size_t n,
                                   double* __restrict out) {
  const V* below = values + stride;
  for (std::size_t k = 0; k < n; ++k) {
    const std::int32_t cell = cells[k];
    const std::int64_t i = cell < 0 ? 0 : cell;
    const double a = values[i], b = values[i + 1];
    const double c = below[i], d = below[i + 1];
    const double upper = a + x[k] * (b - a);
    const double lower = c + x[k] * (d - c);
    const double value = upper + y[k] * (lower - upper);
    out[k] = cell < 0 ? kMissing : value;
  }
}

}  // namespace

void BilinearSampler::begin(const SourceWindow& window, std::int64_t round) {
  round_ = round;
  rows_ = window.rows;
  columns_ = window.columns;
  single_ = window.dtype != DType::kInt32 && window.dtype != DType::kUInt32 &&
            window.dtype != DType::kFloat64;
  if (single_) {
    to_reals(window, singles_);
  } else {
    to_reals(window, doubles_);
  }
}

BilinearSampler::Way BilinearSampler::way_at(double position) {
  const double cell = std::floor(position - 0.5);
  return {static_cast<std::int64_t>(cell), position - 0.5 - cell};
}

double BilinearSampler::at(std::int64_t row, std::int64_t column) const {
  if (column < columns_.begin) column += round_;
  if (!rows_.contains(row) || !columns_.contains(column)) return kMissing;
  const auto i =
      static_cast<std::size_t>((row - rows_.begin) * columns_.size() + column - columns_.begin);
  return single_ ? static_cast<double>(singles_[i]) : doubles_[i];
}

// Where some of the four cells may be missing or outside.
double BilinearSampler::partial(const Way& y, const Way& x) const {
  if (std::isnan(at(y.cell + (y.part + kTie >= 0.5), x.cell + (x.part + kTie >= 0.5)))) {
    return kMissing;
  }
  double sum = 0;
  double weights = 0;
  for (std::int64_t i = 0; i < 2; ++i) {
    for (std::int64_t j = 0; j < 2; ++j) {
      const double value = at(y.cell + i, x.cell + j);
      if (std::isnan(value)) continue;
      const double weight = (i ? y.part : 1 - y.part) * (j ? x.part : 1 - x.part);
      sum += weight * value;
      weights += weight;
    }
  }
  return weights > 0 ? sum / weights : kMissing;
}

void BilinearSampler::run(const Stencil& stencil, std::size_t first,
                          std::vector<double>& out) const {
  if (single_) {
    blend(singles_, stencil, first, out);
  } else {
    blend(doubles_, stencil, first, out);
  }
}

template <class V>
void BilinearSampler::blend(const std::vector<V>& values, const Stencil& s, std::size_t first,
                            std::vector<double>& out) const {
  const std::int64_t stride = columns_.size();
  const std::int32_t* cells = s.cells.data() + first;
  const double* x = s.x.data() + first;
  const double* y = s.y.data() + first;
  if (rows_.size() > 1 && stride > 1) {
    blend_cells(values.data(), stride, cells, x, y, out.size(), out.data());
  } else {
    std::fill(out.begin(), out.end(), kMissing);
  }
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!std::isnan(out[k]) || cells[k] == Stencil::kOutside) continue;
    if (cells[k] == Stencil::kEdge) {
      out[k] = partial(way_at(y[k]), way_at(x[k]));
    } else {
      out[k] = partial({rows_.begin + cells[k] / stride, y[k]},
                       {columns_.begin + cells[k] % stride, x[k]});
    }
  }
}

}  // namespace cube
