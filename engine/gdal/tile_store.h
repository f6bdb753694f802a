// TileStore: encoded tiles appended to a file by several workers at a time, without a lock: each
// takes its place in the file and writes there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/gdal/output_file.h"

namespace cube {

// Where tiles lie in a file; offset 0 = nowhere, all its cells are missing.
struct TileIndex {
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> counts;

  explicit TileIndex(std::size_t tiles = 0) : offsets(tiles), counts(tiles) {}

  void set(std::size_t tile, std::uint64_t offset, std::uint64_t bytes) {
    offsets[tile] = offset;
    counts[tile] = bytes;
  }
  // Tiles that an earlier run has stored.
  void take_over(const std::vector<WrittenPiece>& pieces);
};

// Where the last tile of store `store` ends, at least `least`.
std::uint64_t end_of(const std::vector<WrittenPiece>& pieces, std::uint64_t store,
                     std::uint64_t least = 0);

// A file that is written and read at any place. Thread rule: as the system's calls, any thread.
class PlacedFile {
 public:
  enum class Mode { kExisting, kNew };  // new: made, or emptied

  // Opens `path`; `file` is its name in errors. Throws Error(kUnwritable).
  PlacedFile(const std::string& path, const std::string& file, Mode mode = Mode::kExisting);
  ~PlacedFile();
  PlacedFile(const PlacedFile&) = delete;
  PlacedFile& operator=(const PlacedFile&) = delete;

  void write(std::span<const std::byte> bytes, std::uint64_t at) const;
  // Has the system start to write back what was appended before, now and then, so that the disk
  // works while cells are computed and there is little to wait for at the end (measured: 0.18 s
  // of fsync for 0.5 GB become 0.02 s). To be called after a write of `bytes` at `at`.
  void write_back(std::uint64_t at, std::uint64_t bytes) const;

  void read(std::span<std::byte> bytes, std::uint64_t at) const;

  // Takes `bytes` of room at the end.
  std::uint64_t take(std::uint64_t bytes) { return end_.fetch_add(bytes); }
  std::uint64_t end() const { return end_; }
  // Drops what lies behind `end`, which is the end from now on.
  void cut(std::uint64_t end);

  // Reports what the system says late. Called once, by one thread.
  void close();

 private:
  std::string file_;
  int descriptor_ = -1;
  std::atomic<std::uint64_t> end_ = 0;
};

// Objects that are dear to make, one for each thread that holds one at the moment.
template <class T>
class Pool {
 public:
  class Lease {
   public:
    explicit Lease(Pool& pool) : pool_(pool), object_(pool.take()) {}
    ~Lease() { pool_.give(std::move(object_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    T& operator*() { return object_; }
    T* operator->() { return &object_; }

   private:
    Pool& pool_;
    T object_;
  };

 private:
  T take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return T{};
    T object = std::move(free_.back());
    free_.pop_back();
    return object;
  }
  void give(T&& object) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(object));
  }

  std::mutex mutex_;
  std::vector<T> free_;
};

}  // namespace cube
