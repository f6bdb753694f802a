// BlockCache: decoded blocks of files, for windows that share them with their neighbours.
//
// GDAL keeps blocks by dataset handle, so each worker would decode and hold its own. Here all
// workers share them, within one bound.
// Thread rule: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace cube {

class BlockCache {
 public:
  // A block is known by its file as it was found and where it begins there.
  struct Key {
    std::string file;  // name, size and time of the last change
    std::uint64_t offset = 0;

    bool operator==(const Key&) const = default;
  };
  using Cells = std::shared_ptr<const std::vector<std::byte>>;

  // Keeps up to `bytes` of cells.
  explicit BlockCache(std::int64_t bytes) : bytes_(static_cast<std::size_t>(bytes)) {}

  void resize(std::int64_t bytes);
  // True when several blocks of that size fit: without, windows had better not ask for whole
  // blocks.
  bool suits(std::size_t block_bytes) const;

  Cells find(const Key& key);  // null = not there
  void put(const Key& key, Cells cells);

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

  void shrink();

  mutable std::mutex mutex_;
  std::size_t bytes_;
  std::size_t held_ = 0;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<Key, std::list<Entry>::iterator, Hash> places_;
};

}  // namespace cube
