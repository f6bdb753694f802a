// Which chunks suit the blocks that a graph's sources are stored in.
// Thread rule: pure functions.
#pragma once

#include <optional>

#include "engine/plan.h"

namespace cube {

// Shapes in cells of the graph's result. `least` is the smallest shape that still decodes each
// block once, or as good as that; `preferred` is a multiple of it of about a million cells, or of
// about a million cells of the source where a result cell takes several.
struct ChunkChoice {
  ChunkShape preferred;
  ChunkShape least;
};

// What Operator::stored_blocks() of the sources and the demand of everything between say; nullopt
// where no source has blocks. Blocks that do not lie on the result's cells, or are larger than a
// chunk should be, are cut. Chunks hold whole tiles of the output (Sink::tile) where that makes
// them no larger than they should be.
std::optional<ChunkChoice> choose_chunk(const Graph& graph, const ChunkShape& tile = {});

// The preferred chunk, or one of common size where no source has blocks, within the result.
ChunkShape best_chunk(const Graph& graph, const ChunkShape& tile = {});

// The least multiple of the output's tiles of at least `shape`, unless they are too large.
ChunkShape in_tiles(const ChunkShape& shape, const ChunkShape& tile);

}  // namespace cube
