// How cubes whose rows are features are cut into chunks: a few features that lie near each other.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "engine/region.h"

namespace cube {

// The smallest box around several boxes; empty ones are left out.
Region hull(const Region& a, const Region& b);

// Features to a chunk and slices to a chunk, so that what a chunk of features needs is not much
// more than each feature needs, and there are chunks enough for many threads. `needs`: the cells
// that each feature needs, in order.
ChunkShape feature_chunk(std::span<const Region> needs, std::int64_t slices);

}  // namespace cube
