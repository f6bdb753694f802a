// Sources, kernels and sinks that fail at their k-th call: what becomes of the run and its outputs.
#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <stdexcept>

#include "engine/error.h"
#include "engine/image_reader.h"
#include "engine/plan.h"
#include "engine/run.h"
#include "tests/memory_sink.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr std::int64_t kSlices = 6;

enum class How { kError, kNoMemory, kOther, kNoException };

// Fails at the k-th call of all threads, from 0; never where k is negative.
class Fault {
 public:
  Fault(int k, How how) : left_(k), how_(how) {}
  void operator()() {
    if (left_-- != 0) return;
    switch (how_) {
      case How::kError:
        throw Error(ErrorCode::kUnreadable, "cannot be read: Input/output error", "a.tif");
      case How::kNoMemory:
        throw std::bad_alloc();
      case How::kOther:
        throw std::runtime_error("other");
      case How::kNoException:
        throw 5;
    }
  }

 private:
  std::atomic<int> left_;
  How how_;
};

const std::vector<std::pair<How, std::string>> kReasons = {
    {How::kError, "a.tif: cannot be read: Input/output error"},
    {How::kNoMemory, "out of memory (fewer threads or smaller chunks take less)"},
    {How::kOther, "other"},
    {How::kNoException, "an unknown exception"}};

CubeInfo slices() {
  CubeInfo info;
  info.grid = {"", 0, 4, 1, 1, 4, 4};
  std::vector<Instant> labels;
  for (int i = 0; i < kSlices; ++i) labels.push_back(Instant(std::chrono::seconds(i)));
  info.time = TimeAxis::labelled(labels);
  info.bands = {{.name = "a", .dtype = DType::kInt16}};
  return info;
}

// Where a source fails.
struct Faults {
  std::shared_ptr<Fault> kernel = std::make_shared<Fault>(-1, How::kError);  // making one
  std::shared_ptr<Fault> run = std::make_shared<Fault>(-1, How::kError);
};

class Source final : public Operator {
 public:
  explicit Source(Faults faults) : Operator(slices()), faults_(std::move(faults)) {}
  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override {
    (*faults_.kernel)();
    return std::make_unique<Fill>(*this);
  }

 private:
  struct Fill final : Kernel {
    explicit Fill(const Source& op) : op_(op) {}
    Chunk run(const Request& request, Inputs&) override {
      (*op_.faults_.run)();
      Block block(request.region, op_.info().bands[0].storage());
      block.cells<std::int16_t>()[0] = 7;
      return {request.region, {share(std::move(block))}};
    }
    const Source& op_;
  };
  Faults faults_;
};

// A sink with a fault in one of its calls.
class FaultySink final : public Sink {
 public:
  enum class Call { kBegin, kWrite, kComplete, kFinish };
  FaultySink(Call call, int k, How how) : call_(call), fault_(k, how) {}
  void begin(const ChunkShape&, const Provenance&) override { pass(Call::kBegin); }
  void write(const Chunk&) override {
    pass(Call::kWrite);
    ++written;
  }
  void complete() override { pass(Call::kComplete); }
  std::vector<std::string> finish() override {
    pass(Call::kFinish);
    finished = true;
    return {"a.tif"};
  }

  std::atomic<int> written = 0;
  bool finished = false;

 private:
  void pass(Call call) {
    if (call == call_) fault_();
  }
  Call call_;
  Fault fault_;
};

Plan plan_of(const Faults& faults, int threads) {
  Graph graph;
  graph.nodes.push_back({"source", "/a", std::make_shared<Source>(faults), {}});
  return Plan(std::move(graph), {.threads = threads, .chunk = ChunkShape{1, 4, 4}});
}

}  // namespace

TEST_CASE("a chunk that cannot be computed is told with its cause, whatever is thrown") {
  for (const auto& [how, reason] : kReasons) {
    for (const int threads : {1, 3}) {
      for (int k = 0; k < kSlices; k += 2) {
        for (const bool keep_going : {false, true}) {
          Faults faults;
          faults.run = std::make_shared<Fault>(k, how);
          const Plan plan = plan_of(faults, threads);
          std::vector<std::unique_ptr<Sink>> sinks;
          sinks.push_back(std::make_unique<test::MemorySink>(plan.info()));
          const Report report =
              run(plan, {}, sinks, {}, {.threads = threads, .keep_going = keep_going});
          REQUIRE(report.failures.size() == 1);
          CHECK(report.failures[0].reason == reason);
          CHECK(report.outputs.empty() == !keep_going);
          CHECK_FALSE(report.unwritten);
          CHECK_FALSE(report.ok());
          const auto& sink = static_cast<const test::MemorySink&>(*sinks[0]);
          if (keep_going) CHECK(sink.cells() == (kSlices - 1) * 16);
          // The band has no missing value, so what its cells hold is said.
          CHECK(report.notes.size() == (keep_going ? 1 : 0));
        }
      }
    }
  }
}

TEST_CASE("kernels that cannot be made fail their chunk") {
  Faults faults;
  faults.kernel = std::make_shared<Fault>(0, How::kNoMemory);
  const Plan plan = plan_of(faults, 2);
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<test::MemorySink>(plan.info()));
  const Report report = run(plan, {}, sinks, {}, {.threads = 2});
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].reason.starts_with("out of memory"));
}

TEST_CASE("a chunk that cannot be written leaves the output unfinished, also when it is to go on") {
  for (const auto& [how, reason] : kReasons) {
    for (const int threads : {1, 3}) {
      for (const bool keep_going : {false, true}) {
        const Plan plan = plan_of({}, threads);
        std::vector<std::unique_ptr<Sink>> sinks;
        sinks.push_back(std::make_unique<FaultySink>(FaultySink::Call::kWrite, 2, how));
        const Report report =
            run(plan, {}, sinks, {}, {.threads = threads, .keep_going = keep_going});
        REQUIRE(report.failures.size() == 1);
        CHECK(report.failures[0].reason == reason);
        CHECK(report.unwritten);
        CHECK(report.outputs.empty());
        const auto& sink = static_cast<const FaultySink&>(*sinks[0]);
        CHECK_FALSE(sink.finished);
        if (threads == 1) CHECK(sink.written == 2);
      }
    }
  }
}

TEST_CASE("sinks that cannot begin, complete or finish end the run with what they threw") {
  using Call = FaultySink::Call;
  for (const Call call : {Call::kBegin, Call::kComplete, Call::kFinish}) {
    for (const int threads : {1, 3}) {
      CAPTURE(threads);
      const Plan plan = plan_of({}, threads);
      std::vector<std::unique_ptr<Sink>> sinks;
      sinks.push_back(std::make_unique<FaultySink>(Call::kBegin, -1, How::kError));
      sinks.push_back(std::make_unique<FaultySink>(call, 0, How::kNoMemory));
      CHECK_THROWS_AS(run(plan, {}, sinks, {}, {.threads = threads}), std::bad_alloc);
      const auto& first = static_cast<const FaultySink&>(*sinks[0]);
      // Nothing gets its name before all outputs are complete.
      CHECK(first.finished == (call == Call::kFinish));
      if (call != Call::kBegin) CHECK(first.written == kSlices);
    }
  }
}

TEST_CASE("work begins when nothing is refused any more") {
  class Refusing final : public Sink {
   public:
    explicit Refusing(bool refuses) : refuses_(refuses) {}
    Claim claim(const ChunkShape&, const RunIdentity&) override {
      if (refuses_) throw Error(ErrorCode::kUnwritable, "another run is writing it", "a.tif");
      return {};
    }
    void begin(const ChunkShape&, const Provenance&) override {}
    void write(const Chunk&) override {}
    std::vector<std::string> finish() override { return {}; }

   private:
    bool refuses_;
  };
  for (const bool refuses : {true, false}) {
    const Plan plan = plan_of({}, 1);
    std::vector<std::unique_ptr<Sink>> sinks;
    sinks.push_back(std::make_unique<Refusing>(refuses));
    int begun = 0;
    RunOptions options;
    options.identity = [](const std::function<void(const Ingredient&)>&) {};
    options.begun = [&] { ++begun; };
    if (refuses) {
      CHECK_THROWS_AS(run(plan, {}, sinks, {}, options), Error);
    } else {
      CHECK(run(plan, {}, sinks, {}, options).ok());
    }
    CHECK(begun == (refuses ? 0 : 1));
  }
}
