// How often a plan has the blocks of files decoded: chunks that cut blocks come back to them.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/plan.h"

namespace cube {

// What becomes of the blocks of a source.
struct BlockReads {
  std::size_t node = 0;       // the source
  StoredBlocks blocks;        // as it is stored
  std::int64_t decoded = 0;   // blocks; one that is decoded again counts again
  std::int64_t distinct = 0;  // different blocks

  double times() const {
    return distinct == 0 ? 1 : static_cast<double>(decoded) / static_cast<double>(distinct);
  }
};

// What is kept of decoded blocks, the last used first.
struct BlockKeeping {
  int workers = 1;
  std::int64_t shared_bytes = 0;  // of all workers, of blocks that they share
  std::int64_t gdal_bytes = 0;    // of those that each worker decodes for itself
  bool kernels_keep = true;       // those of sources keep what StoredBlocks says
};

// Follows the chunks of `shape` in the order in which workers take them, through the demand of the
// graph, to the blocks of the sources that say what these are. Images of a slice that lie on one
// another are counted as one, what outputs that GDAL writes take of its cache is not, and large
// cubes are followed for their first chunks only.
std::vector<BlockReads> block_reads(const Graph& graph, const ChunkShape& shape,
                                    const BlockKeeping& keeping);
// The same of a plan, as the program runs it.
std::vector<BlockReads> block_reads(const Plan& plan);

// What a user should know of a plan whose chunks have blocks decoded again and again, and how to
// avoid it; nullopt where blocks are decoded once or nearly so. It is about a source.
std::optional<Note> block_reads_note(const Plan& plan);

// "chunk   1 x 1024 x 1024 (t, y, x), 2.1 MB a band: whole blocks", the chunk that suits the blocks
// of a graph's sources; "" where they have none.
std::string chunk_text(const Graph& graph);

}  // namespace cube
