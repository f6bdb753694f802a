// Graph and Plan: what will be computed, in which pieces, at what cost.
// Thread rule: immutable once built.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/operator.h"

namespace cube {

// A compiled process graph: operators in an order in which inputs come before their consumers.
struct Graph {
  struct Node {
    std::string type;   // cube_type
    std::string where;  // JSON pointer of the node in its document
    std::shared_ptr<const Operator> op;
    std::vector<std::size_t> inputs;  // indices of nodes
    // Its parameters that are not as by default, a JSON object: for people, not to be read back.
    std::string arguments = {};
  };
  std::vector<Node> nodes;
  std::size_t result = 0;
  std::vector<Note> notes = {};  // of the operators

  const CubeInfo& info() const { return nodes[result].op->info(); }

  // How many nodes read each node.
  std::vector<std::size_t> consumers() const;

  // Whether a source is read over the network.
  bool reads_remote() const;

  // Which nodes want whole series (Operator::wants_series), or are made from such a node.
  std::vector<bool> takes_series() const;
};

struct PlanOptions {
  int threads = 1;
  std::int64_t memory_bytes = std::int64_t{2} << 30;  // budget of the whole process
  std::optional<ChunkWish> chunk;                     // asked for by the user
  std::optional<ChunkShape> fixed_chunk = {};         // agreed on with others, whatever it takes
  ChunkShape sink_tile;                               // of the outputs (Sink::tile)
  std::int64_t sink_resident_bytes = 0;               // held by the outputs
  // Held by the outputs for each chunk that is being written.
  std::function<std::int64_t(const ChunkShape&)> sink_bytes_per_write = [](const ChunkShape&) {
    return std::int64_t{0};
  };
};

// The tiling of the result into chunks, with what computing them takes.
class Plan {
 public:
  // Chooses the chunk shape: the user's, else one that suits the blocks of the sources (see
  // chunk_choice.h), and is smaller where threads would be idle or memory is short. Where threads x
  // peak memory is more than the budget it is cut down as far as that takes no more work, then
  // there are fewer threads, then it is cut further. Throws Error(kInvalid) when one thread with a
  // single cell is too much.
  Plan(Graph graph, const PlanOptions& options);

  const Graph& graph() const { return graph_; }
  const CubeInfo& info() const { return graph_.info(); }
  const ChunkShape& chunk_shape() const { return shape_; }
  const PlanOptions& options() const { return options_; }
  bool chunk_reduced() const { return chunk_reduced_; }  // smaller than asked, to fit the budget
  int threads() const { return threads_; }               // as many as asked for, or as fit

  std::int64_t chunks() const;
  ChunkShape chunk_counts() const;          // along each axis
  Region region(std::int64_t chunk) const;  // of the result, in order t, y, x

  // Requests of the result that together are a chunk, from the top down: several where those of
  // `threads` workers that have no chunk may help with it, which takes no more memory than the
  // chunk and hardly reads more; else the chunk alone.
  std::vector<Request> parts(std::int64_t chunk, int threads) const;

  // How many of `threads` workers find work: no more than chunks, unless they can help each other.
  int useful(int threads) const;

  // Upper bound of memory one worker holds while computing `request` of node `node`.
  std::int64_t peak_bytes(std::size_t node, const Request& request) const;

  // Bytes of the process besides workers: program, libraries, kept blocks of files, outputs.
  std::int64_t base_bytes() const;
  // Decoded blocks of files that may be kept within the budget, for windows that overlap them. The
  // program gives half to GDAL's cache, which the library never touches, and half to a BlockCache.
  std::int64_t cache_bytes() const;

  struct Estimate {
    std::int64_t chunks = 0;
    std::int64_t empty_chunks = 0;  // known to be all missing without reading
    std::int64_t images = 0;        // distinct images
    std::int64_t files = 0;         // distinct files
    std::int64_t read_bytes = 0;    // decoded cells, a cell read for two chunks counted twice
    std::int64_t result_bytes = 0;  // cells of the result
    std::int64_t peak_bytes = 0;    // of the whole process
  };
  // Walks the demand of every chunk back to the sources; reads no pixel.
  Estimate estimate() const;

  // What a chunk takes, as far as it is known without reading a pixel.
  struct ChunkCost {
    std::int64_t read_bytes = 0;    // of cells that sources decode
    std::int64_t images = 0;        // that touch it, once for each node that reads them
    std::int64_t result_bytes = 0;  // of its cells; 0 where all of them are surely missing
  };
  ChunkCost cost(std::int64_t chunk) const;

 private:
  std::optional<ChunkWish> chunk_asked_for() const;
  void choose_shape();
  void take_series();
  // Makes the shape smaller and the threads fewer until they fit. Each function cuts the shape
  // once, the first without making more work of it; false: it cannot.
  void fit(const std::function<bool()>& cut_freely, const std::function<bool()>& cut);
  std::int64_t least_budget() const;
  // Peak memory of one worker with the shape at hand, of chunks spread over the result.
  std::int64_t dearest_bytes() const;
  std::int64_t peak_bytes(std::size_t node, Request request, std::int64_t slices) const;
  std::int64_t dearest_piece(std::size_t node, const Request& wanted, const PullPlan& pull) const;
  std::int64_t filled_slices(std::size_t node, const Request& request) const;
  // Bytes of cells that sources decode for a request of the result.
  std::int64_t bytes_read(const Request& request) const;

  Graph graph_;
  PlanOptions options_;
  int threads_ = 1;
  std::vector<std::size_t> consumers_;  // of each node
  std::vector<bool> takes_series_;      // each node
  ChunkShape shape_;
  bool chunk_reduced_ = false;
};

}  // namespace cube
