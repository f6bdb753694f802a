// ChunkQueue: which worker computes which chunk.
//
// Each worker has a run of neighbouring chunks, because what it decoded for one, its reader still
// has for the next; who is done takes over the second half of the longest run that is left.
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
  ChunkQueue(std::int64_t chunks, int workers);

  // The next chunk of worker 0, 1, ...; each chunk is given out once. nullopt: none is left.
  std::optional<std::int64_t> next(int worker);

 private:
  std::mutex mutex_;
  std::vector<Range> runs_;  // of each worker, what it has not begun
};

}  // namespace cube
