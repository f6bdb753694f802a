// PieceBoard: workers without a chunk compute pieces for those that have one.
//
// A kernel that pulls a slice in pieces takes them in order. It puts the list up here, and whoever
// has nothing else to do computes the next piece that nobody has begun. The owner does the same
// when the piece whose turn it is has not been begun, so that it never depends on help; pieces are
// the same whoever computes them. A helper holds one finished piece at most: it begins another when
// the owner has taken it.
//
// Thread rule: any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>

#include "engine/block.h"

namespace cube {

class PieceBoard {
 public:
  // Computes a request of a node, on the caller's thread.
  using Compute = std::function<Chunk(std::size_t node, const Request&)>;
  using Take = std::function<void(const Chunk&)>;

  // A worker says that it may put up pieces from now on, and that it will no longer.
  void enter();
  void leave();

  // Calls take() with one piece after the other, in order; what a helper's piece throws is thrown
  // here when its turn comes. Returns the seconds spent waiting for helpers. REQUIRES: between
  // enter() and leave(), or in a helper's compute().
  double pull(std::size_t node, std::span<const Request> pieces, const Compute& compute,
              const Take& take);

  // Computes pieces of others until all who entered have left. Returns the seconds spent waiting.
  double help(const Compute& compute);

 private:
  struct Piece;
  struct Job;

  // Begins piece `k` of a job and stores what comes of it. REQUIRES: `lock` is held; it is released
  // meanwhile.
  void work(Job& job, std::size_t k, const Compute& compute, std::unique_lock<std::mutex>& lock);
  void close(Job& job, std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  int owners_ = 0;  // entered and not left
  std::list<std::shared_ptr<Job>> jobs_;
};

}  // namespace cube
