// ChunkQueue: which worker computes which chunk.
//
// Each worker has a run of neighbouring chunks, because what it decoded for one, its reader still
// has for the next; who is done takes over the second half of the longest run that is left. Runs
// lead through pairs of rows, column by column, to the right and back: a block that several chunks
// need is needed soon again.
//
// Thread rule: next() from several workers at a time, each with its own number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/region.h"

namespace cube {

class ChunkQueue {
 public:
  // `counts`: how many chunks there are along each axis.
  ChunkQueue(const ChunkShape& counts, int workers);

  // The next chunk of worker 0, 1, ..., as counted in the order t, y, x; each is given out once.
  // nullopt: none is left.
  std::optional<std::int64_t> next(int worker);

 private:
  std::int64_t chunk_at(std::int64_t step) const;

  ChunkShape counts_;
  std::mutex mutex_;
  std::vector<Range> runs_;  // of each worker, the steps it has not begun
};

}  // namespace cube
