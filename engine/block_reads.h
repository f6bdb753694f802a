// How often a plan has the blocks of files decoded: chunks that cut blocks come back to them.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>

#include "engine/plan.h"

namespace cube {

struct BlockReads {
  double times = 1;      // decodes of a block on average, kept blocks not counted again
  ChunkShape blocks;     // of the source whose blocks are decoded most
  std::size_t node = 0;  // that source
};

// Follows the chunks of `shape` in their order through the demand of the graph to the sources'
// stored blocks, of which `kept_bytes` of cells are kept, the last used first. Large cubes are
// followed for their first chunks only. nullopt where no source says what its blocks are.
std::optional<BlockReads> block_reads(const Graph& graph, const ChunkShape& shape,
                                      std::int64_t kept_bytes);

// "chunk   1 x 1024 x 1024 (t, y, x), 2.1 MB a band: whole blocks", the chunk that suits the blocks
// of a graph's sources; "" where they have none.
std::string chunk_text(const Graph& graph);
ChunkShape best_chunk(const Graph& graph, const ChunkShape& tile = {});

}  // namespace cube
