// Pieces that workers compute for each other, and what a plan says of kernels that pull them.
#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>

#include "engine/piece_board.h"
#include "engine/plan.h"
#include "graphs/document.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;

namespace {

std::vector<Request> pieces(std::int64_t n) {
  std::vector<Request> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back({{{i, i + 1}, {0, 1}, {0, 1}}, {0}});
  return out;
}

// What was computed by whom.
struct Ledger {
  std::mutex mutex;
  std::multiset<std::int64_t> computed;
  std::set<std::thread::id> workers;
  std::atomic<int> held{0};  // computed and not taken
  int most_held = 0;

  Chunk compute(const Request& request) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    const std::lock_guard lock(mutex);
    computed.insert(request.region.t.begin);
    workers.insert(std::this_thread::get_id());
    most_held = std::max(most_held, ++held);
    return {request.region, {}};
  }
};

constexpr int kHelpers = 3;

// One owner that pulls `wanted` while others help; what pull() throws is thrown.
void pull_with_help(PieceBoard& board, const std::vector<Request>& wanted,
                    const PieceBoard::Compute& compute, const PieceBoard::Take& take) {
  board.enter();
  std::vector<std::jthread> helpers;
  for (int i = 0; i < kHelpers; ++i) helpers.emplace_back([&] { board.help(compute); });
  try {
    board.pull(7, wanted, compute, take);
  } catch (...) {
    board.leave();
    throw;
  }
  board.leave();
}

}  // namespace

TEST_CASE("pieces are taken in order, each computed once, by several workers") {
  PieceBoard board;
  Ledger record;
  const auto wanted = pieces(200);
  std::int64_t next = 0;
  pull_with_help(
      board, wanted,
      [&](std::size_t node, const Request& request) {
        CHECK(node == 7);
        return record.compute(request);
      },
      [&](const Chunk& chunk) {
        --record.held;
        CHECK(chunk.region == wanted[static_cast<std::size_t>(next)].region);
        ++next;
      });
  CHECK(next == 200);
  CHECK(record.computed.size() == 200);
  CHECK(std::set<std::int64_t>(record.computed.begin(), record.computed.end()).size() == 200);
  CHECK(record.workers.size() > 1);
  CHECK(record.most_held <= kHelpers + 1);
}

TEST_CASE("an owner without helpers does it alone") {
  PieceBoard board;
  Ledger record;
  int taken = 0;
  board.enter();
  board.pull(
      0, pieces(5), [&](std::size_t, const Request& request) { return record.compute(request); },
      [&](const Chunk&) { ++taken; });
  board.leave();
  CHECK(taken == 5);
  board.help([](std::size_t, const Request&) -> Chunk { throw std::logic_error("nothing to do"); });
}

TEST_CASE("what a piece throws is thrown at its turn, and nothing is taken after it") {
  PieceBoard board;
  std::vector<std::int64_t> taken;
  const auto compute = [](std::size_t, const Request& request) -> Chunk {
    if (request.region.t.begin == 20) throw std::runtime_error("piece 20 is broken");
    return {request.region, {}};
  };
  CHECK_THROWS_WITH(
      pull_with_help(board, pieces(100), compute,
                     [&](const Chunk& chunk) { taken.push_back(chunk.region.t.begin); }),
      "piece 20 is broken");
  CHECK(taken.size() == 20);
  CHECK(taken.back() == 19);
}

TEST_CASE("what take() throws ends the pull") {
  PieceBoard board;
  const auto compute = [](std::size_t, const Request& request) -> Chunk {
    return {request.region, {}};
  };
  CHECK_THROWS_WITH(pull_with_help(board, pieces(50), compute,
                                   [](const Chunk& chunk) {
                                     if (chunk.region.t.begin == 3)
                                       throw std::runtime_error("full");
                                   }),
                    "full");
}

namespace {

// A graph of the mean of a cube of `side` x `side` cells; `shared`: it stands for two inputs of a
// node below.
Graph reduction(int side, bool shared) {
  const std::string size = std::to_string(side);
  const std::string source = R"({"cube_type": "dummy", "nbands": 1, "fill": 1, "view": {"space":
    {"left": 0, "right": )" + size +
                             R"(, "bottom": 0, "top": )" + size +
                             R"(, "dx": 1, "srs": "EPSG:3857"},
    "time": {"t0": "2020-01", "t1": "2020-01", "dt": "P1M"}}})";
  const std::string input = shared ? R"({"cube_type": "join_bands", "in_cubes": ["s", "s"],
    "prefixes": ["", "b"]})"
                                   : std::string(R"("s")");
  const std::string document = R"({"version": 1, "cubes": {"s": )" + source +
                               R"(}, "result": {"cube_type": "reduce_space",
    "reducer_bands": [["mean", "band1"]], "in_cube": )" +
                               input + "}}";
  return compile(Document::parse(document, "."), cube::test::test_operators(), {});
}

std::int64_t peak(const Graph& graph) {
  const Plan plan(graph, {});
  return plan.peak_bytes(graph.result, {graph.info().extent(), {0}});
}

}  // namespace

TEST_CASE("a reduction of a slice is planned for a piece of it, whatever its size") {
  const std::int64_t small = peak(reduction(2048, false));
  CHECK(small >= 512 * 1024 * static_cast<std::int64_t>(sizeof(float)));
  CHECK(peak(reduction(40000, false)) == small);
  CHECK(peak(reduction(40000, true)) < 4 * small);
}

TEST_CASE("many workers on one chunk give what one gives") {
  const Graph graph = reduction(3000, true);
  const auto one = cube::test::computed_by_run(graph, {}, 1);
  CHECK(one[0][0] == 1);
  CHECK(cube::test::difference(one, cube::test::computed_by_run(graph, {}, 6)) == "");
}
