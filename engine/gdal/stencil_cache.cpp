#include "engine/gdal/stencil_cache.h"

#include <algorithm>

namespace cube {

namespace {

std::size_t bytes_of(const Stencil& s) {
  const std::size_t doubles = s.x.size() + s.y.size() + s.corner_x.size() + s.corner_y.size();
  return doubles * sizeof(double) + s.cells.size() * sizeof(std::int32_t);
}

}  // namespace

const Stencil* StencilCache::find(const Key& key) {
  if (key.map.empty()) return nullptr;
  const auto entry = std::ranges::find(entries_, key, &Entry::key);
  if (entry == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, entry);
  return &entries_.front().stencil;
}

const Stencil& StencilCache::put(const Key& key, Stencil&& stencil) {
  const std::size_t bytes = bytes_of(stencil);
  while (!entries_.empty() && (bytes_ + bytes > limit_ || entries_.size() == kMostEntries)) {
    bytes_ -= entries_.back().bytes;
    entries_.pop_back();
  }
  bytes_ += bytes;
  entries_.push_front({key, std::move(stencil), bytes});
  return entries_.front().stencil;
}

}  // namespace cube
