// Evaluator: one worker's way through a graph, from a result's chunk back to the sources.
//
// Owns the kernels, the image reader and the scratch of one thread. A node that several consumers
// read is computed once a chunk: its blocks are kept until forget(). So is one that wants whole
// series, for all slices that the request at hand demands of it, however few are pulled at a time.
//
// Thread rule: one a worker thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/image_reader.h"
#include "engine/operator.h"
#include "engine/piece_board.h"
#include "engine/plan.h"
#include "engine/resources.h"

namespace cube {

class Evaluator {
 public:
  // When `cancelled` says so, whatever is being evaluated ends with Error(kCancelled) at the next
  // pull or image. Kernels put the pieces that they pull on the `board`, if there is one.
  // REQUIRES: `graph`, `resources` and `board` outlive the evaluator.
  Evaluator(const Graph& graph, const Resources& resources, std::function<bool()> cancelled = {},
            PieceBoard* board = nullptr);
  ~Evaluator();

  // The requested cells of a node. REQUIRES: region inside the node's extent.
  Chunk evaluate(std::size_t node, const Request& request);

  // The same of requests that tile `region` and want the same bands; workers that wait at the board
  // help with them.
  Chunk evaluate_parts(std::size_t node, const Region& region, std::span<const Request> parts);

  // The same, keeping nothing that is not kept yet.
  Chunk evaluate_piece(std::size_t node, const Request& request);

  // Drops the blocks of shared nodes; called between chunks.
  void forget();

  struct NodeStats {
    double seconds = 0;  // without the node's inputs
    std::int64_t requests = 0;
    std::int64_t cells = 0;  // made, bands counted
    Stages stages;           // `seconds` by what they went to
  };
  const std::vector<NodeStats>& node_stats() const { return stats_; }
  double waited() const { return waited_; }  // for pieces that other workers computed
  // Seconds that are in node_stats() or waited().
  double accounted() const;
  ImageReader::Stats reader_stats() const;  // and blocks that were decoded without a reader
  const std::vector<SkippedImage>& skipped() const { return skipped_; }

 private:
  class NodeInputs;
  struct Kept {
    Region region;
    std::size_t band;
    BlockPtr block;
  };

  void pull_pieces(std::size_t node, std::span<const Request> pieces,
                   const std::function<void(const Chunk&)>& take);
  Chunk pull(std::size_t node, const Request& request);
  Chunk compute(std::size_t node, const Request& request);
  // Sorts `seconds` of the node's kernel, some of which it has told already, into stages.
  void sort_seconds(std::size_t node, double seconds, double told,
                    const ImageReader::Stats& before);
  // The request with all slices that will be pulled, where the node wants series.
  Request widened(std::size_t node, Request request) const;
  Chunk evaluate_shared(std::size_t node, const Request& request);
  ImageReader& images();
  void check_cancelled() const;

  const Graph& graph_;
  const Resources& resources_;
  std::function<bool()> cancelled_;
  PieceBoard* board_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<bool> shared_;             // has several consumers or wants series
  bool wants_series_ = false;            // some node does
  std::vector<bool> takes_series_;       // each node: it, or what it is made from, wants them
  std::vector<Request> demanded_;        // of each node by the request at hand, if one does
  std::vector<std::vector<Kept>> kept_;  // blocks of shared nodes
  std::unique_ptr<ImageReader> reader_;
  std::vector<NodeStats> stats_;
  std::vector<SkippedImage> skipped_;
  double inner_seconds_ = 0;  // spent in the inputs of the node that runs, and waiting for them
  double waited_ = 0;
  std::int64_t blocks_decoded_ = 0;  // not by the reader of images
};

}  // namespace cube
