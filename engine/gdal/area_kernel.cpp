#include "engine/gdal/area_kernel.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/missing.h"

namespace cube {

namespace {

// Distinct values that mode looks up one after the other; more are sorted.
constexpr std::size_t kFewValues = 24;

// The part of an axis that a target cell covers, in source cells.
struct CoveredPart {
  double low, high;
};

// On a border where it is nearer than that, so that cells of grids that line up weigh 1.
double settled(double position) {
  const double whole = std::nearbyint(position);
  return std::abs(position - whole) < kTie ? whole : position;
}

// The cell that holds a position, where the part itself cannot be trusted: some end is NaN, or the
// middle is far from the centre because a pole lies between.
CoveredPart part_of(double a, double b, double centre) {
  const CoveredPart part{settled(std::min(a, b)), settled(std::max(a, b))};
  const double off = std::abs((a + b) / 2 - centre);
  if (off <= 0.4 * (part.high - part.low)) return part;
  const auto cell = static_cast<double>(static_cast<std::int64_t>(centre + kTie));
  return {cell, cell + 1};
}

// Casts instead of std::floor and std::ceil, which are calls.
std::int64_t floor_of(double position) {
  const auto whole = static_cast<std::int64_t>(position);
  return whole - (position < static_cast<double>(whole));
}
std::int64_t ceil_of(double position) {
  const auto whole = static_cast<std::int64_t>(position);
  return whole + (static_cast<double>(whole) < position);
}

// The limit of images without edges.
constexpr Range kNoLimit{-(std::int64_t{1} << 40), std::int64_t{1} << 40};

// The cells that a part touches, inside of `limit`.
Range touched(const CoveredPart& part, const Range& limit) {
  const auto low = static_cast<double>(limit.begin);
  const auto high = static_cast<double>(limit.end);
  const std::int64_t first = floor_of(std::clamp(part.low + kTie, low, high));
  const std::int64_t end = ceil_of(std::clamp(part.high - kTie, low, high));
  const std::int64_t begin = std::min(first, limit.end - 1);
  return {begin, std::max(begin + 1, end)};
}

// How much of a cell it covers.
double weight_of(const CoveredPart& part, std::int64_t cell) {
  const auto at = static_cast<double>(cell);
  return std::min(part.high, at + 1) - std::max(part.low, at);
}

// The corners of a target cell: upper left and right, lower left and right.
struct Corners {
  std::array<double, 4> x, y;
};

// Those of cell (i, k) of `columns` a row. In an image that goes round the world they are where its
// centre is.
Corners corners_of(const std::vector<double>& x, const std::vector<double>& y, std::size_t i,
                   std::size_t k, std::size_t columns, double centre_x, std::int64_t round) {
  const std::size_t upper = i * (columns + 1) + k;
  const std::size_t lower = upper + columns + 1;
  Corners out{{x[upper], x[upper + 1], x[lower], x[lower + 1]},
              {y[upper], y[upper + 1], y[lower], y[lower + 1]}};
  if (round == 0) return out;
  const auto turn = static_cast<double>(round);
  for (double& corner : out.x) corner -= turn * std::nearbyint((corner - centre_x) / turn);
  return out;
}

// The parts of both axes that a target cell covers.
struct Parts {
  CoveredPart down, across;
};

// Whether two opposite corners, the upper left and the lower right, do not tell what four do: those
// of a cell northeast of a pole can have one longitude.
bool is_thin(const std::array<double, 4>& corners) {
  constexpr double kLeast = 0.5;  // of what the others span: turned by up to 18 degrees
  return std::abs(corners[3] - corners[0]) < kLeast * std::abs(corners[1] - corners[2]);
}

Parts parts_of(const Corners& at, bool askew, double centre_x, double centre_y) {
  const auto& [x, y] = at;
  if (!askew && !is_thin(x) && !is_thin(y)) {
    return {part_of(y[0], y[3], centre_y), part_of(x[0], x[3], centre_x)};
  }
  const auto box = [&](const std::array<double, 4>& v, double centre) {
    const auto [low, high] = std::minmax({v[0], v[1], v[2], v[3]});
    return part_of(low, high, centre);
  };
  return {box(y, centre_y), box(x, centre_x)};
}

// The area of a target cell in source cells, by its corners.
double quadrilateral(const Corners& at) {
  const auto& [x, y] = at;
  // Half the cross product of the diagonals.
  return std::abs((x[3] - x[0]) * (y[2] - y[1]) - (x[2] - x[1]) * (y[3] - y[0])) / 2;
}

bool is_inside(double position, double size) {
  return position + kTie >= 0 && position + kTie < size;
}

void include(Range& all, const Range& more) {
  if (all.empty()) {
    all = more;
  } else {
    all = {std::min(all.begin, more.begin), std::max(all.end, more.end)};
  }
}

// The ends of the union along a separable axis.
Range axis_footprint(const std::vector<double>& corners, const std::vector<double>& centres,
                     std::int64_t size, const Range& limit) {
  Range all;
  for (std::size_t k = 0; k < centres.size(); ++k) {
    if (!is_inside(centres[k], static_cast<double>(size))) continue;
    include(all, touched(part_of(corners[k], corners[k + 1], centres[k]), limit));
  }
  return all;
}

// What cells west and east of an image's middle need, joined across its seam where that is less.
Range joined(const Range& west, const Range& east, std::int64_t round) {
  if (west.empty()) return east;
  if (east.empty()) return west;
  const Range straight{std::min(west.begin, east.begin), std::max(west.end, east.end)};
  const Range far = west.shifted(round);
  const Range turned{std::min(far.begin, east.begin), std::max(far.end, east.end)};
  return turned.size() < straight.size() ? turned : straight;
}

// The value that first reaches the highest count: sorts values and their places, so that the place
// where a value reaches a count is found by counting on from its first.
double most_frequent_of_many(const std::vector<double>& values,
                             std::vector<std::pair<double, std::size_t>>& sorted) {
  sorted.clear();
  for (std::size_t i = 0; i < values.size(); ++i) sorted.emplace_back(values[i], i);
  std::sort(sorted.begin(), sorted.end());
  std::size_t most = 0;   // the highest count
  std::size_t where = 0;  // and the place at which it was first reached
  double best = kMissing;
  std::size_t first = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i].first != sorted[first].first) first = i;
    const std::size_t count = i - first + 1;
    const std::size_t place = sorted[i].second;
    if (count < most || (count == most && place > where)) continue;
    most = count;
    where = place;
    best = sorted[i].first;
  }
  return best;
}

}  // namespace

Footprint area_footprint(const Positions& at, const ImageSize& size) {
  Footprint under;
  const Range all_rows{0, size.height};
  const Range all_columns = size.round > 0 ? kNoLimit : Range{0, size.width};
  if (at.separable) {
    under = {axis_footprint(at.corner_y, at.y, size.height, all_rows),
             axis_footprint(at.corner_x, at.x, size.width, all_columns)};
    return under.rows.empty() || under.columns.empty() ? Footprint{} : under;
  }
  if (at.x.empty()) return under;
  // (rows + 1) (columns + 1) corners of rows * columns cells.
  const std::size_t columns = at.corner_columns - 1;
  const auto height = static_cast<double>(size.height);
  const auto width = static_cast<double>(size.width);
  Range west, east;  // of the image's middle
  for (std::size_t i = 0; i < at.x.size() / columns; ++i) {
    for (std::size_t k = 0; k < columns; ++k) {
      const double x = at.x[i * columns + k];
      const double y = at.y[i * columns + k];
      if (!is_inside(x, width) || !is_inside(y, height)) continue;
      const Corners corners = corners_of(at.corner_x, at.corner_y, i, k, columns, x, size.round);
      const Parts parts = parts_of(corners, at.askew, x, y);
      include(under.rows, touched(parts.down, all_rows));
      include(x < width / 2 ? west : east, touched(parts.across, all_columns));
    }
  }
  under.columns = joined(west, east, size.round);
  return under;
}

AxisTaps make_area_taps(const std::vector<double>& corners, const std::vector<double>& centres,
                        const Range& under) {
  const std::size_t n = centres.size();
  std::vector<Range> cells(n);
  AxisTaps taps;
  taps.count = 3;  // two taps are for bilinear
  for (std::size_t k = 0; k < n; ++k) {
    cells[k] = touched(part_of(corners[k], corners[k + 1], centres[k]), under);
    taps.count = std::max(taps.count, cells[k].size());
  }
  taps.first.resize(n);
  taps.weights.assign(n * static_cast<std::size_t>(taps.count), 0);
  for (std::size_t k = 0; k < n; ++k) {
    // Taps without weight lie before the others at the end of the footprint, after them elsewhere.
    const std::int64_t first =
        std::max(under.begin, std::min(cells[k].begin, under.end - taps.count));
    taps.first[k] = static_cast<std::int32_t>(first - under.begin);
    const CoveredPart part = part_of(corners[k], corners[k + 1], centres[k]);
    for (std::int64_t cell = cells[k].begin; cell < cells[k].end; ++cell) {
      taps.weights[static_cast<std::size_t>(cell - first) * n + k] = weight_of(part, cell);
    }
  }
  return taps;
}

double AreaSampler::Span::weight(std::int64_t cell) const {
  return weight_of({low, high}, first + cell);
}

AreaSampler::Span AreaSampler::span_of(double low, double high, const Range& cells,
                                       std::int64_t first) {
  return {cells.shifted(-first), first, low, high};
}

void AreaSampler::place_axis(const std::vector<double>& corners, const std::vector<double>& centres,
                             const Range& under, std::vector<Span>& spans) {
  spans.resize(centres.size());
  for (std::size_t k = 0; k < spans.size(); ++k) {
    const CoveredPart part = part_of(corners[k], corners[k + 1], centres[k]);
    spans[k] = span_of(part.low, part.high, touched(part, under), under.begin);
  }
}

// Of target cell (i, k) of a stencil that is not separable.
AreaSampler::Spans AreaSampler::spans_of(const Stencil& s, std::size_t i, std::size_t k,
                                         std::size_t columns) {
  const std::size_t at = i * columns + k;
  const Corners corners = corners_of(s.corner_x, s.corner_y, i, k, columns, s.x[at], s.round);
  const Parts parts = parts_of(corners, s.askew, s.x[at], s.y[at]);
  const double box = (parts.down.high - parts.down.low) * (parts.across.high - parts.across.low);
  const double share = quadrilateral(corners) / box;
  constexpr double kMost = 2;  // more where corners cannot be placed or lie round a pole
  const Range rows = touched(parts.down, s.under.rows);
  const Range cells = touched(parts.across, s.round > 0 ? kNoLimit : s.under.columns);
  const std::int64_t first =
      s.under.columns.begin - (cells.begin < s.under.columns.begin ? s.round : 0);
  return {span_of(parts.down.low, parts.down.high, rows, s.under.rows.begin),
          span_of(parts.across.low, parts.across.high, cells, first), share <= kMost ? share : 1};
}

void AreaSampler::run(const SourceWindow& window, const Stencil& s, const Range& rows,
                      const Range& columns, Block& out) {
  method_ = s.method;
  under_ = s.under;
  held_ = {0, under_.rows.size()};
  to_doubles(window, cells_);
  if (s.separable) {
    place_axis(s.corner_x, s.x, under_.columns, across_);
    place_axis(s.corner_y, s.y, under_.rows, down_);
  }
  const auto width = static_cast<std::size_t>(columns.size());
  const auto stride = static_cast<std::int32_t>(under_.columns.size());
  row_.resize(width);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto i = static_cast<std::size_t>(row - rows.begin);
    for (std::size_t k = 0; k < width; ++k) {
      row_[k] = kMissing;
      const bool outside =
          s.separable ? s.rows[i] < 0 || s.columns[k] < 0 : s.cells[i * width + k] < 0;
      if (outside) continue;
      const std::int32_t centre =
          s.separable ? s.rows[i] * stride + s.columns[k] : s.cells[i * width + k];
      if (std::isnan(cells_[static_cast<std::size_t>(centre)])) continue;
      if (s.separable) {
        row_[k] = cell({down_[i], across_[k]});
      } else {
        row_[k] = cell(spans_of(s, i, k, width));
      }
    }
    store_row(s, row, columns.begin, row_, out);
  }
}

double AreaSampler::run_in_rows(const Stencil& s, std::int64_t step, const ReadRows& read) {
  method_ = s.method;
  under_ = s.under;
  const std::int64_t stride = under_.columns.size();
  Spans spans;
  std::int64_t centre = 0;
  if (s.separable) {
    place_axis(s.corner_x, s.x, under_.columns, across_);
    place_axis(s.corner_y, s.y, under_.rows, down_);
    spans = {down_[0], across_[0]};
    centre = s.rows[0] * stride + s.columns[0];
  } else {
    spans = spans_of(s, 0, 0, 1);
    centre = s.cells[0];
  }
  Total total;
  bool valid = false;
  for (std::int64_t row = 0; row < under_.rows.size(); row += step) {
    held_ = {row, std::min(row + step, under_.rows.size())};
    const SourceWindow* window = read(held_.shifted(under_.rows.begin));
    if (!window) continue;
    to_doubles(*window, cells_);
    add(spans.down, spans.across, total);
    if (held_.contains(centre / stride))
      valid = !std::isnan(row_of(centre / stride)[centre % stride]);
  }
  return valid ? finish(total, spans.share) : kMissing;
}

double AreaSampler::cell(const Spans& spans) {
  if (adds_up(method_)) {
    Total total;
    add(spans.down, spans.across, total);
    return finish(total, spans.share);
  }
  collect(spans.down, spans.across);
  return method_ == Resampling::kMode ? most_frequent() : ordered();
}

// Adds the rows that are held.
void AreaSampler::add(const Span& down, const Span& across, Total& total) const {
  if (method_ < Resampling::kMode) return add_weighted(down, across, total);
  const Range rows = intersect(down.cells, held_);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const double* cells = row_of(row);
    for (std::int64_t column = across.cells.begin; column < across.cells.end; ++column) {
      const double value = cells[column];  // NaN compares false
      total.least = value < total.least ? value : total.least;
      total.most = value > total.most ? value : total.most;
    }
  }
}

void AreaSampler::add_weighted(const Span& down, const Span& across, Total& total) const {
  const Range rows = intersect(down.cells, held_);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const double* cells = row_of(row);
    double sum = 0;
    double weights = 0;
    for (std::int64_t column = across.cells.begin; column < across.cells.end; ++column) {
      const double value = cells[column];
      if (std::isnan(value)) continue;
      const double weight = across.weight(column);
      sum += weight * (method_ == Resampling::kRms ? value * value : value);
      weights += weight;
    }
    const double weight = down.weight(row);
    total.sum += weight * sum;
    total.weights += weight * weights;
  }
}

double AreaSampler::finish(const Total& total, double share) const {
  switch (method_) {
    case Resampling::kSum:
      return total.sum * share;
    case Resampling::kMin:
      return total.least;
    case Resampling::kMax:
      return total.most;
    case Resampling::kRms:
      return std::sqrt(total.sum / total.weights);
    default:
      return total.sum / total.weights;
  }
}

// The valid cells, row by row.
void AreaSampler::collect(const Span& down, const Span& across) {
  values_.clear();
  for (std::int64_t row = down.cells.begin; row < down.cells.end; ++row) {
    const double* cells = row_of(row);
    for (std::int64_t column = across.cells.begin; column < across.cells.end; ++column) {
      if (!std::isnan(cells[column])) values_.push_back(cells[column]);
    }
  }
}

double AreaSampler::ordered() {
  const std::size_t n = values_.size();
  const std::size_t quarters = method_ == Resampling::kQ1 ? 1 : method_ == Resampling::kQ3 ? 3 : 2;
  const auto at = static_cast<std::ptrdiff_t>((quarters * n + 3) / 4 - 1);
  std::nth_element(values_.begin(), values_.begin() + at, values_.end());
  return values_[static_cast<std::size_t>(at)];
}

double AreaSampler::most_frequent() {
  counts_.clear();
  std::size_t best = 0;
  for (const double value : values_) {
    const auto known = std::find_if(counts_.begin(), counts_.end(),
                                    [&](const auto& count) { return count.first == value; });
    const auto i = static_cast<std::size_t>(known - counts_.begin());
    if (known == counts_.end()) {
      if (counts_.size() == kFewValues) return most_frequent_of_many(values_, counts_);
      counts_.emplace_back(value, 0);
    }
    if (++counts_[i].second > counts_[best].second) best = i;
  }
  return counts_[best].first;
}

}  // namespace cube
