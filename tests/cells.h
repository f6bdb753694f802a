// Computing a graph in pieces and comparing cells.
#pragma once

#include <string>
#include <vector>

#include "engine/plan.h"
#include "engine/resources.h"

namespace cube::test {

// The shapes in which every cube is computed: whole, single cells, and odd ones.
std::vector<ChunkShape> chunk_shapes(const CubeInfo& info);

// All cells of the graph's result, one vector a band in C order, NaN = missing, computed in chunks
// of `shape` as a run would.
std::vector<std::vector<double>> computed(const Graph& graph, const Resources& resources,
                                          const ChunkShape& shape);

// The same by a run with that many threads, in chunks of 1 x 2 x 3. Throws std::logic_error when
// the run does not succeed.
std::vector<std::vector<double>> computed_by_run(const Graph& graph, const Resources& resources,
                                                 int threads);

// The regions of `extent` in chunks of `shape`, in order t, y, x.
std::vector<Region> tiles(const Region& extent, const ChunkShape& shape);

// The cells of one band of a chunk, NaN = missing (also where the block is null).
std::vector<double> cells_of(const Chunk& chunk, std::size_t band);

// "" when equal to the bit (all NaN are equal), else the first difference.
std::string difference(const std::vector<std::vector<double>>& a,
                       const std::vector<std::vector<double>>& b);

}  // namespace cube::test
