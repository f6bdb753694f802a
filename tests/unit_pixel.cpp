// What the operators on pixels, bands and places pull from their inputs: no more than they need,
// and blocks that nothing changes are shared.
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/evaluator.h"
#include "graphs/document.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using json = nlohmann::json;

namespace {

// Hands out ones for every cell asked for (null for the bands in `missing`) and keeps a log.
class LoggingInputs final : public Inputs {
 public:
  Chunk pull(std::size_t input, const Request& request) override {
    log.push_back({input, request});
    Chunk chunk{request.region, {}};
    for (const std::size_t band : request.bands) {
      Block block(request.region, {DType::kUInt8, 255});
      for (auto& cell : block.cells<std::uint8_t>()) cell = 1;
      chunk.bands.push_back(band == missing ? nullptr : share(std::move(block)));
    }
    given = chunk;
    return chunk;
  }
  ImageReader& images() override { throw Error(ErrorCode::kInternal, "no images here"); }
  void skipped(SkippedImage) override {}

  struct Pull {
    std::size_t input;
    Request request;
  };
  std::vector<Pull> log;
  Chunk given;  // the last
  std::size_t missing = 99;
};

constexpr Region kAll{{0, 4}, {0, 2}, {0, 3}};

// An operator over cubes of bands a, b, c (uint8, nodata 255), 4 slices, 2 rows, 3 columns.
std::shared_ptr<const Operator> make(const std::string& node) {
  const json cells(4, json(2, json(3, 1)));
  const json band = {{"dtype", "uint8"}, {"nodata", 255}, {"cells", cells}};
  const json input = cube::test::inline_node({{"bands", {{"a", band}, {"b", band}, {"c", band}}},
                                              {"time", {{"t0", "2020-01"}, {"dt", "P1M"}}}});
  const json document = {{"version", 1}, {"cubes", {{"s", input}}}, {"result", json::parse(node)}};
  const Graph graph =
      compile(Document::parse(document.dump(), "."), cube::test::test_operators(), {});
  return graph.nodes[graph.result].op;
}

}  // namespace

TEST_CASE(
    "filter_pixel pulls the predicate's bands first, and the rest only where something is kept") {
  const auto op = make(R"({"cube_type": "filter_pixel", "predicate": "b > 0", "in_cube": "s"})");
  CHECK(op->demand({kAll, {0, 2}}, 0).bands == std::vector<std::size_t>{0, 1, 2});
  LoggingInputs inputs;
  const Chunk kept = op->kernel()->run({kAll, {2, 1, 0}}, inputs);
  REQUIRE(inputs.log.size() == 2);
  CHECK(inputs.log[0].request == Request{kAll, {1}});
  CHECK(inputs.log[1].request == Request{kAll, {2, 0}});
  CHECK(kept.bands[0] == inputs.given.bands[0]);  // shared, as every cell is kept
  LoggingInputs without;
  without.missing = 1;
  CHECK(op->kernel()->run({kAll, {2, 0}}, without).empty());
  CHECK(without.log.size() == 1);
}

TEST_CASE("apply_pixel pulls what its formulas and kept bands need") {
  const auto op = make(R"({"cube_type": "apply_pixel", "expr": ["c+a", "ix"], "keep_bands": true,
                           "band_names": ["p", "q"], "in_cube": "s"})");
  CHECK(op->demand({kAll, {3}}, 0) == Request{kAll, {0, 2}});
  CHECK(op->demand({kAll, {1, 3}}, 0) == Request{kAll, {0, 1, 2}});
  CHECK(op->demand({kAll, {4}}, 0).region.empty());
  CHECK_FALSE(op->passes_emptiness());
  LoggingInputs inputs;
  const Chunk out = op->kernel()->run({kAll, {4, 1}}, inputs);
  CHECK(inputs.log.size() == 1);
  CHECK(out.bands[1] == inputs.given.bands[0]);
  LoggingInputs none;
  CHECK_FALSE(op->kernel()->run({kAll, {4}}, none).empty());
  CHECK(none.log.empty());
}

TEST_CASE("apply_pixel passes emptiness on when no formula sees missing cells") {
  const auto op = make(R"({"cube_type": "apply_pixel", "expr": ["c+a"], "in_cube": "s"})");
  CHECK(op->passes_emptiness());
}

TEST_CASE("rename_bands passes blocks through") {
  const auto op =
      make(R"({"cube_type": "rename_bands", "band_names": {"a": "z"}, "in_cube": "s"})");
  LoggingInputs inputs;
  const Chunk out = op->kernel()->run({kAll, {0}}, inputs);
  CHECK(out.bands[0] == inputs.given.bands[0]);
  CHECK(op->demand({kAll, {0}}, 0) == Request{kAll, {0}});
}

TEST_CASE("select_time pulls slices that follow each other at once, and no others") {
  const auto op = make(
      R"({"cube_type": "select_time", "t": ["2020-01", "2020-03", "2020-04"], "in_cube": "s"})");
  const Region three{{0, 3}, {0, 2}, {1, 2}};
  LoggingInputs inputs;
  op->kernel()->run({three, {1}}, inputs);
  REQUIRE(inputs.log.size() == 2);
  CHECK(inputs.log[0].request == Request{{{0, 1}, {0, 2}, {1, 2}}, {1}});
  CHECK(inputs.log[1].request == Request{{{2, 4}, {0, 2}, {1, 2}}, {1}});
  CHECK(op->demand({three, {1}}, 0).region.t == Range{0, 4});
  CHECK(op->demand({{{1, 3}, {0, 2}, {1, 2}}, {1}}, 0).region.t == Range{2, 4});
}

TEST_CASE("crop pulls the part inside the cube, or nothing") {
  const auto op =
      make(R"({"cube_type": "crop", "ix_min": 2, "ix_max": 9, "iy_min": -1, "in_cube": "s"})");
  LoggingInputs inputs;
  const Chunk out = op->kernel()->run({{{0, 4}, {0, 3}, {0, 8}}, {0}}, inputs);
  REQUIRE(inputs.log.size() == 1);
  CHECK(inputs.log[0].request.region == Region{{0, 4}, {0, 2}, {2, 3}});
  std::vector<double> scratch;
  CHECK(out.bands[0]->row(3, 1, scratch)[0] == 1);
  CHECK(std::isnan(out.bands[0]->row(3, 0, scratch)[0]));
  CHECK(op->kernel()->run({{{0, 4}, {0, 3}, {1, 8}}, {0}}, inputs).empty());
  CHECK(inputs.log.size() == 1);
  CHECK(op->demand({{{0, 4}, {0, 3}, {1, 8}}, {0}}, 0).region.empty());
}

TEST_CASE("join_bands pulls only cubes whose bands are asked for") {
  const auto op =
      make(R"({"cube_type": "join_bands", "in_cubes": ["s", "s"], "prefixes": ["p", "q"]})");
  LoggingInputs inputs;
  const Chunk out = op->kernel()->run({kAll, {5, 3}}, inputs);
  REQUIRE(inputs.log.size() == 1);
  CHECK(inputs.log[0].input == 1);
  CHECK(inputs.log[0].request == Request{kAll, {2, 0}});
  CHECK(out.bands[1] == inputs.given.bands[1]);
  CHECK(op->demand({kAll, {5, 3}}, 0).region.empty());
}

TEST_CASE("the examples of these operators compute as they stand") {
  const Registry registry = builtin_operators();
  for (const char* id : {"apply_pixel", "filter_pixel", "rename_bands", "select_time", "crop",
                         "join_bands", "select_bands"}) {
    INFO(id);
    const Graph graph =
        compile(Document::parse(registry.find(id)->example, "."), cube::test::test_operators(), {});
    Request all{graph.info().extent(), {0}};
    Evaluator evaluator(graph, {});
    CHECK_NOTHROW(evaluator.evaluate(graph.result, all));
  }
}
