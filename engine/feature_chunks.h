// How cubes whose rows are features are cut into chunks: a few features that lie near each other.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/region.h"

namespace cube {

// The smallest box around several boxes; empty ones are left out.
Region hull(const Region& a, const Region& b);

// Indices of features in an order in which those that need the same blocks of files mostly follow
// each other.
std::vector<std::size_t> order_of_place(std::span<const Region> needs);

// Features to a chunk and slices to a chunk, so that there are chunks enough for many threads, but
// not many that need the same blocks of files. `needs`: the cells that each feature needs, in
// order.
ChunkShape feature_chunk(std::span<const Region> needs, std::int64_t slices);

}  // namespace cube
