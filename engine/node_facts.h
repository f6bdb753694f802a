// node_facts: what a run of a plan asks of each node of its graph, known without reading a pixel.
// Thread rule: pure functions and values.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/plan.h"

namespace cube {

// Where the cells of a node come from.
enum class NodeKind : std::uint8_t {
  kSource,  // of no other cube
  kPixel,   // each from the cell at the same place
  kTime,    // from other slices too
  kSpace,   // from other rows and columns too
  kMerge,   // of several cubes
};

NodeKind kind_of(const Graph& graph, std::size_t node);
const char* name(NodeKind kind);  // "source", "pixel", "time", "space", "merge"

// Counts are of a run on one thread; more threads may cut the last chunks into parts, and what a
// mask hides is not asked for at all, so that a run may do less.
struct NodeFacts {
  NodeKind kind = NodeKind::kPixel;
  ChunkShape request{0, 0, 0};  // the largest that it is asked for at a time
  std::int64_t requests = 0;    // how often its kernel runs
  std::int64_t cells = 0;       // that it makes, bands counted
  std::int64_t peak_bytes = 0;  // of a worker, for the largest: its result and scratch
  // Of sources:
  std::int64_t images = 0;
  std::int64_t files = 0;
  std::int64_t read_bytes = 0;  // decoded cells, as Plan::Estimate counts them
};

// One for each node of the plan's graph.
std::vector<NodeFacts> node_facts(const Plan& plan);

// The index of the node that a place in the document ("/in_cube/expr/0") is in; the result where
// it is in none.
std::size_t node_at(const Graph& graph, const std::string& where);

}  // namespace cube
