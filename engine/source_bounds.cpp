#include "engine/source_bounds.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/gdal/crs.h"
#include "engine/longitudes.h"

namespace cube {

namespace {

constexpr std::int64_t kLeastSide = 64;
constexpr std::int64_t kMostTiles = 128;  // along an axis

// Cells from `low` to `high` and `margin` more on both sides, inside of `size`.
Range widened(double low, double high, double margin, std::int64_t size) {
  const auto most = static_cast<double>(size);
  const double begin = std::clamp(std::floor(low - margin), 0.0, most);
  const double end = std::clamp(std::ceil(high + margin), 0.0, most);
  if (!(begin < end)) return {};
  return {static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end)};
}

// Positions at 3 x 3 places of a tile along one axis of the source: corners, halfway, centre.
using Nodes = std::array<double, 9>;

// How far the middle of three nodes in a line is off a straight line; the surface between nodes
// bulges beyond them by less.
double bend(const Nodes& at) {
  double most = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    most = std::max(most, std::abs(at[3 * i + 1] - (at[3 * i] + at[3 * i + 2]) / 2));
    most = std::max(most, std::abs(at[3 + i] - (at[i] + at[6 + i]) / 2));
  }
  return most;
}

Range hull(const Nodes& at, double reach, std::int64_t size) {
  const auto [low, high] = std::minmax_element(at.begin(), at.end());
  return widened(*low, *high, reach + 2 * bend(at), size);
}

// A column of a source of `width` columns, `round` of which go once round the earth (0: it is not
// in degrees). Longitudes come from -180 to 180, also those of a source that reaches beyond: they
// belong to the turn that lies in the source, or nearest to it.
double turned(double column, double width, double round) {
  if (round == 0 || (column >= 0 && column < width)) return column;
  const double from = round <= width ? 0 : (width - round) / 2;
  return column - round * std::floor((column - from) / round);
}

Range united(const Range& a, const Range& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

}  // namespace

SourceBounds::SourceBounds(const Grid& source, const Grid& target, std::int64_t reach)
    : source_(source), target_(target), reach_(reach + 1) {
  if (!same_crs(source.crs, target.crs)) fill_tiles();
}

SourceBounds::Cells SourceBounds::of(const Range& rows, const Range& columns) const {
  if (side_ == 0) return straight(rows, columns);
  Cells sum;
  for (std::int64_t i = rows.begin / side_; i * side_ < rows.end; ++i) {
    for (std::int64_t j = columns.begin / side_; j * side_ < columns.end; ++j) {
      const Cells& tile = tiles_[static_cast<std::size_t>(i * across_ + j)];
      if (tile.rows.empty() || tile.columns.empty()) continue;
      sum = {united(sum.rows, tile.rows), united(sum.columns, tile.columns)};
    }
  }
  return sum;
}

SourceBounds::Cells SourceBounds::straight(const Range& rows, const Range& columns) const {
  const Box box = target_.box(rows, columns);
  const auto reach = static_cast<double>(reach_);
  const Cells cells{
      widened(source_.row(box.top), source_.row(box.bottom), reach, source_.height),
      widened(source_.column(box.left), source_.column(box.right), reach, source_.width)};
  return cells.rows.empty() || cells.columns.empty() ? Cells{} : cells;
}

void SourceBounds::fill_tiles() {
  const CrsTransform transform(target_.crs, source_.crs);
  const std::int64_t longer = std::max(target_.height, target_.width);
  side_ = std::max(kLeastSide, (longer + kMostTiles - 1) / kMostTiles);
  across_ = (target_.width + side_ - 1) / side_;
  const std::int64_t down = (target_.height + side_ - 1) / side_;
  // Nodes lie half a side apart; a row of tiles takes three rows of them.
  const auto nodes = static_cast<std::size_t>(2 * across_ + 1);
  const double round = columns_of_turn(source_);
  const auto width = static_cast<double>(source_.width);
  std::vector<double> x(3 * nodes);
  std::vector<double> y(3 * nodes);
  for (std::int64_t i = 0; i < down; ++i) {
    for (std::size_t k = 0; k < x.size(); ++k) {
      const auto half = static_cast<double>(side_) / 2;
      x[k] = target_.x_edge(static_cast<double>(k % nodes) * half);
      y[k] =
          target_.y_edge(static_cast<double>(2 * i + static_cast<std::int64_t>(k / nodes)) * half);
    }
    transform.apply(x, y);
    for (std::int64_t j = 0; j < across_; ++j) {
      Nodes row, column;
      for (std::size_t n = 0; n < 9; ++n) {
        const std::size_t k = n / 3 * nodes + static_cast<std::size_t>(2 * j) + n % 3;
        row[n] = source_.row(y[k]);
        column[n] = turned(source_.column(x[k]), width, round);
      }
      const auto lost =
          std::count_if(row.begin(), row.end(), [](double v) { return std::isnan(v); });
      if (lost == 9) {
        tiles_.push_back({});
      } else if (lost > 0) {  // reaches beyond what the CRS can show
        tiles_.push_back({{0, source_.height}, {0, source_.width}});
      } else {
        const auto reach = static_cast<double>(reach_);
        tiles_.push_back({hull(row, reach, source_.height), hull(column, reach, source_.width)});
      }
    }
  }
}

}  // namespace cube
