// Runs of cubes: into outputs, into sinks, and chunk by chunk into functions of the caller.
#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <mutex>

#include "api/cube_state.h"
#include "api/identity.h"
#include "api/plan_options.h"
#include "api/provenance.h"

namespace cube {

namespace {

// Calls functions of the caller from workers. The first exception of one is kept, and asks the run
// to stop. Thread rule: any thread.
class CallerFunctions {
 public:
  template <class F, class... Args>
  void call(const F& function, const Args&... args) {
    try {
      function(args...);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
      failed_ = true;
    }
  }

  // The options with all functions called in this way. REQUIRES: both outlive the result.
  RunOptions guarded(const RunOptions& options) {
    RunOptions out = options;
    if (options.progress) {
      out.progress = [&](const Progress& progress) { call(options.progress, progress); };
    }
    if (options.failed) {
      out.failed = [&](std::int64_t chunk, const Region& region, const std::string& reason) {
        call(options.failed, chunk, region, reason);
      };
    }
    if (options.skipped) {
      out.skipped = [&](const SkippedImage& image) { call(options.skipped, image); };
    }
    out.cancelled = [&] {
      bool stop = false;
      if (options.cancelled) call([&] { stop = options.cancelled(); });
      return stop || failed_;
    };
    return out;
  }

  // REQUIRES: the workers are gone.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> failed_ = false;
  std::exception_ptr first_;
};

// Hands chunks to a function.
class FunctionSink final : public Sink {
 public:
  explicit FunctionSink(std::function<void(const Chunk&)> use) : use_(std::move(use)) {}

  void begin(const ChunkShape& /*tiling*/, const Provenance& /*provenance*/) override {}
  void write(const Chunk& chunk) override { use_(chunk); }
  std::vector<std::string> finish() override { return {}; }

 private:
  std::function<void(const Chunk&)> use_;
};

}  // namespace

Report Cube::for_each_chunk(const std::function<void(const Cells&)>& use,
                            const RunOptions& options) const {
  CallerFunctions caller;
  const std::vector<std::size_t> bands = state_->wanted({}, {});
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<FunctionSink>(
      [&](const Chunk& chunk) { caller.call(use, Cells(state_->info, bands, chunk)); }));
  RunOptions all = caller.guarded(options);
  all.threads = plan().threads();
  Report report = cube::run(plan(), state_->resources, sinks, {}, all);
  caller.rethrow();
  return report;
}

Report Cube::write(const std::vector<OutputSpec>& outputs, const RunOptions& options) const {
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.reserve(outputs.size());
  for (const OutputSpec& output : outputs) sinks.push_back(make_sink(output, info()));
  const bool resumes = std::ranges::any_of(outputs, &OutputSpec::resume);
  if (!resumes || options.identity) return run(sinks, options);
  RunOptions all = options;
  all.identity = identity_of(
      document(), graph_without_secrets(document(), state_->environment->operators), graph());
  return run(sinks, all);
}

Report Cube::run(std::span<const std::unique_ptr<Sink>> sinks, const RunOptions& options) const {
  const std::string text = graph_without_secrets(document(), state_->environment->operators);
  const Provenance provenance =
      provenance_of(document(), text, graph(), inputs_of(document(), text, graph()));
  const Plan plan(graph(), with_sinks(state_->plan_options(), sinks));
  state_->keep_blocks(plan);
  CallerFunctions caller;
  RunOptions all = caller.guarded(options);
  all.threads = plan.threads();
  Report report = cube::run(plan, state_->resources, sinks, provenance, all);
  caller.rethrow();
  return report;
}

void check(const Report& report) {
  if (report.ok()) return;
  if (report.cancelled) throw Error(ErrorCode::kCancelled, "the run was stopped");
  if (report.failures.empty()) {
    const SkippedImage& image = report.skipped.front();
    throw Error(ErrorCode::kUnreadable, "image " + image.image + " was left out: " + image.reason);
  }
  const Report::Failure& first = report.failures.front();
  throw Error(report.unwritten ? ErrorCode::kUnwritable : ErrorCode::kUnreadable,
              "chunk " + std::to_string(first.chunk) + " (" + to_text(first.region) +
                  ") failed: " + first.reason);
}

}  // namespace cube
