#include "engine/chunk_queue.h"

#include <algorithm>

namespace cube {

namespace {

constexpr std::int64_t kRows = 2;  // that a run goes through at a time

}  // namespace

ChunkQueue::ChunkQueue(const ChunkShape& counts, int workers) : counts_(counts) {
  const std::int64_t chunks = counts.cells();
  for (std::int64_t i = 0; i < workers; ++i) {
    runs_.push_back({chunks * i / workers, chunks * (i + 1) / workers});
  }
}

std::optional<std::int64_t> ChunkQueue::next(int worker) {
  const std::lock_guard lock(mutex_);
  Range& own = runs_[static_cast<std::size_t>(worker)];
  if (own.empty()) {
    Range& longest = *std::ranges::max_element(runs_, {}, &Range::size);
    const std::int64_t middle = longest.begin + longest.size() / 2;
    own = {middle, longest.end};
    longest.end = middle;
  }
  if (own.empty()) return std::nullopt;
  return chunk_at(own.begin++);
}

std::int64_t ChunkQueue::chunk_at(std::int64_t step) const {
  const std::int64_t layer = counts_.y * counts_.x;
  const std::int64_t t = step / layer;
  const std::int64_t in_layer = step % layer;
  const std::int64_t pair = in_layer / (kRows * counts_.x);
  const std::int64_t first_row = pair * kRows;
  const std::int64_t in_pair = in_layer - first_row * counts_.x;
  const std::int64_t rows = std::min(kRows, counts_.y - first_row);
  const std::int64_t across = in_pair / rows;
  const std::int64_t down = in_pair % rows;
  const std::int64_t x = pair % 2 == 0 ? across : counts_.x - 1 - across;
  const std::int64_t y = first_row + (across % 2 == 0 ? down : rows - 1 - down);
  return (t * counts_.y + y) * counts_.x + x;
}

}  // namespace cube
