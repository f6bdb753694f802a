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

// A block that a thread is decoding; nobody else does.
class BlockCache::Claim {
 public:
  // REQUIRES: the cache is locked.
  Claim(BlockCache& cache, const Key& key) : cache_(cache), key_(key) {
    cache_.claimed_.insert(key_);
  }
  ~Claim() {
    {
      const std::lock_guard lock(cache_.mutex_);
      cache_.claimed_.erase(key_);
      if (cells_) cache_.put(key_, std::move(cells_));
    }
    cache_.decoded_.notify_all();
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  void keep(Cells cells) { cells_ = std::move(cells); }

 private:
  BlockCache& cache_;
  const Key& key_;
  Cells cells_;
};

BlockCache::Cells BlockCache::get(const Key& key, std::size_t bytes, std::size_t whole,
                                  const Decode& decode) {
  std::unique_lock lock(mutex_);
  decoded_.wait(lock, [&] { return !claimed_.contains(key); });
  Cells known = look_up(key);
  if (known && known->size() >= bytes) return known;
  Claim claim(*this, key);
  lock.unlock();
  const auto cells = std::make_shared<Buffer>(known ? whole : bytes);
  if (!decode(*cells)) return nullptr;
  claim.keep(cells);
  return cells;
}

BlockCache::Cells BlockCache::find(const Key& key) {
  const std::lock_guard lock(mutex_);
  return look_up(key);
}

BlockCache::Cells BlockCache::look_up(const Key& key) {
  const auto found = places_.find(key);
  if (found == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->cells;
}

void BlockCache::put(const Key& key, Cells cells) {
  if (const auto found = places_.find(key); found != places_.end()) drop(found->second);
  held_ += cells->size();
  entries_.push_front({key, std::move(cells)});
  places_[key] = entries_.begin();
  shrink();
}

void BlockCache::drop(std::list<Entry>::iterator entry) {
  held_ -= entry->cells->size();
  places_.erase(entry->key);
  entries_.erase(entry);
}

void BlockCache::shrink() {
  while (held_ > bytes_) drop(std::prev(entries_.end()));
}

}  // namespace cube
