// Block and Chunk: the cells of a cube.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/cube_info.h"
#include "engine/dtype.h"
#include "engine/region.h"

namespace cube {

// Leaves new elements as they are: most buffers of cells are written once, whole.
template <class T>
struct UnfilledAllocator : std::allocator<T> {
  template <class U>
  struct rebind {  // NOLINT(readability-identifier-naming): the standard library's name
    using other = UnfilledAllocator<U>;
  };
  void construct(T*) noexcept {}
};

// Cells of one band over one region, in the band's own dtype, C order (t, y, x).
//
// Kernels see rows as double strips in which missing is NaN; the conversion happens on the way in
// and out. Thread rule: build on one thread, then share() and treat as immutable.
class Block {
 public:
  // All cells missing (zero when the storage has no missing value).
  Block(const Region& region, Storage storage);

  // Cells undefined, for a builder that sets every one of them before the block is read.
  static Block unfilled(const Region& region, Storage storage);

  // The same cells in a region of the same shape, with another nodata value or none. They stay as
  // they are. REQUIRES: the same dtype.
  static Block relabelled(Block&& block, const Region& region, Storage storage);

  const Region& region() const { return region_; }
  DType dtype() const { return storage_.dtype; }
  std::optional<double> nodata() const { return storage_.nodata; }
  Storage storage() const { return storage_; }
  std::size_t bytes() const { return data_.size(); }

  // The row (t, y) over the whole x range, or over `columns`, as doubles with NaN for missing.
  // The result points into the block (float64) or into `scratch`, and lives as long as both.
  // REQUIRES: (t, y, columns) inside region().
  std::span<const double> row(std::int64_t t, std::int64_t y, std::vector<double>& scratch) const;
  std::span<const double> row(std::int64_t t, std::int64_t y, const Range& columns,
                              std::vector<double>& scratch) const;

  // Stores a row that begins at column `x` (default: the first); NaN becomes the nodata value.
  // Integers round to nearest and clamp. REQUIRES: inside region(); no NaN without a nodata value.
  void set_row(std::int64_t t, std::int64_t y, std::span<const double> values);
  void set_row(std::int64_t t, std::int64_t y, std::int64_t x, std::span<const double> values);

  // The same, but a value that is there never becomes the nodata value: it becomes the number next
  // to it, as in gdalwarp.
  void set_row_of_valid(std::int64_t t, std::int64_t y, std::int64_t x,
                        std::span<const double> values);

  // Copies the cells of `source` that lie in both regions. REQUIRES: same storage.
  void copy_from(const Block& source);

  // The same with `source` moved by whole cells: its cell (t, y, x) goes to (t + dt, y + dy,
  // x + dx). The storages may differ where this one can hold every value of the other.
  void copy_moved(const Block& source, std::int64_t dt, std::int64_t dy, std::int64_t dx);

  // Raw cells. REQUIRES: T is the C++ type of dtype().
  template <class T>
  std::span<T> cells() {
    assert(sizeof(T) == size_of(dtype()));
    return {reinterpret_cast<T*>(data_.data()), data_.size() / sizeof(T)};
  }
  template <class T>
  std::span<const T> cells() const {
    assert(sizeof(T) == size_of(dtype()));
    return {reinterpret_cast<const T*>(data_.data()), data_.size() / sizeof(T)};
  }
  std::span<const std::byte> raw() const { return data_; }

  // Index into cells() of (t, y, x).
  std::size_t offset(std::int64_t t, std::int64_t y, std::int64_t x) const;

  // True when no cell has a value.
  bool all_missing() const;

 private:
  struct Unfilled {};
  Block(const Region& region, Storage storage, Unfilled);

  Region region_;
  Storage storage_;
  std::vector<std::byte, UnfilledAllocator<std::byte>> data_;
};

// Null means that every cell is missing: it costs nothing to pass on.
using BlockPtr = std::shared_ptr<const Block>;

// Freezes a block; null when all its cells are missing.
BlockPtr share(Block&& block);

// The part of `block` in `region` (shared when that is all of it), null stays null.
// REQUIRES: region inside block->region().
BlockPtr crop(const BlockPtr& block, const Region& region);

// What a consumer wants: a region and the bands it needs, as indices into the producer's bands.
struct Request {
  Region region;
  std::vector<std::size_t> bands;

  bool operator==(const Request&) const = default;
};

// What it gets: one block a requested band, in the order asked for.
struct Chunk {
  Region region;
  std::vector<BlockPtr> bands;

  bool empty() const;         // every band is null
  std::size_t bytes() const;  // of the blocks it holds
};

}  // namespace cube
