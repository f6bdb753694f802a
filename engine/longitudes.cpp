#include "engine/longitudes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/gdal/crs.h"

namespace cube {

namespace {

constexpr double kTurn = 360;
constexpr double kOnEdge = 1e-6;  // cells; more than rounding errors

// The columns that a ring lies between.
struct Columns {
  double low, high;
};

Columns columns_of(const Ring& ring) {
  const auto [low, high] = std::minmax_element(
      ring.begin(), ring.end(), [](const Vertex& a, const Vertex& b) { return a.x < b.x; });
  return {low->x, high->x};
}

Ring moved(Ring ring, double columns) {
  for (Vertex& vertex : ring) vertex.x += columns;
  return ring;
}

bool is_finite(const Ring& ring) {
  return std::ranges::all_of(ring, [](const Vertex& v) { return std::isfinite(v.x); });
}

}  // namespace

double columns_of_turn(const Grid& grid) {
  return !grid.features && is_geographic(grid.crs) ? kTurn / grid.dx : 0;
}

bool goes_round(const Grid& grid) {
  const double turn = columns_of_turn(grid);
  return turn > 0 && static_cast<double>(grid.width) >= turn - 0.5;
}

bool closes(const Grid& grid) {
  constexpr double kNear = 0.01;
  return std::abs(columns_of_turn(grid) - static_cast<double>(grid.width)) <= kNear;
}

std::optional<double> turns_into(double begin, double end, const Grid& grid) {
  const auto width = static_cast<double>(grid.width);
  const auto inside = [&](double shift) {
    return begin + shift >= -kOnEdge && end + shift <= width + kOnEdge;
  };
  if (inside(0)) return 0;
  const double turn = columns_of_turn(grid);
  if (turn == 0) return std::nullopt;
  const double turns = -std::floor((begin + kOnEdge) / turn);
  if (inside(turns * turn)) return turns;
  return std::nullopt;
}

double turned_column(double column, const Grid& grid) {
  if (!std::isfinite(column)) return column;
  const auto turns = turns_into(column, column, grid);
  return turns && *turns != 0 ? column + *turns * columns_of_turn(grid) : column;
}

double longitude_before(double longitude, double right) {
  constexpr double kRounding = 1e-9;
  return longitude - kTurn * std::ceil((longitude - right - kRounding) / kTurn);
}

void turn_into(Shape& shape, const Grid& grid) {
  const auto width = static_cast<double>(grid.width);
  const auto lies_inside = [&](const Ring& ring) {
    const Columns at = columns_of(ring);
    return at.low >= -kOnEdge && at.high <= width + kOnEdge;
  };
  // The grid is asked for its CRS only where that matters.
  std::erase_if(shape.rings, [](const Ring& ring) { return ring.empty(); });
  if (!std::ranges::all_of(shape.rings, is_finite)) return;
  if (std::ranges::all_of(shape.rings, lies_inside)) return;
  const double turn = columns_of_turn(grid);
  if (turn == 0) return;
  const bool repeats = width > turn + kOnEdge;  // some places have two columns
  Shape out;
  for (Ring& ring : shape.rings) {
    const Columns at = columns_of(ring);
    if (at.high - at.low > turn + kOnEdge) return;
    const auto overlaps = [&](double turns) {
      return at.high + turns * turn > kOnEdge && at.low + turns * turn < width - kOnEdge;
    };
    const bool here = repeats && overlaps(0);
    const double first = std::ceil(-at.high / turn);
    std::size_t copies = 0;
    for (double turns = first; at.low + turns * turn < width && !here; ++turns) {
      if (!overlaps(turns) || (repeats && copies > 0)) continue;
      out.rings.push_back(turns == 0 ? ring : moved(ring, turns * turn));
      ++copies;
    }
    if (copies == 0) out.rings.push_back(ring);
  }
  shape = std::move(out);
}

void join_at_seam(Shape& shape, const Grid& grid) {
  const double turn = columns_of_turn(grid);
  if (turn == 0) return;
  for (Ring& ring : shape.rings) {
    if (ring.empty() || !is_finite(ring)) continue;
    Ring joined = ring;
    for (std::size_t i = 1; i < joined.size(); ++i) {
      joined[i].x -= turn * std::nearbyint((joined[i].x - joined[i - 1].x) / turn);
    }
    // One round a pole does not come back to where it began.
    if (std::abs(joined.back().x - joined.front().x) <= turn / 2) ring = std::move(joined);
  }
}

}  // namespace cube
