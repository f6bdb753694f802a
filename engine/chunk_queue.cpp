#include "engine/chunk_queue.h"

#include <algorithm>

namespace cube {

ChunkQueue::ChunkQueue(std::int64_t chunks, int workers) {
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
  return own.begin++;
}

}  // namespace cube
