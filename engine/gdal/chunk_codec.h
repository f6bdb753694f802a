// ChunkCodec: undoes what the cells of a chunk went through before they were stored, as HDF5's
// filters and those of Zarr (numcodecs) have it.
// Thread rule: decode() from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/gdal/array_store.h"

namespace cube {

using Bytes = std::vector<std::byte, UnfilledAllocator<std::byte>>;

// Numbers as bytes hold them.
struct CellType {
  ArrayType type = ArrayType::kOther;
  bool half = false;     // kFloat32, stored in 16 bits
  bool swapped = false;  // in the byte order that is not this machine's

  std::size_t bytes() const { return half ? 2 : size_of(type); }
  bool operator==(const CellType&) const = default;
};

class ChunkCodec {
 public:
  enum class Kind : std::uint8_t {
    kDecompress,
    kUnshuffle,    // planes of bytes to cells
    kUnpackBits,   // 8 truth values a byte, after one that counts those that are not meant
    kConvert,      // numbers of one type to another
    kSumUp,        // the same; each is the difference to the one before it
    kScaleOffset,  // the same; divided by scale, then offset is added
  };
  struct Step {
    Kind kind = Kind::kDecompress;
    std::string compressor = {};  // kDecompress: as GDAL calls it
    std::size_t cell = 1;         // kUnshuffle: bytes
    CellType from = {};           // numbers before and after
    CellType to = {};
    double scale = 1;
    double offset = 0;
    std::uint32_t bit = 0;  // of decode()'s `left_out`
  };

  // Steps are done in the order in which they are added.
  void add(Step step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }

  // Fills `out`. Steps with a bit of `left_out` are skipped. Throws Error(kUnreadable) with `where`
  // when the bytes are broken or of another size.
  void decode(std::span<const std::byte> stored, std::span<std::byte> out, const std::string& where,
              std::uint32_t left_out = 0) const;

  // Upper bound of what decode() holds for a chunk of so many bytes, `stored` and `out` besides.
  std::int64_t scratch_bytes(std::int64_t bytes) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace cube
