#include "engine/feature_chunks.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace cube {

Region hull(const Region& a, const Region& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  const auto both = [](const Range& p, const Range& q) {
    return Range{std::min(p.begin, q.begin), std::max(p.end, q.end)};
  };
  return {both(a.t, b.t), both(a.y, b.y), both(a.x, b.x)};
}

namespace {

// Blocks of files are about that large, or smaller.
constexpr std::int64_t kBlock = 512;

// Blocks that some features need.
std::int64_t blocks_needed(std::span<const Region> needs) {
  std::vector<std::pair<std::int64_t, std::int64_t>> blocks;
  for (const Region& need : needs) {
    if (need.empty()) continue;
    for (std::int64_t y = need.y.begin / kBlock; y <= (need.y.end - 1) / kBlock; ++y) {
      for (std::int64_t x = need.x.begin / kBlock; x <= (need.x.end - 1) / kBlock; ++x) {
        blocks.emplace_back(y, x);
      }
    }
  }
  std::sort(blocks.begin(), blocks.end());
  return std::unique(blocks.begin(), blocks.end()) - blocks.begin();
}

}  // namespace

std::vector<std::size_t> order_of_place(std::span<const Region> needs) {
  std::vector<std::size_t> order(needs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto place = [&](std::size_t i) {
    const std::int64_t row = needs[i].y.begin / kBlock;
    const std::int64_t column = needs[i].x.begin / kBlock;
    return std::tuple(row, row % 2 == 0 ? column : -column, i);  // to and fro
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  return order;
}

// Slices are cheap to part, as each has files of its own; features as long as few blocks are needed
// twice.
ChunkShape feature_chunk(std::span<const Region> needs, std::int64_t slices) {
  constexpr std::int64_t kChunks = 32;
  constexpr std::int64_t kMostFeatures = 1 << 16;  // rows of a chunk are held
  constexpr double kMore = 1.25;
  const auto n = static_cast<std::int64_t>(needs.size());
  const std::int64_t parts = std::clamp<std::int64_t>(slices, 1, kChunks);
  // In cells; a feature takes as much as some thousand cells, whatever its size.
  constexpr double kBlockCells = static_cast<double>(kBlock * kBlock);
  constexpr double kLeastCells = 4096;
  double work = 0;
  for (const Region& need : needs) {
    if (need.empty()) continue;
    work += std::max(kLeastCells,
                     static_cast<double>(need.y.size()) * static_cast<double>(need.x.size()));
  }
  const double least = work + kBlockCells * static_cast<double>(blocks_needed(needs));
  std::int64_t features = std::clamp<std::int64_t>(n, 1, kMostFeatures);
  while (features > 1 && (n + features - 1) / features * parts < kChunks) {
    const std::int64_t fewer = (features + 1) / 2;
    double together = work;
    for (std::int64_t i = 0; i < n; i += fewer) {
      const auto begin = static_cast<std::size_t>(i);
      const auto count = static_cast<std::size_t>(std::min(fewer, n - i));
      together += kBlockCells * static_cast<double>(blocks_needed(needs.subspan(begin, count)));
    }
    if (together > kMore * least) break;
    features = fewer;
  }
  return {(slices + parts - 1) / parts, features, 1};
}

}  // namespace cube
