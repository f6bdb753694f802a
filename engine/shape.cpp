#include "engine/shape.h"

#include <algorithm>
#include <limits>

namespace cube {

namespace {

// Keeps what lies at or above `limit` along an axis, or below it where `sign` is -1.
Ring cut(const Ring& ring, double Vertex::*axis, double limit, double sign) {
  Ring out;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Vertex& a = ring[i];
    const Vertex& b = ring[i + 1 < ring.size() ? i + 1 : 0];
    const bool a_in = sign * (a.*axis - limit) >= 0;
    const bool b_in = sign * (b.*axis - limit) >= 0;
    if (a_in) out.push_back(a);
    if (a_in == b_in) continue;
    const double f = (limit - a.*axis) / (b.*axis - a.*axis);
    Vertex crossing{a.x + f * (b.x - a.x), a.y + f * (b.y - a.y)};
    crossing.*axis = limit;
    out.push_back(crossing);
  }
  return out;
}

}  // namespace

Box bounds(const Shape& shape) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  Box box{kFar, kFar, -kFar, -kFar};
  for (const Ring& ring : shape.rings) {
    for (const Vertex& vertex : ring) {
      box.left = std::min(box.left, vertex.x);
      box.right = std::max(box.right, vertex.x);
      box.bottom = std::min(box.bottom, vertex.y);
      box.top = std::max(box.top, vertex.y);
    }
  }
  return box;
}

Shape clipped(const Shape& shape, const Box& box) {
  Shape out;
  for (const Ring& ring : shape.rings) {
    Ring part = cut(ring, &Vertex::x, box.left, 1);
    part = cut(part, &Vertex::x, box.right, -1);
    part = cut(part, &Vertex::y, box.bottom, 1);
    part = cut(part, &Vertex::y, box.top, -1);
    if (part.size() > 2) out.rings.push_back(std::move(part));
  }
  return out;
}

}  // namespace cube
