// ReaderPool: evaluators of a graph that are kept between reads, with the files they have open.
// Thread rule: any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/evaluator.h"

namespace cube {

class ReaderPool {
 public:
  // Keeps `most` evaluators that are not in use. REQUIRES: both outlive the pool.
  ReaderPool(const Graph& graph, const Resources& resources, std::size_t most);
  ~ReaderPool();
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  // The requested cells of the graph's result, computed on this thread. Throws Error(kCancelled)
  // when `cancelled` says so.
  Chunk read(const Request& request, const std::function<bool()>& cancelled);

  // Images that were left out so far, each once.
  std::vector<SkippedImage> skipped() const;

 private:
  struct Reader {
    Reader(const Graph& graph, const Resources& resources)
        : evaluator(graph, resources,
                    [this] { return cancelled && *cancelled && (*cancelled)(); }) {}
    const std::function<bool()>* cancelled = nullptr;  // of the read at hand
    Evaluator evaluator;
    std::size_t told = 0;  // of the images that it has left out
  };
  class Loan;

  std::unique_ptr<Reader> take();
  void give_back(std::unique_ptr<Reader> reader) noexcept;
  void note_skipped(Reader& reader);

  const Graph& graph_;
  const Resources& resources_;
  mutable std::mutex mutex_;                   // guards all that follows
  std::vector<std::unique_ptr<Reader>> idle_;  // as many as fit without growing
  std::vector<SkippedImage> skipped_;
  std::set<std::string> skipped_names_;
};

}  // namespace cube
