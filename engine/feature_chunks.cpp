#include "engine/feature_chunks.h"

#include <algorithm>

namespace cube {

Region hull(const Region& a, const Region& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  const auto both = [](const Range& p, const Range& q) {
    return Range{std::min(p.begin, q.begin), std::max(p.end, q.end)};
  };
  return {both(a.t, b.t), both(a.y, b.y), both(a.x, b.x)};
}

ChunkShape feature_chunk(std::span<const Region> needs, std::int64_t slices) {
  constexpr std::int64_t kMostFeatures = 256;
  constexpr std::int64_t kChunks = 32;
  // Windows as small as this cost as much as their files' blocks.
  constexpr double kSmall = 256.0 * 256.0;
  constexpr double kMore = 2;
  const auto cells = [&](const Region& region) {
    return std::max(kSmall,
                    static_cast<double>(region.y.size()) * static_cast<double>(region.x.size())) *
           static_cast<double>(region.t.size());
  };
  const auto n = static_cast<std::int64_t>(needs.size());
  double alone = 0;
  for (const Region& need : needs) alone += need.empty() ? 0 : cells(need);
  std::int64_t features = kMostFeatures;
  for (; features > 1; features /= 2) {
    double together = 0;
    for (std::int64_t i = 0; i < n; i += features) {
      Region all;
      for (std::int64_t j = i; j < std::min(n, i + features); ++j) {
        all = hull(all, needs[static_cast<std::size_t>(j)]);
      }
      if (!all.empty()) together += cells(all);
    }
    if (together <= kMore * alone && (n + features - 1) / features >= std::min(n, kChunks)) break;
  }
  const std::int64_t groups = std::max<std::int64_t>(1, (n + features - 1) / features);
  const std::int64_t parts = std::clamp<std::int64_t>((kChunks + groups - 1) / groups, 1, slices);
  return {(slices + parts - 1) / parts, features, 1};
}

}  // namespace cube
