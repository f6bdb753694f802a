// Shapes onto the grid of a cube.
#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/features.h"
#include "engine/gdal/crs.h"
#include "engine/longitudes.h"

namespace cube {

namespace {

// How far a straight edge between two vertices may be from where it belongs, in cells.
constexpr double kTolerance = 0.01;
// Edges longer than this are halved before the first look, as their middle may lie right by chance.
constexpr double kLongEdge = 8;
constexpr int kMaxHalvings = 16;

// A ring in its own CRS, and each vertex in cells.
struct Traced {
  std::vector<double> x, y;
  Ring cells;
  std::vector<char> settled;  // of the edge from each vertex to the next

  void add(double px, double py, const Vertex& cell, bool edge_settled) {
    x.push_back(px);
    y.push_back(py);
    cells.push_back(cell);
    settled.push_back(edge_settled ? 1 : 0);
  }
};

class Tracer {
 public:
  Tracer(const std::string& crs, const Grid& grid) : transform_(crs, grid.crs), grid_(grid) {}

  // False when a vertex cannot be transformed.
  bool trace(const Ring& ring, Ring& out) const {
    Traced traced;
    for (const Vertex& vertex : ring) {
      traced.x.push_back(vertex.x);
      traced.y.push_back(vertex.y);
    }
    traced.cells = to_cells(traced.x, traced.y);
    traced.settled.assign(ring.size(), 0);
    for (int i = 0; i < kMaxHalvings && halve(traced, i == 0); ++i) {
    }
    out = std::move(traced.cells);
    return std::none_of(out.begin(), out.end(),
                        [](const Vertex& v) { return std::isnan(v.x + v.y); });
  }

 private:
  Ring to_cells(std::vector<double> x, std::vector<double> y) const {
    transform_.apply(x, y);
    Ring out(x.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = {grid_.column(x[i]), grid_.row(y[i])};
    }
    return out;
  }

  // Puts a vertex into the middle of each edge that is not straight enough yet; false when all are.
  // The middle is the same from either end, so that areas with a common edge keep it in common.
  bool halve(Traced& ring, bool first) const {
    const std::size_t n = ring.x.size();
    const auto after = [n](std::size_t i) { return i + 1 < n ? i + 1 : 0; };
    std::vector<double> x;
    std::vector<double> y;
    for (std::size_t i = 0; i < n; ++i) {
      if (ring.settled[i]) continue;
      x.push_back((ring.x[i] + ring.x[after(i)]) / 2);
      y.push_back((ring.y[i] + ring.y[after(i)]) / 2);
    }
    if (x.empty()) return false;
    const Ring middles = to_cells(x, y);
    Traced out;
    std::size_t next = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (ring.settled[i]) {
        out.add(ring.x[i], ring.y[i], ring.cells[i], true);
        continue;
      }
      const double error = bend(ring.cells[i], middles[next], ring.cells[after(i)], first);
      // Not a number: there is nothing to compare, and the caller is to see it.
      const bool settled = error <= kTolerance || std::isnan(error);
      out.add(ring.x[i], ring.y[i], ring.cells[i], settled);
      if (!(error <= kTolerance)) out.add(x[next], y[next], middles[next], settled);
      ++next;
    }
    ring = std::move(out);
    return true;
  }

  // How far the middle of an edge is from the middle between its ends, in cells.
  static double bend(const Vertex& a, const Vertex& middle, const Vertex& b, bool first) {
    const double length = std::max(std::abs(a.x - b.x), std::abs(a.y - b.y));
    if (first && length > kLongEdge) return length;
    return std::max(std::abs((a.x + b.x) / 2 - middle.x), std::abs((a.y + b.y) / 2 - middle.y));
  }

  CrsTransform transform_;
  const Grid& grid_;
};

// The grid's extent and a tenth more, in a CRS; none where the CRS cannot show all of it, which is
// where its outline does not come back to itself.
std::vector<Box> surroundings(const Grid& grid, const std::string& crs) {
  constexpr double kMore = 0.1;
  constexpr int kSteps = 16;  // a side
  const Box all = grid.extent();
  const double across = kMore * (all.right - all.left);
  const double up = kMore * (all.top - all.bottom);
  const Box more{all.left - across, all.bottom - up, all.right + across, all.top + up};
  std::vector<double> x;
  std::vector<double> y;
  for (int i = 0; i <= kSteps; ++i) {
    const double f = static_cast<double>(i) / kSteps;
    const double px = more.left + f * (more.right - more.left);
    const double py = more.bottom + f * (more.top - more.bottom);
    x.insert(x.end(), {px, px, more.left, more.right});
    y.insert(y.end(), {more.bottom, more.top, py, py});
  }
  std::vector<double> back_x = x;
  std::vector<double> back_y = y;
  CrsTransform(grid.crs, crs).apply(back_x, back_y);
  CrsTransform(crs, grid.crs).apply(back_x, back_y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool back =
        std::abs(back_x[i] - x[i]) <= grid.dx && std::abs(back_y[i] - y[i]) <= grid.dy;
    if (!back) return {};
  }
  return transform_box(more, grid.crs, crs);
}

// Whether coordinates are to be transformed.
bool differs(const std::string& crs, const Grid& grid, std::string_view where) {
  if (crs.empty() || same_crs(crs, grid.crs)) return false;
  if (!grid.crs.empty()) return true;
  throw Error(ErrorCode::kInvalid, "the geometry is in " + crs + ", the cube has no CRS",
              std::string(where));
}

}  // namespace

std::vector<Vertex> points_in_cells(const std::vector<Vertex>& points, const std::string& crs,
                                    const Grid& grid, std::string_view where) {
  std::vector<double> x;
  std::vector<double> y;
  for (const Vertex& point : points) {
    x.push_back(point.x);
    y.push_back(point.y);
  }
  if (differs(crs, grid, where)) CrsTransform(crs, grid.crs).apply(x, y);
  std::vector<Vertex> out(points.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = {turned_column(grid.column(x[i]), grid), grid.row(y[i])};
  }
  return out;
}

Shape in_cells(const Shape& shape, const std::string& crs, const Grid& grid,
               std::string_view where) {
  Shape out;
  if (!differs(crs, grid, where)) {
    for (const Ring& ring : shape.rings) {
      Ring& cells = out.rings.emplace_back();
      for (const Vertex& v : ring) cells.push_back({grid.column(v.x), grid.row(v.y)});
    }
    turn_into(out, grid);
    return out;
  }
  const Tracer tracer(crs, grid);
  const auto trace = [&](const Shape& part) {
    for (const Ring& ring : part.rings) {
      if (!tracer.trace(ring, out.rings.emplace_back())) return false;
    }
    return true;
  };
  // Far from the cube the transformation may be undefined or fold back: what lies there is cut off.
  // From degrees to degrees it does not, and the same place may have other longitudes.
  const bool degrees =
      is_geographic(crs) && is_geographic(grid.crs) && !is_rotated(crs) && !is_rotated(grid.crs);
  const std::vector<Box> boxes = degrees ? std::vector<Box>() : surroundings(grid, crs);
  bool good = !boxes.empty() || trace(shape);
  for (const Box& box : boxes) good = good && trace(clipped(shape, box));
  if (good) {
    if (!degrees) join_at_seam(out, grid);
    turn_into(out, grid);
    return out;
  }
  throw Error(ErrorCode::kInvalid, "the geometry cannot be transformed to " + grid.crs,
              std::string(where));
}

}  // namespace cube
