#include "engine/piece_board.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "engine/stopwatch.h"

namespace cube {

struct PieceBoard::Piece {
  bool done = false;
  Chunk cells;
  std::exception_ptr error;
};

struct PieceBoard::Job {
  std::size_t node = 0;
  std::span<const Request> requests;  // the owner's, who waits for all that was begun
  std::vector<Piece> pieces;
  std::size_t begun = 0;  // pieces before this one are taken on
  std::size_t taken = 0;  // by the owner
  std::size_t busy = 0;   // pieces that are being computed
};

void PieceBoard::enter() {
  const std::lock_guard lock(mutex_);
  ++owners_;
}

void PieceBoard::leave() {
  const std::lock_guard lock(mutex_);
  --owners_;
  changed_.notify_all();
}

void PieceBoard::work(Job& job, std::size_t k, const Compute& compute,
                      std::unique_lock<std::mutex>& lock) {
  ++job.busy;
  const Request& request = job.requests[k];
  lock.unlock();
  Piece piece;
  try {
    piece.cells = compute(job.node, request);
  } catch (...) {
    piece.error = std::current_exception();
  }
  piece.done = true;
  lock.lock();
  job.pieces[k] = std::move(piece);
  --job.busy;
  changed_.notify_all();
}

// No piece is begun any more; waits for those that were.
void PieceBoard::close(Job& job, std::unique_lock<std::mutex>& lock) {
  job.begun = job.taken = job.pieces.size();
  changed_.notify_all();
  changed_.wait(lock, [&] { return job.busy == 0; });
  jobs_.remove_if([&](const auto& other) { return other.get() == &job; });
}

double PieceBoard::pull(std::size_t node, std::span<const Request> pieces, const Compute& compute,
                        const Take& take) {
  double waited = 0;
  const auto job = std::make_shared<Job>();
  job->node = node;
  job->requests = pieces;
  job->pieces.resize(pieces.size());
  std::unique_lock lock(mutex_);
  jobs_.push_back(job);
  changed_.notify_all();
  try {
    for (std::size_t k = 0; k < pieces.size(); ++k) {
      if (job->begun == k) work(*job, job->begun++, compute, lock);
      const Stopwatch start;
      changed_.wait(lock, [&] { return job->pieces[k].done; });
      waited += start.seconds();
      const Piece piece = std::move(job->pieces[k]);
      job->taken = k + 1;
      changed_.notify_all();
      lock.unlock();
      if (piece.error) std::rethrow_exception(piece.error);
      take(piece.cells);
      lock.lock();
    }
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    close(*job, lock);
    throw;
  }
  close(*job, lock);
  return waited;
}

double PieceBoard::help(const Compute& compute) {
  double waited = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    std::shared_ptr<Job> job;
    const Stopwatch start;
    changed_.wait(lock, [&] {
      const auto open = std::find_if(jobs_.begin(), jobs_.end(), [](const auto& other) {
        return other->begun < other->pieces.size();
      });
      job = open == jobs_.end() ? nullptr : *open;
      return job || owners_ == 0;
    });
    waited += start.seconds();
    if (!job) return waited;
    const std::size_t k = job->begun++;
    work(*job, k, compute, lock);
    const Stopwatch until_taken;
    changed_.wait(lock, [&] { return job->taken > k; });
    waited += until_taken.seconds();
  }
}

}  // namespace cube
