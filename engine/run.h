// run: computes a plan's chunks on several threads and hands them to the sinks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/image_reader.h"
#include "engine/operator.h"
#include "engine/plan.h"
#include "engine/resources.h"
#include "engine/sink.h"

namespace cube {

// How far a run has come.
struct Progress {
  std::int64_t chunks_done = 0;     // those of an earlier run counted
  std::int64_t chunks_resumed = 0;  // of these, done by an earlier run
  std::int64_t chunks = 0;
  double seconds = 0;  // since the start
};

struct RunOptions {
  int threads = 1;
  bool keep_going = false;  // a failed chunk does not stop the others
  // Called after each chunk, from any worker, one call at a time.
  std::function<void(const Progress&)> progress = {};
  // Called when a chunk has failed and when an image is left out, once for each, as progress().
  std::function<void(std::int64_t chunk, const Region&, const std::string& reason)> failed = {};
  std::function<void(const SkippedImage&)> skipped = {};
  // Asked often, from any worker; true = stop soon: the sinks are left unfinished.
  std::function<bool()> cancelled = {};
  // What the cells depend on. With it the sinks are claimed (Sink::claim): they go on with what an
  // earlier run has left if they were told to, and a run that is stopped leaves what is done.
  RunIdentity identity = {};
  // Only these chunks are computed, in the order t, y, x; nullopt = all. Reports and progress count
  // no others.
  std::optional<Range> chunks = {};
  // Called once when nothing is refused any more (by claims) and work begins.
  std::function<void()> begun = {};
};

// What happened. Nothing is lost silently: a failure is in here and in the exit status.
struct Report {
  using Failure = FailedChunk;
  struct NodeTime {
    std::string type;
    std::string where;
    double seconds = 0;         // on all threads, without the inputs
    std::int64_t requests = 0;  // how often it ran
    std::int64_t cells = 0;     // cells it made, bands counted
    Stages stages;              // `seconds` by what they went to
  };

  std::int64_t chunks = 0;
  std::int64_t empty_chunks = 0;
  std::int64_t chunks_resumed = 0;  // that an earlier run has done
  std::int64_t chunks_done = 0;     // by both
  std::vector<std::string> notes;   // what a user should know of it
  std::vector<Failure> failures;
  std::vector<SkippedImage> skipped;  // distinct images
  std::vector<NodeTime> nodes;
  ImageReader::Stats reading;
  double seconds = 0;                // from the start until the outputs were finished
  int threads = 1;                   // that worked
  Stages stages;                     // of all threads: about `threads` times `seconds`
  double seconds_write = 0;          // in sinks, on all threads
  std::vector<std::string> outputs;  // files made; empty when the run failed
  bool cancelled = false;            // stopped because RunOptions::cancelled said so
  bool of_part = false;              // RunOptions::chunks: no output is made by it
  bool unwritten = false;            // a chunk could not be written, so that no output is finished

  bool ok() const { return failures.empty() && skipped.empty() && !cancelled; }
};

// Runs `plan` into `sinks`. Finishes the sinks when every chunk is there (or keep_going), else
// leaves them unfinished, so that no half-written output appears. keep_going is about chunks that
// cannot be computed: one that cannot be written ends the run and leaves the sinks unfinished.
// A chunk counts as done by an earlier run when all sinks have it. Once all chunks are there the
// sinks are finished whatever `cancelled` says, none before all are complete.
// A graph that runs code of the user is refused, Error(kInvalid), unless `resources` allows it.
// What goes wrong with a chunk becomes a Failure. Throws Error only for sinks that cannot be
// claimed, begin or finish, and what stands in the way of a worker besides its chunks, such as
// std::bad_alloc.
Report run(const Plan& plan, const Resources& resources,
           std::span<const std::unique_ptr<Sink>> sinks, const Provenance& provenance,
           const RunOptions& options);

// Throws Error(kInvalid) where a graph runs code of the user that `resources` does not allow.
void check_consent(const Graph& graph, const Resources& resources);

// Computes one request of the plan's result on this thread (tests, embedding).
Chunk compute(const Graph& graph, const Resources& resources, const Request& request);

}  // namespace cube
