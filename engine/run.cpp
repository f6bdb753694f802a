#include "engine/run.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <latch>
#include <mutex>
#include <new>
#include <set>
#include <utility>

#include "engine/chunk_queue.h"
#include "engine/error.h"
#include "engine/evaluator.h"
#include "engine/piece_board.h"
#include "engine/stop_asked.h"
#include "engine/stopwatch.h"

namespace cube {

namespace {

void add(ImageReader::Stats& sum, const ImageReader::Stats& part) {
  sum.opened += part.opened;
  sum.pasted += part.pasted;
  sum.warped += part.warped;
  sum.cells_decoded += part.cells_decoded;
  sum.blocks_decoded += part.blocks_decoded;
  sum.seconds_open += part.seconds_open;
  sum.seconds_read += part.seconds_read;
  sum.seconds_decode += part.seconds_decode;
  sum.seconds_warp += part.seconds_warp;
}

// What all workers share: the report and whether to go on. Each member function may be called
// from any worker.
class RunState {
 public:
  RunState(const Plan& plan, const RunOptions& options) : options_(options) {
    report_.chunks = options.chunks ? options.chunks->size() : plan.chunks();
    for (const Graph::Node& node : plan.graph().nodes) {
      report_.nodes.push_back({.type = node.type, .where = node.where});
    }
  }

  // Before the workers begin.
  void resume(std::int64_t chunks, const std::vector<SkippedImage>& skipped,
              std::vector<std::string> notes) {
    chunks_done_ = report_.chunks_resumed = chunks;
    for (const SkippedImage& image : skipped) add_skipped(image);
    report_.notes = std::move(notes);
    if (chunks > 0 && options_.progress) {
      options_.progress({chunks, chunks, report_.chunks, start_.seconds()});
    }
  }

  bool stopped() { return stopped_ || cancelled(); }
  void stop() { stopped_ = true; }

  // A worker had to leave for a reason that is no chunk's.
  void abort(std::exception_ptr reason) {
    const std::lock_guard lock(mutex_);
    if (!aborted_) aborted_ = std::move(reason);
    stopped_ = true;
  }

  bool cancelled() {
    if (!cancelled_ && options_.cancelled && options_.cancelled()) cancelled_ = true;
    return cancelled_;
  }

  void done(bool empty, double seconds_write) {
    const std::lock_guard lock(mutex_);
    report_.empty_chunks += empty ? 1 : 0;
    report_.seconds_write += seconds_write;
    ++chunks_done_;
    if (options_.progress) {
      options_.progress({chunks_done_, report_.chunks_resumed, report_.chunks, start_.seconds()});
    }
  }

  void failed(std::int64_t chunk, const Region& region, std::string reason) {
    const std::lock_guard lock(mutex_);
    if (options_.failed) options_.failed(chunk, region, reason);
    report_.failures.push_back({chunk, region, std::move(reason)});
    if (!options_.keep_going) stopped_ = true;
  }

  // A chunk was computed and could not be written.
  void unwritten() {
    const std::lock_guard lock(mutex_);
    report_.unwritten = true;
    stopped_ = true;
  }

  // `around`: what the worker did besides running kernels.
  void add_worker(const Evaluator& worker, const Stages& around) {
    const std::lock_guard lock(mutex_);
    report_.stages += around;
    report_.stages[Stage::kWait] += worker.waited();
    for (std::size_t i = 0; i < report_.nodes.size(); ++i) {
      const Evaluator::NodeStats& stats = worker.node_stats()[i];
      report_.nodes[i].seconds += stats.seconds;
      report_.nodes[i].requests += stats.requests;
      report_.nodes[i].cells += stats.cells;
      report_.nodes[i].stages += stats.stages;
      report_.stages += stats.stages;
    }
    add(report_.reading, worker.reader_stats());
    for (const SkippedImage& image : worker.skipped()) add_skipped(image);
  }

  // Throws what abort() was told. REQUIRES: the workers are gone.
  Report take() {
    if (aborted_) std::rethrow_exception(aborted_);
    std::sort(report_.failures.begin(), report_.failures.end(),
              [](const auto& a, const auto& b) { return a.chunk < b.chunk; });
    std::sort(report_.skipped.begin(), report_.skipped.end(),
              [](const auto& a, const auto& b) { return a.image < b.image; });
    report_.chunks_done = chunks_done_;
    report_.cancelled = chunks_done_ < report_.chunks && cancelled_;
    return std::move(report_);
  }

 private:
  void add_skipped(const SkippedImage& image) {
    if (skipped_.insert(image.image).second) report_.skipped.push_back(image);
  }

  const RunOptions& options_;
  const Stopwatch start_;
  std::mutex mutex_;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> cancelled_ = false;
  std::exception_ptr aborted_;
  std::int64_t chunks_done_ = 0;
  std::set<std::string> skipped_;  // images
  Report report_;
};

// The sinks of a run. They are begun by the first worker while the others compute their first
// chunks: making the tags of a GeoTIFF takes as long as opening ten files.
class Outputs {
 public:
  Outputs(std::span<const std::unique_ptr<Sink>> sinks,
          std::function<void(const SkippedImage&)> skipped)
      : sinks_(sinks), skipped_(std::move(skipped)) {}

  // What all sinks have of an earlier run; adds to `notes`. Throws Error.
  Claim claim(const ChunkShape& tiling, const RunIdentity& identity,
              std::vector<std::string>& notes) {
    Claim all;
    for (std::size_t i = 0; i < sinks_.size(); ++i) {
      Claim one = sinks_[i]->claim(tiling, identity);
      if (i == 0) all.done = one.done;
      if (one.done.empty()) all.done.clear();
      for (std::size_t k = 0; k < all.done.size(); ++k) all.done[k] = all.done[k] && one.done[k];
      for (SkippedImage& image : one.skipped) all.skipped.push_back(std::move(image));
      if (!one.note.empty()) notes.push_back(std::move(one.note));
    }
    return all;
  }

  // Has the sinks note the images that a worker has left out, before cells come that lack them;
  // those from `known` on. Thread rule: any worker.
  void note_skipped(const Evaluator& worker, std::size_t& known) {
    const std::vector<SkippedImage>& skipped = worker.skipped();
    for (; known < skipped.size(); ++known) {
      const std::lock_guard lock(mutex_);
      if (!noted_.insert(skipped[known].image).second) continue;
      for (const std::unique_ptr<Sink>& sink : sinks_) sink->skipped(skipped[known]);
      if (skipped_) skipped_(skipped[known]);
    }
  }

  // Has the sinks note a chunk that will not come. Thread rule: any worker.
  void note_failed(const FailedChunk& chunk) {
    for (const std::unique_ptr<Sink>& sink : sinks_) sink->failed(chunk);
  }

  // Called once; false when a sink cannot begin.
  bool begin(const ChunkShape& tiling, const Provenance& provenance) {
    try {
      for (const std::unique_ptr<Sink>& sink : sinks_) sink->begin(tiling, provenance);
    } catch (...) {
      failure_ = std::current_exception();
    }
    begun_.count_down();
    return !failure_;
  }

  // Waits until the sinks have begun; false when they could not. Thread rule: any worker.
  bool write(const Chunk& chunk, Stages& spent) {
    const Stopwatch waiting;
    begun_.wait();
    spent[Stage::kWait] += waiting.seconds();
    if (failure_) return false;
    const Stopwatch start;
    for (const std::unique_ptr<Sink>& sink : sinks_) sink->write(chunk);
    spent[Stage::kWrite] += start.seconds();
    return true;
  }

  double seconds_encoding() const {
    double sum = 0;
    for (const std::unique_ptr<Sink>& sink : sinks_) sum += sink->seconds_encoding();
    return sum;
  }

  // Throws what begin() met. REQUIRES: the workers are gone.
  std::vector<std::string> finish(bool complete) {
    if (failure_) std::rethrow_exception(failure_);
    std::vector<std::string> files;
    if (!complete) return files;
    for (const std::unique_ptr<Sink>& sink : sinks_) sink->complete();
    for (const std::unique_ptr<Sink>& sink : sinks_) {
      for (std::string& file : sink->finish()) files.push_back(std::move(file));
    }
    return files;
  }

 private:
  std::span<const std::unique_ptr<Sink>> sinks_;
  std::function<void(const SkippedImage&)> skipped_;  // told to whoever runs this
  std::mutex mutex_;
  std::set<std::string> noted_;  // images
  std::latch begun_{1};
  std::exception_ptr failure_;
};

// Why something failed, for people. REQUIRES: called while an exception is handled.
std::string reason_of_failure() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return "out of memory (fewer threads or smaller chunks take less)";
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an unknown exception";
  }
}

// Whether the exception that is handled says that the work is given up.
bool is_cancelling() {
  try {
    throw;
  } catch (const Error& error) {
    return error.code() == ErrorCode::kCancelled;
  } catch (...) {
    return false;
  }
}

// What the workers of a run share.
struct Crew {
  const Plan& plan;
  const Resources& resources;
  const RunOptions& options;
  const Provenance& provenance;
  int threads;
  RunState& state;
  Outputs& outputs;
  ChunkQueue& queue;
  PieceBoard& board;
};

// One chunk from the sources to the sinks, for which there may be help from others of `threads`
// workers; whatever goes wrong becomes part of the report.
void run_chunk(const Crew& crew, std::int64_t chunk, int threads, Evaluator& worker,
               std::size_t& skipped, Stages& spent) {
  const Region region = crew.plan.region(chunk);
  bool computed = false;
  try {
    const double accounted = worker.accounted();
    const Stopwatch evaluating;
    const Chunk result =
        worker.evaluate_parts(crew.plan.graph().result, region, crew.plan.parts(chunk, threads));
    worker.forget();
    spent[Stage::kOther] += evaluating.seconds() - (worker.accounted() - accounted);
    const Stopwatch start;
    computed = true;
    crew.outputs.note_skipped(worker, skipped);
    if (!crew.outputs.write(result, spent)) return crew.state.stop();
    crew.state.done(result.empty(), start.seconds());
  } catch (...) {
    worker.forget();
    if (is_cancelling() || crew.state.cancelled()) return;  // what was given up has failed
    const FailedChunk failed{chunk, region, reason_of_failure()};
    if (!computed && crew.options.keep_going) crew.outputs.note_failed(failed);
    crew.state.failed(chunk, region, failed.reason);
    if (computed) crew.state.unwritten();
  }
}

// A worker's time with chunks of its own, until whose end the others are there to help.
class Ownership {
 public:
  explicit Ownership(PieceBoard& board) : board_(&board) { board.enter(); }
  ~Ownership() { end(); }
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  void end() {
    if (PieceBoard* board = std::exchange(board_, nullptr)) board->leave();
  }

 private:
  PieceBoard* board_;
};

// All that one thread does.
void work(const Crew& crew, int number) {
  const StopAsked stop(crew.options.cancelled);
  Stages spent;  // besides running kernels
  Ownership owner(crew.board);
  if (number == 0) {
    const Stopwatch beginning;
    if (!crew.outputs.begin(crew.plan.chunk_shape(), crew.provenance)) crew.state.stop();
    spent[Stage::kWrite] += beginning.seconds();
  }
  Evaluator worker(crew.plan.graph(), crew.resources, crew.options.cancelled, &crew.board);
  std::size_t skipped = 0;  // images that are noted
  // Parts of a chunk would each ask a server for the blocks that they share.
  const bool in_parts = !crew.plan.graph().reads_remote();
  while (!crew.state.stopped()) {
    const auto chunk = crew.queue.next(number);
    if (!chunk) break;
    const bool last = in_parts && crew.queue.left() < crew.threads;
    run_chunk(crew, *chunk, last ? crew.threads : 1, worker, skipped, spent);
  }
  owner.end();
  spent[Stage::kWait] += crew.board.help([&](std::size_t node, const Request& r) {
    Chunk piece = worker.evaluate_piece(node, r);
    crew.outputs.note_skipped(worker, skipped);
    return piece;
  });
  crew.state.add_worker(worker, spent);
}

// What a user should know of cells that failed chunks lack.
void note_gaps(const CubeInfo& info, Report& report) {
  if (report.failures.empty() || report.outputs.empty()) return;
  for (const BandInfo& band : info.bands) {
    if (band.nodata) continue;
    report.notes.push_back("cells of failed chunks are 0 in band '" + band.name +
                           "', which has no missing value");
  }
}

// Which chunks are not to be computed: those that are done, and those that are not asked for.
std::vector<bool> left_out(std::vector<bool> done, const RunOptions& options, std::int64_t count) {
  if (!options.chunks) return done;
  done.resize(static_cast<std::size_t>(count));
  std::fill(done.begin(), done.begin() + options.chunks->begin, true);
  std::fill(done.begin() + options.chunks->end, done.end(), true);
  return done;
}

// Finishes the outputs of a run that made what they need; one thread does, the others have gone.
void finish(Outputs& outputs, bool keep_going, Report& report) {
  const bool complete = (report.failures.empty() || keep_going) && !report.unwritten;
  const Stopwatch start;
  report.outputs = outputs.finish(complete && !report.cancelled);
  Stages& stages = report.stages;
  stages[Stage::kWrite] += start.seconds();
  stages[Stage::kWait] += (report.threads - 1) * start.seconds();
  const double encoding = std::min(outputs.seconds_encoding(), stages[Stage::kWrite]);
  stages[Stage::kWrite] -= encoding;
  stages[Stage::kEncode] += encoding;
}

}  // namespace

void check_consent(const Graph& graph, const Resources& resources) {
  if (resources.allow_exec) return;
  for (const Graph::Node& node : graph.nodes) {
    const std::string code = node.op->executes();
    if (code.empty()) continue;
    throw Error(ErrorCode::kInvalid, "the graph would run " + code, node.where,
                Resources::kConsent);
  }
}

Report run(const Plan& plan, const Resources& resources,
           std::span<const std::unique_ptr<Sink>> sinks, const Provenance& provenance,
           const RunOptions& options) {
  check_consent(plan.graph(), resources);
  const Stopwatch start;
  RunState state(plan, options);
  Outputs outputs(sinks, options.skipped);
  const int threads = plan.useful(std::max(1, options.threads));
  Claim claim;
  if (options.identity) {
    std::vector<std::string> notes;
    claim = outputs.claim(plan.chunk_shape(), options.identity, notes);
    state.resume(std::ranges::count(claim.done, true), claim.skipped, std::move(notes));
  }
  if (options.begun) options.begun();
  ChunkQueue queue(plan.chunk_counts(), threads,
                   left_out(std::move(claim.done), options, plan.chunks()));
  PieceBoard board;
  const Crew crew{plan, resources, options, provenance, threads, state, outputs, queue, board};
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int number = 0; number < threads; ++number) {
    try {
      work(crew, number);
    } catch (...) {
      state.abort(std::current_exception());
    }
  }
  Report report = state.take();
  report.threads = threads;
  report.of_part = options.chunks.has_value();
  finish(outputs, options.keep_going, report);
  note_gaps(plan.info(), report);
  report.seconds = start.seconds();
  return report;
}

Chunk compute(const Graph& graph, const Resources& resources, const Request& request) {
  check_consent(graph, resources);
  return Evaluator(graph, resources).evaluate(graph.result, request);
}

}  // namespace cube
