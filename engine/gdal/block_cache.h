// BlockCache: decoded blocks of files, for windows that share them with their neighbours.
//
// GDAL keeps blocks by dataset handle, so each worker would decode and hold its own. Here all
// workers share them, within one bound.
// Thread rule: any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/block.h"

namespace cube {

class BlockCache {
 public:
  // A block is known by its file as it was found and where it begins there.
  struct Key {
    std::string file;  // name, size and time of the last change
    std::uint64_t offset = 0;

    bool operator==(const Key&) const = default;
  };
  using Buffer = std::vector<std::byte, UnfilledAllocator<std::byte>>;
  using Cells = std::shared_ptr<const Buffer>;
  // Fills a buffer with as much of a block, from its first cell on; false = cannot.
  using Decode = std::function<bool(std::span<std::byte> cells)>;

  // Keeps up to `bytes` of cells.
  explicit BlockCache(std::int64_t bytes) : bytes_(static_cast<std::size_t>(bytes)) {}

  void resize(std::int64_t bytes);
  // True when several blocks of that size fit: without, windows had better not ask for whole
  // blocks.
  bool suits(std::size_t block_bytes) const;

  Cells find(const Key& key);  // null = not there

  // The first `bytes` bytes at least of a block of `whole` bytes: as it is kept, else as `decode`
  // makes it; null when that cannot. Who asks for more than is kept gets all of the block, so that
  // no block is begun more than twice. Who asks for one that another thread decodes waits for it.
  // REQUIRES: bytes <= whole.
  Cells get(const Key& key, std::size_t bytes, std::size_t whole, const Decode& decode);

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<std::string>()(key.file) ^ std::hash<std::uint64_t>()(key.offset);
    }
  };
  struct Entry {
    Key key;
    Cells cells;
  };

  class Claim;

  Cells look_up(const Key& key);
  void drop(std::list<Entry>::iterator entry);
  void put(const Key& key, Cells cells);
  void shrink();

  // Guards all that follows.
  mutable std::mutex mutex_;
  std::condition_variable decoded_;
  std::unordered_set<Key, Hash> claimed_;  // being decoded
  std::size_t bytes_;
  std::size_t held_ = 0;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<Key, std::list<Entry>::iterator, Hash> places_;
};

}  // namespace cube
