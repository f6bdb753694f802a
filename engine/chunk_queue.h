// ChunkQueue: which worker computes which chunk.
//
// Each worker goes along a row of chunks, because what it decoded for one, its reader still has for
// the next; the rows of workers are neighbours, so that a block on the border of two of them is
// wanted by both at about the same time and decoded once. (A chunk of a long series reads more than
// is kept, so what its other neighbours will want later is gone by then.) The next rows are gone
// along in the other direction. Who finds no row takes over the second half of the longest that is
// left. A lone worker goes through two rows at a time, column by column.
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
  // `counts`: how many chunks there are along each axis. `done`, if not empty, says of each chunk
  // whether it is to be left out.
  ChunkQueue(const ChunkShape& counts, int workers, std::vector<bool> done = {});

  // The next chunk of worker 0, 1, ..., as counted in the order t, y, x; each is given out once.
  // nullopt: none is left.
  std::optional<std::int64_t> next(int worker);

  // How many have not been given out.
  std::int64_t left();

 private:
  // The row, or rows, that a worker goes along, and the steps it has not begun.
  struct Run {
    std::int64_t lane = 0;
    Range steps;
  };

  // The next step of a worker, done or not.
  std::optional<std::int64_t> step(int worker);
  std::int64_t rows_of(std::int64_t lane) const;
  std::int64_t chunk_at(std::int64_t lane, std::int64_t step) const;

  ChunkShape counts_;
  std::int64_t workers_;
  std::int64_t rows_;   // of a lane; the last of a slice may have fewer
  std::int64_t lanes_;  // of a slice of chunks
  std::vector<bool> done_;
  std::mutex mutex_;
  std::int64_t next_lane_ = 0;  // of all slices
  std::int64_t left_;
  std::vector<Run> runs_;  // of each worker
};

}  // namespace cube
