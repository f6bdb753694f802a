#include "engine/gdal/separable_kernel.h"

#include <algorithm>
#include <cmath>

#include "engine/gdal/filter_kernel.h"
#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

constexpr std::size_t kStrip = 512;  // target cells filtered at a time

// Sums of `count` columns or rows of doubles, in their order whatever the loop.

CUBE_MULTIVERSION
void gather_2(const double* cells, const std::int32_t* at, const double* way, std::size_t n,
              double* __restrict out) {
  for (std::size_t k = 0; k < n; ++k) {
    const double* p = cells + at[k];
    out[k] = p[0] + way[k] * (p[1] - p[0]);
  }
}

CUBE_MULTIVERSION
void gather_4(const double* cells, const std::int32_t* at, const double* weights,
              std::size_t stride, std::size_t n, double* __restrict out) {
  const double* w1 = weights + stride;
  const double* w2 = w1 + stride;
  const double* w3 = w2 + stride;
  for (std::size_t k = 0; k < n; ++k) {
    const double* p = cells + at[k];
    out[k] = ((weights[k] * p[0] + w1[k] * p[1]) + w2[k] * p[2]) + w3[k] * p[3];
  }
}

CUBE_MULTIVERSION
void start_gather(const double* cells, const std::int32_t* at, const double* weights, std::size_t n,
                  double* __restrict out) {
  for (std::size_t k = 0; k < n; ++k) out[k] = weights[k] * cells[at[k]];
}

CUBE_MULTIVERSION
void add_gather(const double* cells, const std::int32_t* at, const double* weights, std::size_t n,
                double* __restrict out) {
  for (std::size_t k = 0; k < n; ++k) out[k] += weights[k] * cells[at[k]];
}

CUBE_MULTIVERSION
void gather_any(const double* cells, const std::int32_t* at, const double* weights,
                std::size_t stride, std::int64_t count, std::size_t n, double* __restrict out) {
  start_gather(cells, at, weights, n, out);
  for (std::int64_t j = 1; j < count; ++j) {
    add_gather(cells + j, at, weights + static_cast<std::size_t>(j) * stride, n, out);
  }
}

// How many of `count` cells are not there, for each target cell.
CUBE_MULTIVERSION
void count_missing(const double* valid, const std::int32_t* at, std::int64_t count, std::size_t n,
                   double* __restrict out) {
  for (std::size_t k = 0; k < n; ++k) out[k] = static_cast<double>(count);
  for (std::int64_t j = 0; j < count; ++j) {
    for (std::size_t k = 0; k < n; ++k) out[k] -= valid[at[k] + j];
  }
}

// Taps that start at cells[0], cells[1], ...: the same sums without looking up.
CUBE_MULTIVERSION
void slide_2(const double* p, const double* way, std::size_t n, double* __restrict out) {
  for (std::size_t k = 0; k < n; ++k) out[k] = p[k] + way[k] * (p[k + 1] - p[k]);
}

CUBE_MULTIVERSION
void slide_4(const double* p, const double* weights, std::size_t stride, std::size_t n,
             double* __restrict out) {
  const double* w1 = weights + stride;
  const double* w2 = w1 + stride;
  const double* w3 = w2 + stride;
  for (std::size_t k = 0; k < n; ++k) {
    out[k] = ((weights[k] * p[k] + w1[k] * p[k + 1]) + w2[k] * p[k + 2]) + w3[k] * p[k + 3];
  }
}

// Weighted sums of rows.

CUBE_MULTIVERSION
void blend_2(const double* a, const double* b, double way, std::size_t n, double* out) {
  for (std::size_t k = 0; k < n; ++k) out[k] = a[k] + way * (b[k] - a[k]);
}

CUBE_MULTIVERSION
void blend_4(const double* const* rows, const double* w, std::size_t n, double* out) {
  const double* a = rows[0];
  const double* b = rows[1];
  const double* c = rows[2];
  const double* d = rows[3];
  for (std::size_t k = 0; k < n; ++k) {
    out[k] = ((w[0] * a[k] + w[1] * b[k]) + w[2] * c[k]) + w[3] * d[k];
  }
}

CUBE_MULTIVERSION
void add_row(const double* row, double weight, bool first, std::size_t n, double* out) {
  if (first) {
    for (std::size_t k = 0; k < n; ++k) out[k] = weight * row[k];
  } else {
    for (std::size_t k = 0; k < n; ++k) out[k] += weight * row[k];
  }
}

// Cells [first, last) of a window's row as values and validity.
template <class T>
void split_cells(const SourceWindow& window, std::size_t offset, std::size_t n, double* value,
                 double* valid) {
  const T* cells = window.as<T>() + offset;
  const bool has_nodata = window.nodata.has_value();
  const T nodata = has_nodata ? static_cast<T>(*window.nodata) : T{};
  for (std::size_t k = 0; k < n; ++k) {
    const T cell = cells[k];
    const bool none = (cell != cell) | (has_nodata & (cell == nodata));
    value[k] = none ? 0 : static_cast<double>(cell);
    valid[k] = none ? 0 : 1;
  }
  if (window.hidden.empty()) return;
  const std::uint8_t* hidden = window.hidden.data() + offset;
  for (std::size_t k = 0; k < n; ++k) {
    value[k] = hidden[k] ? 0 : value[k];
    valid[k] = hidden[k] ? 0 : valid[k];
  }
}

}  // namespace

void SeparableFilter::run(const SourceWindow& window, const Stencil& stencil, const Range& rows,
                          const Range& columns, Block& out) {
  window_ = &window;
  stencil_ = &stencil;
  lines_.resize(static_cast<std::size_t>(stencil.down.count));
  taken_.resize(lines_.size());
  parts_.resize(lines_.size());
  const std::size_t width = stencil.columns.size();
  std::size_t k = 0;
  while (k < width) {
    if (stencil.columns[k] == Stencil::kOutside) {
      ++k;
      continue;
    }
    const Strip strip = make_strip(k);
    run_strip(strip, rows, columns.begin + static_cast<std::int64_t>(k), out);
    k = strip.end;
  }
}

// As many cells as are alike: all taps in the image, or not.
SeparableFilter::Strip SeparableFilter::make_strip(std::size_t begin) const {
  const AxisTaps& taps = stencil_->across;
  const std::int64_t width = window_->columns.size();
  const auto inner = [&](std::size_t k) {
    return taps.first[k] >= 0 && taps.first[k] + taps.count <= width;
  };
  const std::size_t most =
      begin + std::max<std::size_t>(16, kStrip * 4 / static_cast<std::size_t>(taps.count + 2));
  Strip strip{begin, begin + 1, taps.first[begin], taps.first[begin], true};
  for (; strip.end < std::min(taps.first.size(), most); ++strip.end) {
    const std::size_t k = strip.end;
    if (stencil_->columns[k] == Stencil::kOutside || inner(k) != inner(begin)) break;
    strip.adjacent = strip.adjacent && taps.first[k] == taps.first[k - 1] + 1;
    strip.first = std::min<std::int64_t>(strip.first, taps.first[k]);
    strip.last = std::max<std::int64_t>(strip.last, taps.first[k]);
  }
  strip.last += taps.count;
  return strip;
}

void SeparableFilter::run_strip(const Strip& strip, const Range& rows, std::int64_t column,
                                Block& out) {
  const std::size_t n = strip.size();
  for (Line& line : lines_) line.row = -1;
  centres_.row = -1;
  all_.clear();
  zeros_.assign(n, 0);
  ones_.assign(static_cast<std::size_t>(strip.last - strip.first), 1);
  offsets_.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    offsets_[k] = stencil_->across.first[strip.begin + k] - static_cast<std::int32_t>(strip.first);
  }
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto i = static_cast<std::size_t>(row - rows.begin);
    if (stencil_->rows[i] == Stencil::kOutside) continue;
    const bool clean = take_lines(i, strip);
    for (std::size_t j = 0; j < taken_.size(); ++j) {
      parts_[j] = taken_[j] ? taken_[j]->sum.data() : zeros_.data();
    }
    blend(i, strip, sum_);
    if (is_area_method(stencil_->method)) {
      finish_areas(i, strip, clean);
    } else if (!clean) {
      blend_gaps(i, strip);
    }
    store_row(*stencil_, row, column, sum_, out);
  }
}

// The lines that target row `i` takes. True when none has a missing cell.
bool SeparableFilter::take_lines(std::size_t i, const Strip& strip) {
  bool clean = true;
  for (std::size_t j = 0; j < taken_.size(); ++j) {
    const std::int64_t row = stencil_->down.first[i] + static_cast<std::int64_t>(j);
    const bool in = row >= 0 && row < window_->rows.size();
    taken_[j] = in ? &line_at(row, strip) : nullptr;
    clean = clean && in && taken_[j]->clean;
  }
  return clean;
}

const SeparableFilter::Line& SeparableFilter::line_at(std::int64_t row, const Strip& strip) {
  Line& line = lines_[static_cast<std::size_t>(row) % lines_.size()];
  if (line.row == row) return line;
  read(row, strip, cells_);
  line.row = row;
  line.clean = cells_.clean;
  filter(strip, cells_.value, line.sum);
  if (line.clean) return line;
  filter(strip, cells_.valid, line.weight);
  if (is_area_method(stencil_->method)) return line;
  line.missing.resize(strip.size());
  count_missing(cells_.valid.data(), offsets_.data(), stencil_->across.count, strip.size(),
                line.missing.data());
  return line;
}

void SeparableFilter::read(std::int64_t row, const Strip& strip, Cells& out) const {
  const auto n = static_cast<std::size_t>(strip.last - strip.first);
  out.row = row;
  out.value.assign(n, 0);
  out.valid.assign(n, 0);
  const std::int64_t width = window_->columns.size();
  const Range in = intersect(Range{strip.first, strip.last}, Range{0, width});
  const auto count = static_cast<std::size_t>(in.size());
  const auto offset = static_cast<std::size_t>(row * width + in.begin);
  double* value = out.value.data() + (in.begin - strip.first);
  double* valid = out.valid.data() + (in.begin - strip.first);
  dispatch(window_->dtype, [&]<class T>(std::type_identity<T>) {
    split_cells<T>(*window_, offset, count, value, valid);
  });
  if (stencil_->method == Resampling::kRms) {
    for (double& cell : out.value) cell *= cell;
  }
  double sum = 0;
  for (const double one : out.valid) sum += one;
  out.clean = sum == static_cast<double>(n);
}

void SeparableFilter::filter(const Strip& strip, const std::vector<double>& cells,
                             std::vector<double>& out) const {
  const AxisTaps& taps = stencil_->across;
  const std::size_t stride = taps.first.size();
  const std::size_t n = strip.size();
  const double* weights = taps.weights.data() + strip.begin;
  out.resize(n);
  if (taps.count == 2) {  // bilinear
    if (strip.adjacent) return slide_2(cells.data(), weights + stride, n, out.data());
    return gather_2(cells.data(), offsets_.data(), weights + stride, n, out.data());
  }
  if (taps.count != 4) {
    return gather_any(cells.data(), offsets_.data(), weights, stride, taps.count, n, out.data());
  }
  if (strip.adjacent) return slide_4(cells.data(), weights, stride, n, out.data());
  gather_4(cells.data(), offsets_.data(), weights, stride, n, out.data());
}

// The sum of parts_, one a tap, with the weights of target row `i`.
void SeparableFilter::blend(std::size_t i, const Strip& strip, std::vector<double>& out) {
  const AxisTaps& taps = stencil_->down;
  const std::size_t n = strip.size();
  const std::size_t stride = taps.first.size();
  const auto weight = [&](std::size_t j) { return taps.weights[j * stride + i]; };
  out.resize(n);
  if (parts_.size() == 2) return blend_2(parts_[0], parts_[1], weight(1), n, out.data());
  if (parts_.size() == 4) {
    const double w[4] = {weight(0), weight(1), weight(2), weight(3)};
    return blend_4(parts_.data(), w, n, out.data());
  }
  for (std::size_t j = 0; j < parts_.size(); ++j) {
    add_row(parts_[j], weight(j), j == 0, n, out.data());
  }
}

// Renormalises the sums of target row `i` that lack cells.
void SeparableFilter::blend_gaps(std::size_t i, const Strip& strip) {
  if (all_.empty()) filter(strip, ones_, all_);
  const auto outside = std::count(taken_.begin(), taken_.end(), nullptr);
  missing_.assign(strip.size(), static_cast<double>(outside));
  for (std::size_t j = 0; j < taken_.size(); ++j) {
    const Line* line = taken_[j];
    parts_[j] = !line ? zeros_.data() : line->clean ? all_.data() : line->weight.data();
    if (line && !line->clean) {
      add_row(line->missing.data(), 1, false, strip.size(), missing_.data());
    }
  }
  blend(i, strip, weight_);
  settle_gaps(i, strip);
}

void SeparableFilter::settle_gaps(std::size_t i, const Strip& strip) {
  if (centres_.row != stencil_->rows[i]) read(stencil_->rows[i], strip, centres_);
  for (std::size_t k = 0; k < strip.size(); ++k) {
    if (missing_[k] == 0) continue;
    const auto centre = static_cast<std::size_t>(stencil_->columns[strip.begin + k] - strip.first);
    if (centres_.valid[centre] == 0) {
      sum_[k] = kMissing;
    } else {
      sum_[k] = weight_[k] >= kLeastWeight ? sum_[k] / weight_[k] : centres_.value[centre];
    }
  }
}

// Divides the sums of target row `i` by their weights, and drops cells whose centre is missing.
void SeparableFilter::finish_areas(std::size_t i, const Strip& strip, bool clean) {
  const std::size_t n = strip.size();
  if (stencil_->method != Resampling::kSum) {
    if (all_.empty()) filter(strip, ones_, all_);
    for (std::size_t j = 0; j < taken_.size(); ++j) {
      const Line* line = taken_[j];
      parts_[j] = !line ? zeros_.data() : line->clean ? all_.data() : line->weight.data();
    }
    blend(i, strip, weight_);
    for (std::size_t k = 0; k < n; ++k) sum_[k] /= weight_[k];
  }
  if (stencil_->method == Resampling::kRms) {
    for (std::size_t k = 0; k < n; ++k) sum_[k] = std::sqrt(sum_[k]);
  }
  if (clean) return;
  if (centres_.row != stencil_->rows[i]) read(stencil_->rows[i], strip, centres_);
  for (std::size_t k = 0; k < n; ++k) {
    const auto centre = static_cast<std::size_t>(stencil_->columns[strip.begin + k] - strip.first);
    if (centres_.valid[centre] == 0) sum_[k] = kMissing;
  }
}

}  // namespace cube
