// Plan and run over small operators made here: tiling, budgets, shared nodes, failures.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "engine/chunk_queue.h"
#include "engine/plan.h"
#include "engine/run.h"
#include "tests/memory_sink.h"
#include "tests/support.h"

using namespace cube;

namespace {

CubeInfo small_cube(std::int64_t nt, std::int64_t ny, std::int64_t nx) {
  CubeInfo info;
  info.grid = {"", 0, static_cast<double>(ny), 1, 1, nx, ny};
  std::vector<Instant> labels;
  for (std::int64_t i = 0; i < nt; ++i) labels.push_back(Instant(std::chrono::seconds(i)));
  info.time = TimeAxis::labelled(labels);
  info.bands = {{.name = "a", .dtype = DType::kFloat64}};
  info.bands[0].nodata = std::numeric_limits<double>::quiet_NaN();
  return info;
}

// Cell (t, y, x) is 10000 t + 100 y + x; fails in one slice when told to; counts its runs.
class Numbers final : public Operator {
 public:
  explicit Numbers(CubeInfo info, std::int64_t bad_slice = -1)
      : Operator(std::move(info)), bad_slice_(bad_slice) {
    for (std::int64_t t = 0; t < this->info().time.size(); ++t) {
      names_.push_back("file" + std::to_string(t));
    }
  }
  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Fill>(*this); }
  Cost cost(const Request& request) const override {
    Cost cost;
    cost.empty = request.region.t.begin > 1;
    cost.read_bytes = request.region.cells();
    cost.files = {names_[static_cast<std::size_t>(request.region.t.begin)]};
    return cost;
  }
  mutable std::atomic<int> runs = 0;

 private:
  struct Fill final : Kernel {
    explicit Fill(const Numbers& op) : op_(op) {}
    Chunk run(const Request& request, Inputs&) override {
      ++op_.runs;
      if (request.region.t.contains(op_.bad_slice_)) throw std::runtime_error("slice is bad");
      Block block(request.region, op_.info().bands[0].storage());
      std::vector<double> row(static_cast<std::size_t>(request.region.x.size()));
      for (auto t = request.region.t.begin; t < request.region.t.end; ++t) {
        for (auto y = request.region.y.begin; y < request.region.y.end; ++y) {
          for (std::size_t i = 0; i < row.size(); ++i) {
            const auto x = request.region.x.begin + static_cast<std::int64_t>(i);
            row[i] = static_cast<double>(10000 * t + 100 * y + x);
          }
          block.set_row(t, y, row);
        }
      }
      return {request.region, {share(std::move(block))}};
    }
    const Numbers& op_;
  };
  std::int64_t bad_slice_;
  std::vector<std::string> names_;  // of files, one a slice
};

// Sum of two inputs of the same shape.
class Sum final : public Operator {
 public:
  explicit Sum(CubeInfo info) : Operator(std::move(info)) {}
  Request demand(const Request& out, std::size_t) const override { return out; }
  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Add>(); }

 private:
  struct Add final : Kernel {
    Chunk run(const Request& request, Inputs& inputs) override {
      const Chunk a = inputs.pull(0, request);
      const Chunk b = inputs.pull(1, request);
      Block out(request.region, a.bands[0]->storage());
      std::vector<double> left, right, row;
      for (auto t = request.region.t.begin; t < request.region.t.end; ++t) {
        for (auto y = request.region.y.begin; y < request.region.y.end; ++y) {
          const auto p = a.bands[0]->row(t, y, left);
          const auto q = b.bands[0]->row(t, y, right);
          row.assign(p.begin(), p.end());
          for (std::size_t i = 0; i < row.size(); ++i) row[i] += q[i];
          out.set_row(t, y, row);
        }
      }
      return {request.region, {share(std::move(out))}};
    }
  };
};

// Its input, as it comes.
class Same final : public Operator {
 public:
  explicit Same(CubeInfo info) : Operator(std::move(info)) {}
  Request demand(const Request& out, std::size_t) const override { return out; }
  std::unique_ptr<Kernel> kernel() const override { return nullptr; }
};

Graph diamond(std::shared_ptr<const Operator> source) {
  Graph graph;
  const CubeInfo info = source->info();
  graph.nodes.push_back({"numbers", "/a", std::move(source), {}});
  graph.nodes.push_back({"sum", "", std::make_shared<Sum>(info), {0, 0}});
  graph.result = 1;
  return graph;
}

// Takes its time to begin, or fails to; counts what is written too early.
class SlowSink final : public Sink {
 public:
  SlowSink(std::shared_ptr<Numbers> source, bool fails)
      : source_(std::move(source)), fails_(fails) {}
  void begin(const ChunkShape&, const Provenance&) override {
    for (int wait = 0; wait < 200 && source_->runs < 1; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    computed_meanwhile = source_->runs > 0;
    if (fails_) throw Error(ErrorCode::kUnwritable, "cannot begin", "slow.tif");
    begun_ = true;
  }
  void write(const Chunk&) override { early += begun_ ? 0 : 1; }
  std::vector<std::string> finish() override { return {"slow.tif"}; }

  std::atomic<int> early = 0;
  bool computed_meanwhile = false;

 private:
  std::shared_ptr<Numbers> source_;
  bool fails_;
  std::atomic<bool> begun_ = false;
};

std::vector<std::unique_ptr<Sink>> one_sink(const Plan& plan) {
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<test::MemorySink>(plan.info()));
  return sinks;
}

const test::MemorySink& memory(const std::vector<std::unique_ptr<Sink>>& sinks) {
  return static_cast<const test::MemorySink&>(*sinks[0]);
}

}  // namespace

TEST_CASE("chunks tile the cube exactly once, for any shape and thread count") {
  for (const ChunkShape shape : {ChunkShape{1, 1, 1}, ChunkShape{2, 3, 5}, ChunkShape{9, 9, 99}}) {
    for (const int threads : {1, 4}) {
      const Plan plan(diamond(std::make_shared<Numbers>(small_cube(3, 7, 11))),
                      {.threads = threads, .chunk = shape});
      const auto sinks = one_sink(plan);
      const Report report = run(plan, {}, sinks, {}, {.threads = threads});
      CHECK(report.ok());
      CHECK(memory(sinks).finished());
      CHECK(memory(sinks).cells() == 3 * 7 * 11);
      const Block& sum = memory(sinks).bands()[0];
      for (std::int64_t t = 0; t < 3; ++t) {
        for (std::int64_t y = 0; y < 7; ++y) {
          for (std::int64_t x = 0; x < 11; ++x) {
            CHECK(sum.cells<double>()[sum.offset(t, y, x)] ==
                  2.0 * static_cast<double>(10000 * t + 100 * y + x));
          }
        }
      }
    }
  }
}

TEST_CASE("a node with two consumers is computed once a chunk") {
  const auto source = std::make_shared<Numbers>(small_cube(2, 4, 4));
  const Plan plan(diamond(source), {.threads = 1, .chunk = ChunkShape{1, 4, 4}});
  const auto sinks = one_sink(plan);
  const Report report = run(plan, {}, sinks, {}, {});
  CHECK(source->runs == 2);
  CHECK(report.nodes[0].requests == 2);
  CHECK(report.nodes[1].cells == 2 * 4 * 4);
}

TEST_CASE("a failed chunk is reported and leaves no output") {
  const Plan plan(diamond(std::make_shared<Numbers>(small_cube(3, 2, 2), 1)),
                  {.threads = 1, .chunk = ChunkShape{1, 2, 2}});
  const auto sinks = one_sink(plan);
  const Report report = run(plan, {}, sinks, {}, {});
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].chunk == 1);
  CHECK(report.failures[0].reason == "slice is bad");
  CHECK(report.outputs.empty());
  CHECK_FALSE(memory(sinks).finished());
}

TEST_CASE("sinks begin while others compute, and before anything is written") {
  const auto source = std::make_shared<Numbers>(small_cube(8, 2, 2));
  const Plan plan(diamond(source), {.threads = 2, .chunk = ChunkShape{1, 2, 2}});
  std::vector<std::unique_ptr<Sink>> sinks;
  SUBCASE("all chunks are written") {
    sinks.push_back(std::make_unique<SlowSink>(source, false));
    const Report report = run(plan, {}, sinks, {}, {.threads = 2});
    CHECK(report.ok());
    CHECK(report.outputs == std::vector<std::string>{"slow.tif"});
    CHECK(source->runs == 8);
  }
  SUBCASE("a sink that cannot begin ends the run") {
    sinks.push_back(std::make_unique<SlowSink>(source, true));
    CHECK_THROWS_WITH_AS(run(plan, {}, sinks, {}, {.threads = 2}), "slow.tif: cannot begin", Error);
    CHECK(source->runs == 1);
  }
  const auto& sink = static_cast<const SlowSink&>(*sinks[0]);
  CHECK(sink.computed_meanwhile);
  CHECK(sink.early == 0);
}

TEST_CASE("with keep_going the other chunks are made") {
  const Plan plan(diamond(std::make_shared<Numbers>(small_cube(3, 2, 2), 1)),
                  {.threads = 1, .chunk = ChunkShape{1, 2, 2}});
  const auto sinks = one_sink(plan);
  const Report report = run(plan, {}, sinks, {}, {.keep_going = true});
  CHECK(report.failures.size() == 1);
  CHECK_FALSE(report.ok());
  CHECK(memory(sinks).cells() == 2 * 2 * 2);
}

TEST_CASE("a run that is asked to stop leaves its sinks unfinished") {
  const auto source = std::make_shared<Numbers>(small_cube(4, 2, 2));
  const Plan plan(diamond(source), {.threads = 1, .chunk = ChunkShape{1, 2, 2}});
  RunOptions options;
  options.cancelled = [&] { return source->runs >= 2; };
  SUBCASE("between chunks and, at a pull, within one") {}
  SUBCASE("keep_going is about failures only") { options.keep_going = true; }
  const auto sinks = one_sink(plan);
  const Report report = run(plan, {}, sinks, {}, options);
  CHECK(report.cancelled);
  CHECK_FALSE(report.ok());
  CHECK(report.failures.empty());
  CHECK(report.outputs.empty());
  CHECK(source->runs == 2);
  CHECK_FALSE(memory(sinks).finished());
}

TEST_CASE("a run that is done before it is asked to stop is done") {
  const Plan plan(diamond(std::make_shared<Numbers>(small_cube(2, 2, 2))),
                  {.threads = 1, .chunk = ChunkShape{1, 2, 2}});
  RunOptions options;
  bool stop = false;
  options.progress = [&](const Progress& progress) { stop = progress.chunks_done == 2; };
  options.cancelled = [&] { return stop; };
  const auto sinks = one_sink(plan);
  const Report report = run(plan, {}, sinks, {}, options);
  CHECK(report.ok());
  CHECK(memory(sinks).finished());
}

TEST_CASE("progress counts every chunk") {
  const Plan plan(diamond(std::make_shared<Numbers>(small_cube(4, 2, 2))),
                  {.threads = 2, .chunk = ChunkShape{1, 2, 2}});
  std::int64_t calls = 0;
  std::int64_t last = 0;
  RunOptions options{.threads = 2};
  options.progress = [&](const Progress& p) {
    ++calls;
    last = p.chunks_done;
    CHECK(p.chunks == 4);
  };
  run(plan, {}, one_sink(plan), {}, options);
  CHECK(calls == 4);
  CHECK(last == 4);
}

TEST_CASE("the chunk shape shrinks until the budget holds, and says so") {
  const auto source = std::make_shared<Numbers>(small_cube(1, 4096, 4096));
  const PlanOptions roomy{
      .threads = 2, .memory_bytes = std::int64_t{4} << 30, .chunk = ChunkShape{1, 4096, 4096}};
  CHECK_FALSE(Plan(diamond(source), roomy).chunk_reduced());
  PlanOptions tight = roomy;
  tight.memory_bytes = std::int64_t{256} << 20;
  const Plan reduced(diamond(source), tight);
  CHECK(reduced.chunk_reduced());
  CHECK(reduced.estimate().peak_bytes <= tight.memory_bytes);
  // Of an odd size too, chunks hold whole tiles of outputs.
  const auto odd = std::make_shared<Numbers>(small_cube(1, 5491, 5489));
  const Plan tiled(
      diamond(odd),
      {.threads = 2, .memory_bytes = std::int64_t{256} << 20, .chunk = ChunkShape{1, 5491, 5489}});
  CHECK(tiled.chunk_shape().y < 5491);
  CHECK(tiled.chunk_shape().y % 256 == 0);
  CHECK((tiled.chunk_shape().x == 5489 || tiled.chunk_shape().x % 256 == 0));
  tight.memory_bytes = 1 << 20;
  const std::string error = test::error_of([&] { Plan(diamond(source), tight); });
  const std::string start =
      "--memory: a memory budget of 1 MB is too small for this graph (it takes ";
  CHECK(error.starts_with(start));
  CHECK(error.ends_with("M)"));
  // The number that is said is enough, and little less is not.
  const std::int64_t said = std::stoll(error.substr(start.size())) << 20;
  tight.memory_bytes = said;
  CHECK_NOTHROW(Plan(diamond(source), tight));
  tight.memory_bytes = said - (std::int64_t{2} << 20);
  CHECK_THROWS(Plan(diamond(source), tight));
}

// Slices of which `filled` have cells, stored in blocks.
class Sparse final : public Operator {
 public:
  Sparse(CubeInfo info, std::int64_t filled, ChunkShape blocks)
      : Operator(std::move(info)), filled_(filled), blocks_(blocks) {}
  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override { return nullptr; }
  std::optional<StoredBlocks> stored_blocks() const override {
    return StoredBlocks{.shape = blocks_};
  }
  Cost cost(const Request&) const override {
    Cost cost;
    cost.filled_slices = filled_;
    return cost;
  }

 private:
  std::int64_t filled_;
  ChunkShape blocks_;
};

// Makes one slice of all, pulling 5 at a time and keeping the others or not.
class OneSlice final : public Operator {
 public:
  OneSlice(CubeInfo info, std::int64_t slices, bool keeps)
      : Operator(std::move(info)), slices_(slices), keeps_(keeps) {}
  Request demand(const Request& out, std::size_t) const override {
    return {{{0, slices_}, out.region.y, out.region.x}, out.bands};
  }
  std::optional<PullPlan> pulls(const Request&, std::size_t) const override {
    return PullPlan{5, keeps_ ? slices_ : 0};
  }
  std::unique_ptr<Kernel> kernel() const override { return nullptr; }

 private:
  std::int64_t slices_;
  bool keeps_;
};

Graph pulled_in_slices(std::int64_t filled, bool keeps, ChunkShape blocks = {1, 1, 1}) {
  Graph graph;
  const CubeInfo all = small_cube(100, 2048, 4096);
  graph.nodes.push_back({"sparse", "/a", std::make_shared<Sparse>(all, filled, blocks), {}});
  graph.nodes.push_back({"rename", "/b", std::make_shared<Same>(all), {0}});
  graph.nodes.push_back(
      {"one", "", std::make_shared<OneSlice>(small_cube(1, 2048, 4096), 100, keeps), {1}});
  graph.result = 2;
  return graph;
}

TEST_CASE("workers get neighbouring chunks, each once, and take over what others leave") {
  for (const ChunkShape counts : {ChunkShape{0, 1, 1}, ChunkShape{1, 1, 1}, ChunkShape{2, 1, 3},
                                  ChunkShape{3, 5, 4}, ChunkShape{1, 2, 50}}) {
    for (const int workers : {1, 2, 3, 8}) {
      ChunkQueue queue(counts, workers);
      std::vector<int> given(static_cast<std::size_t>(counts.cells()));
      // The last worker is slow: it comes once for three times of each other.
      for (int round = 0; round < 600; ++round) {
        const int worker = round % (3 * workers) == 0 ? workers - 1 : round % workers;
        if (const auto chunk = queue.next(worker)) ++given[static_cast<std::size_t>(*chunk)];
      }
      CHECK(std::ranges::count(given, 1) == counts.cells());
    }
  }
  ChunkQueue queue({1, 1, 10}, 2);
  CHECK(queue.next(0) == 0);
  CHECK(queue.next(1) == 5);  // of 1 to 9 the second half
  CHECK(queue.next(0) == 1);
  for (int i = 6; i < 10; ++i) CHECK(queue.next(1) == i);
  CHECK(queue.next(1) == 3);  // of 2, 3, 4 the second half
  CHECK(queue.next(0) == 2);
  CHECK(queue.next(0) == 4);
  CHECK_FALSE(queue.next(0).has_value());
  CHECK_FALSE(queue.next(1).has_value());
}

TEST_CASE("chunks that were done before are left out") {
  for (const int workers : {1, 2, 3}) {
    std::vector<bool> done(40);
    for (const std::size_t i : {0U, 1U, 2U, 7U, 8U, 9U, 20U, 39U}) done[i] = true;
    ChunkQueue queue({2, 4, 5}, workers, done);
    CHECK(queue.left() == 32);
    std::set<std::int64_t> given;
    for (bool any = true; any;) {
      any = false;
      for (int worker = 0; worker < workers; ++worker) {
        const auto chunk = queue.next(worker);
        if (!chunk) continue;
        any = true;
        CHECK(!done[static_cast<std::size_t>(*chunk)]);
        CHECK(given.insert(*chunk).second);
      }
    }
    CHECK(given.size() == 32);
    CHECK(queue.left() == 0);
  }
  ChunkQueue none({1, 2, 2}, 2, std::vector<bool>(4, true));
  CHECK(none.left() == 0);
  CHECK(!none.next(0));
}

TEST_CASE("a lone worker goes through pairs of rows, to the right and back") {
  ChunkQueue queue({2, 3, 3}, 1);
  std::vector<std::int64_t> steps;
  while (const auto chunk = queue.next(0)) steps.push_back(*chunk);
  CHECK(steps == std::vector<std::int64_t>{0, 3, 4, 1, 2, 5, 8, 7, 6,  //
                                           9, 12, 13, 10, 11, 14, 17, 16, 15});
}

TEST_CASE("several workers go along rows side by side") {
  ChunkQueue queue({1, 5, 3}, 2);
  std::vector<std::int64_t> steps;
  for (int i = 0; i < 15; ++i) steps.push_back(queue.next(i % 2).value_or(-1));
  CHECK(steps == std::vector<std::int64_t>{0, 3, 1, 4, 2, 5,    // rows 0 and 1
                                           8, 11, 7, 10, 6, 9,  // 2 and 3, back
                                           12, 14, 13});        // 4, and its second half
}

namespace {

// Column x of row y of a cube of one slice is y + x; waits in each call until two threads have been
// there, or 20 s.
class Meeting final : public Operator {
 public:
  explicit Meeting(CubeInfo info) : Operator(std::move(info)) {}
  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Wait>(*this); }
  // Of which parts take less than the whole.
  Cost cost(const Request& request) const override {
    return {.scratch_bytes = request.region.cells() * 8, .read_bytes = request.region.cells() * 8};
  }

  struct Wait final : Kernel {
    explicit Wait(const Meeting& op) : op_(op) {}
    Chunk run(const Request& request, Inputs&) override {
      std::unique_lock lock(op_.mutex_);
      op_.threads_.insert(std::this_thread::get_id());
      op_.came_.notify_all();
      op_.came_.wait_for(lock, std::chrono::seconds(20), [&] { return op_.threads_.size() > 1; });
      lock.unlock();
      Block block(request.region, op_.info().bands[0].storage());
      std::vector<double> row(static_cast<std::size_t>(request.region.x.size()));
      for (auto y = request.region.y.begin; y < request.region.y.end; ++y) {
        std::iota(row.begin(), row.end(), static_cast<double>(y + request.region.x.begin));
        block.set_row(0, y, row);
      }
      return {request.region, {share(std::move(block))}};
    }
    const Meeting& op_;
  };

  std::size_t met() const { return threads_.size(); }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  mutable std::set<std::thread::id> threads_;
};

}  // namespace

TEST_CASE("who has no chunk left helps with the last, which stays what it is") {
  const auto source = std::make_shared<Meeting>(small_cube(1, 300, 50));
  Graph graph;
  graph.nodes.push_back({"meeting", "", source, {}});
  const Plan plan(graph, {.threads = 3, .chunk = ChunkShape{1, 300, 50}});
  CHECK(plan.chunks() == 1);
  CHECK(plan.useful(3) == 3);
  const std::vector<Request> parts = plan.parts(0, 3);
  CHECK(parts.size() == 4);  // of at least 64 rows
  CHECK(parts.front().region.y.begin == 0);
  CHECK(parts.back().region.y.end == 300);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    CHECK(parts[i].region.y.begin == parts[i - 1].region.y.end);
  }
  CHECK(plan.parts(0, 1).size() == 1);
  const auto sinks = one_sink(plan);
  CHECK(run(plan, {}, sinks, {}, {.threads = 3}).ok());
  CHECK(source->met() > 1);
  const Block& made = memory(sinks).bands()[0];
  for (std::int64_t y = 0; y < 300; ++y) {
    for (std::int64_t x = 0; x < 50; ++x) {
      CHECK(made.cells<double>()[made.offset(0, y, x)] == static_cast<double>(y + x));
    }
  }
}

TEST_CASE("a chunk is not cut where its parts would take more memory, or read more") {
  class Window final : public Operator {
   public:
    Window(CubeInfo info, std::int64_t halo, std::int64_t scratch)
        : Operator(std::move(info)), halo_(halo), scratch_(scratch) {}
    Request demand(const Request&, std::size_t) const override { return {}; }
    std::unique_ptr<Kernel> kernel() const override { return nullptr; }
    Cost cost(const Request& request) const override {
      const Region& r = request.region;
      return {.scratch_bytes = scratch_ * r.cells(),
              .read_bytes = (r.y.size() + 2 * halo_) * r.x.size()};
    }

   private:
    std::int64_t halo_;
    std::int64_t scratch_;
  };
  const auto parts = [](std::int64_t halo, std::int64_t scratch) {
    Graph graph;
    graph.nodes.push_back(
        {"window", "", std::make_shared<Window>(small_cube(1, 256, 100), halo, scratch), {}});
    return Plan(graph, {.threads = 2, .chunk = ChunkShape{1, 256, 100}}).parts(0, 2).size();
  };
  CHECK(parts(2, 8) == 4);   // 4 x 68 rows are read in place of 260
  CHECK(parts(20, 8) == 1);  // 4 x 104 of 296
  // Parts are put together in a block as large as the chunk's own: the memory for one of them has
  // to be what the chunk's scratch takes.
  CHECK(parts(2, 0) == 1);
}

TEST_CASE("what is pulled a few slices at a time counts so; what is kept counts as far as filled") {
  const Request chunk{{{0, 1}, {0, 10}, {0, 10}}, {0}};
  constexpr std::int64_t kSlice = 10 * 10 * 8;
  const auto peak = [&](std::int64_t filled, bool keeps) {
    return Plan(pulled_in_slices(filled, keeps), {}).peak_bytes(2, chunk) / kSlice;
  };
  CHECK(peak(100, false) == 1 + 5 + 5);       // the result, and slices of both inputs
  CHECK(peak(100, true) == 1 + 100 + 5 + 5);  // and all that was pulled before
  CHECK(peak(3, true) == 1 + 15 + 5 + 5);     // each filled slice may come with four others
}

TEST_CASE("chunks are whole blocks of the sources, where the user wants no others") {
  const auto shape = [](ChunkShape blocks, PlanOptions options = {}) {
    options.memory_bytes = std::int64_t{64} << 30;
    return Plan(pulled_in_slices(1, false, blocks), options).chunk_shape();
  };
  CHECK(shape({1, 512, 512}) == ChunkShape{1, 1024, 1024});
  CHECK(shape({1, 1024, 1024}) == ChunkShape{1, 1024, 1024});
  CHECK(shape({1, 300, 200}) == ChunkShape{1, 1200, 800});
  CHECK(shape({1, 8, 4096}) == ChunkShape{1, 256, 4096});
  CHECK(shape({1, 2048, 4096}) == ChunkShape{1, 2048, 2048});  // too large for a chunk
  CHECK(shape({1, 300, 200}, {.chunk = ChunkShape{1, 7, 9}}) == ChunkShape{1, 7, 9});
}

TEST_CASE("the estimate counts chunks, empty chunks, files and bytes without running") {
  const auto source = std::make_shared<Numbers>(small_cube(4, 4, 4));
  const Plan plan(diamond(source), {.threads = 1, .chunk = ChunkShape{1, 4, 2}});
  const Plan::Estimate estimate = plan.estimate();
  CHECK(estimate.chunks == 8);
  CHECK(estimate.empty_chunks == 4);        // slices 2 and 3
  CHECK(estimate.read_bytes == 4 * 4 * 4);  // once, though two consumers read it
  CHECK(estimate.files == 1);
  CHECK(estimate.result_bytes == 4 * 4 * 4 * 8);
  CHECK(source->runs == 0);
}
