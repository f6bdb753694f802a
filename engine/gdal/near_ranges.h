// Ranges of a remote file that are read together, as they lie near each other.
// Thread rule: pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cube {

// Bytes that are read at once, and the ranges that lie in them.
struct NearRanges {
  std::uint64_t begin;
  std::uint64_t end;
  std::vector<std::size_t> parts;  // indices of ranges

  bool operator==(const NearRanges&) const = default;
};

// In the order of the file. Bytes between two ranges are rather read than left out where they take
// less time than a request; no more than a few MB are read at once, unless a range is longer.
// `offsets` and `sizes`: in bytes, one of each a range; ranges may overlap.
std::vector<NearRanges> near_ranges(std::span<const unsigned long long> offsets,
                                    std::span<const std::size_t> sizes);

}  // namespace cube
