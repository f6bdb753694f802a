#include "engine/gdal/stencil_cache.h"

#include <utility>

namespace cube {

namespace {

std::size_t bytes_of(const Stencil& s) {
  const std::size_t doubles = s.x.size() + s.y.size() + s.corner_x.size() + s.corner_y.size();
  return doubles * sizeof(double) + s.cells.size() * sizeof(std::int32_t);
}

}  // namespace

const Stencil* StencilCache::find(const Key& key) {
  return key.map.empty() ? nullptr : stencils_.find(key);
}

const Stencil& StencilCache::put(const Key& key, Stencil&& stencil) {
  const std::size_t bytes = bytes_of(stencil);
  return stencils_.put(key, std::move(stencil), bytes);
}

}  // namespace cube
