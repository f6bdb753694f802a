#include "engine/chunk_queue.h"

#include <algorithm>
#include <utility>

namespace cube {

ChunkQueue::ChunkQueue(const ChunkShape& counts, int workers, std::vector<bool> done)
    : counts_(counts),
      workers_(workers),
      rows_(workers == 1 ? 2 : 1),
      lanes_((counts.y + rows_ - 1) / rows_),
      done_(std::move(done)),
      left_(counts.cells() - std::ranges::count(done_, true)),
      runs_(static_cast<std::size_t>(workers)) {}

std::optional<std::int64_t> ChunkQueue::next(int worker) {
  const std::lock_guard lock(mutex_);
  while (const auto chunk = step(worker)) {
    if (!done_.empty() && done_[static_cast<std::size_t>(*chunk)]) continue;
    --left_;
    return chunk;
  }
  return std::nullopt;
}

std::optional<std::int64_t> ChunkQueue::step(int worker) {
  Run& own = runs_[static_cast<std::size_t>(worker)];
  if (own.steps.empty() && next_lane_ < counts_.t * lanes_) {
    own = {next_lane_, {0, rows_of(next_lane_) * counts_.x}};
    ++next_lane_;
  } else if (own.steps.empty()) {
    Run& longest =
        *std::ranges::max_element(runs_, {}, [](const Run& run) { return run.steps.size(); });
    const std::int64_t middle = longest.steps.begin + longest.steps.size() / 2;
    own = {longest.lane, {middle, longest.steps.end}};
    longest.steps.end = middle;
  }
  if (own.steps.empty()) return std::nullopt;
  return chunk_at(own.lane, own.steps.begin++);
}

std::int64_t ChunkQueue::left() {
  const std::lock_guard lock(mutex_);
  return left_;
}

std::int64_t ChunkQueue::rows_of(std::int64_t lane) const {
  return std::min(rows_, counts_.y - lane % lanes_ * rows_);
}

std::int64_t ChunkQueue::chunk_at(std::int64_t lane, std::int64_t step) const {
  const std::int64_t t = lane / lanes_;
  const std::int64_t in_slice = lane % lanes_;
  const std::int64_t rows = rows_of(lane);
  const std::int64_t across = step / rows;
  const std::int64_t down = step % rows;
  const bool back = in_slice / workers_ % 2 == 1;
  const std::int64_t x = back ? counts_.x - 1 - across : across;
  const std::int64_t y = in_slice * rows_ + (across % 2 == 0 ? down : rows - 1 - down);
  return (t * counts_.y + y) * counts_.x + x;
}

}  // namespace cube
