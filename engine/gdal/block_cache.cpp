#include "engine/gdal/block_cache.h"

namespace cube {

namespace {

// A window of a warp lies on up to four blocks, and its successor on two of them.
constexpr std::size_t kLeastBlocks = 8;

}  // namespace

void BlockCache::resize(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_ = static_cast<std::size_t>(bytes);
  shrink();
}

bool BlockCache::suits(std::size_t block_bytes) const {
  const std::lock_guard lock(mutex_);
  return block_bytes * kLeastBlocks <= bytes_;
}

BlockCache::Cells BlockCache::find(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->cells;
}

void BlockCache::put(const Key& key, Cells cells) {
  const std::lock_guard lock(mutex_);
  if (places_.contains(key)) return;  // another worker was as fast
  held_ += cells->size();
  entries_.push_front({key, std::move(cells)});
  places_[key] = entries_.begin();
  shrink();
}

void BlockCache::shrink() {
  while (held_ > bytes_) {
    held_ -= entries_.back().cells->size();
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace cube
