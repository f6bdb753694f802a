// StoredBlocks: how a source's cells are stored.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/region.h"

namespace cube {

// The blocks that the cells of a source are stored in, from the cube's first cell on, where reading
// a part of a block takes decoding all of it, and what becomes of those that were decoded.
struct StoredBlocks {
  enum class Kept : std::uint8_t {
    kForAll,     // workers share them, in a BlockCache
    kForWorker,  // each worker decodes for itself; GDAL keeps the blocks of all, or `kept_bytes`
    kUnknown,    // files that stand for others
  };
  ChunkShape shape;
  Kept kept = Kept::kUnknown;
  std::optional<std::int64_t> kept_bytes = {};  // that the source's kernels keep, each
  std::int64_t bands = 1;                       // that a block holds cells of
  std::int64_t cell_bytes = 0;                  // of cells as they are stored; 0: as in the cube
  bool in_part = false;  // where little is wanted of one it is decoded down to there
};

}  // namespace cube
