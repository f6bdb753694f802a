// Shape: an area of the plane by its outlines, and what is cut out of it.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/grid.h"

namespace cube {

struct Vertex {
  double x = 0;
  double y = 0;

  bool operator==(const Vertex&) const = default;
};

// A closed line; the last vertex is joined to the first and need not repeat it.
using Ring = std::vector<Vertex>;

// The points that lie in an odd number of rings: shells, holes and parts alike. Rings neither cross
// themselves nor each other; shells and holes run in opposite directions, all shells alike.
struct Shape {
  std::vector<Ring> rings;

  bool empty() const { return rings.empty(); }
};

// The box around all vertices; left > right when there is none.
Box bounds(const Shape& shape);

// The part of a shape in a box, by cutting each ring at one side after the other (Sutherland and
// Hodgman 1974). Parts of a ring may then be joined along the box, where they enclose nothing.
Shape clipped(const Shape& shape, const Box& box);

}  // namespace cube
