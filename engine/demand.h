// What each node of a graph has to give for a request of one of them.
// Thread rule: pure functions.
#pragma once

#include <vector>

#include "engine/plan.h"

namespace cube {

// A region with all bands of a cube.
Request all_bands(const CubeInfo& cube, const Region& region);

// For each node of the graph, a box that holds all that `request` of `node` demands of it, and the
// bands; an empty region where it demands nothing.
std::vector<Request> demanded(const Graph& graph, std::size_t node, const Request& request);

}  // namespace cube
