// Tiling: a cube cut into chunks of one shape, counted in the order t, y, x.
// Thread rule: a value.
#pragma once

#include <cstdint>

#include "engine/region.h"

namespace cube {

struct Tiling {
  Region extent;  // of the cube, from 0
  ChunkShape shape;

  // How many chunks there are along each axis.
  ChunkShape counts() const {
    const auto count = [](const Range& range, std::int64_t size) {
      return (range.size() + size - 1) / size;
    };
    return {count(extent.t, shape.t), count(extent.y, shape.y), count(extent.x, shape.x)};
  }

  // The cells of a chunk; fewer at the far edges.
  Region region(std::int64_t chunk) const {
    const ChunkShape all = counts();
    const std::int64_t x = chunk % all.x * shape.x;
    const std::int64_t y = chunk / all.x % all.y * shape.y;
    const std::int64_t t = chunk / all.x / all.y * shape.t;
    return intersect(extent, {{t, t + shape.t}, {y, y + shape.y}, {x, x + shape.x}});
  }

  // The chunk that holds the first cell of a region.
  std::int64_t chunk_at(const Region& region) const {
    const ChunkShape all = counts();
    return (region.t.begin / shape.t * all.y + region.y.begin / shape.y) * all.x +
           region.x.begin / shape.x;
  }
};

}  // namespace cube
