#include "engine/gdal/near_ranges.h"

#include <algorithm>
#include <numeric>

namespace cube {

std::vector<NearRanges> near_ranges(std::span<const unsigned long long> offsets,
                                    std::span<const std::size_t> sizes) {
  constexpr std::uint64_t kNear = std::uint64_t{32} << 10;  // 50 ms at 5 Mbit/s
  constexpr std::uint64_t kMost = std::uint64_t{4} << 20;
  std::vector<std::size_t> order(offsets.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return offsets[i]; });
  std::vector<NearRanges> out;
  for (const std::size_t i : order) {
    const std::uint64_t end = offsets[i] + sizes[i];
    const bool near = !out.empty() && offsets[i] <= out.back().end + kNear &&
                      std::max(end, out.back().end) - out.back().begin <= kMost;
    if (!near) {
      out.push_back({offsets[i], end, {i}});
      continue;
    }
    out.back().end = std::max(out.back().end, end);
    out.back().parts.push_back(i);
  }
  return out;
}

}  // namespace cube
