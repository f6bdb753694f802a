#include "engine/grid.h"

#include <cmath>

namespace cube {

Box Grid::box(const Range& rows, const Range& columns) const {
  return {x_edge(static_cast<double>(columns.begin)), y_edge(static_cast<double>(rows.end)),
          x_edge(static_cast<double>(columns.end)), y_edge(static_cast<double>(rows.begin))};
}

Grid Grid::window(const Range& rows, const Range& columns) const {
  Grid out = *this;
  out.left = x_edge(static_cast<double>(columns.begin));
  out.top = y_edge(static_cast<double>(rows.begin));
  out.width = columns.size();
  out.height = rows.size();
  return out;
}

Grid Grid::coarsened(std::int64_t fy, std::int64_t fx) const {
  Grid out = *this;
  out.dx = dx * static_cast<double>(fx);
  out.dy = dy * static_cast<double>(fy);
  if (fx != 1 || fy != 1) out.features = nullptr;
  out.width = (width + fx - 1) / fx;
  out.height = (height + fy - 1) / fy;
  return out;
}

bool aligned(const Grid& a, const Grid& b, double tolerance) {
  if (a.width != b.width || a.height != b.height) return false;
  const auto near = [&](double p, double q, double cell) {
    return std::abs(p - q) <= tolerance * cell;
  };
  return near(a.left, b.left, a.dx) && near(a.top, b.top, a.dy) &&
         near(a.right(), b.right(), a.dx) && near(a.bottom(), b.bottom(), a.dy);
}

bool covers(const Grid& source, const Grid& view) {
  constexpr double kSurely = 1e-6;  // cells of the source; more than rounding errors
  const auto inside = [](double first, double last, std::int64_t size) {
    return first >= kSurely && last <= static_cast<double>(size) - kSurely;
  };
  return inside(source.column(view.x_center(0)), source.column(view.x_center(view.width - 1)),
                source.width) &&
         inside(source.row(view.y_center(0)), source.row(view.y_center(view.height - 1)),
                source.height);
}

}  // namespace cube
