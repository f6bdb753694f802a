// Promise 1 on real imagery: any chunk shape and any number of threads give identical cells.
// Random small graphs over the Landsat archive; the seed of a failing case is printed.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "catalog/catalog.h"
#include "engine/gdal/raster_info.h"
#include "engine/image_reader.h"
#include "engine/run.h"
#include "graphs/document.h"
#include "tests/memory_sink.h"
#include "tests/support.h"

using namespace cube;

namespace {

using Json = nlohmann::json;

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  std::int64_t number(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  std::string one_of(const std::vector<std::string>& options) {
    return options[static_cast<std::size_t>(
        number(0, static_cast<std::int64_t>(options.size()) - 1))];
  }

 private:
  std::mt19937 random_;
};

Json random_view(Dice& dice) {
  struct Frame {
    const char* srs;
    double left, bottom, right, top;
  };
  static const std::vector<Frame> kFrames = {{"EPSG:32618", 388941, 4345299, 766552, 4744931},
                                             {"EPSG:3857", -8492424, 4756965, -8004924, 5284465},
                                             {"EPSG:4326", -76.3, 39.2, -71.9, 42.9},
                                             {"EPSG:32617", 900000, 4345299, 1260000, 4744931}};
  const Frame& frame = kFrames[static_cast<std::size_t>(dice.number(0, 3))];
  return {
      {"aggregation",
       dice.one_of({"none", "first", "min", "max", "mean", "median", "count_values"})},
      {"resampling", dice.one_of({"near", "bilinear", "cubic", "lanczos", "average", "sum", "mode",
                                  "max", "med"})},
      {"space",
       {{"left", frame.left},
        {"right", frame.right},
        {"bottom", frame.bottom},
        {"top", frame.top},
        {"nx", dice.number(5, 60)},
        {"ny", dice.number(5, 60)},
        {"srs", frame.srs}}},
      {"time",
       {{"t0", "2018-01"}, {"t1", "2018-12"}, {"dt", dice.one_of({"P1M", "P3M", "P1Y", "P16D"})}}}};
}

Json random_source(Dice& dice) {
  Json collection = {
      {"cube_type", "image_collection"}, {"file", "l8_gdalcubes.db"}, {"view", random_view(dice)}};
  if (dice.number(0, 2) == 0) {
    collection["mask_band"] = "BQA";
    collection["mask"] = {{"min", 2800}, {"max", 65535}, {"dilate", dice.number(0, 2)}};
  }
  return {{"cube_type", "select_bands"}, {"bands", {"B04", "B05"}}, {"in_cube", collection}};
}

// Wraps a cube of bands B04 and B05 into a random operator.
Json wrapped(Dice& dice, const Json& in) {
  switch (dice.number(0, 6)) {
    case 0:
      return {{"cube_type", "apply_pixel"},
              {"expr", "(b05-b04)/(b05+b04)"},
              {"band_names", "NDVI"},
              {"in_cube", in}};
    case 1:
      return {{"cube_type", "filter_pixel"}, {"predicate", "B05 > 12000"}, {"in_cube", in}};
    case 2: {
      const Json first = {
          dice.one_of({"median", "mean", "sd", "p90", "which_max", "count", "mode", "last"}),
          "B04"};
      const Json second = {"max", "B05"};
      return {{"cube_type", "reduce_time"},
              {"reducer_bands", Json::array({first, second})},
              {"in_cube", in}};
    }
    case 3:
      return {{"cube_type", "aggregate_time"},
              {"fact", dice.number(1, 3)},
              {"func", dice.one_of({"median", "mean", "max"})},
              {"in_cube", in}};
    case 4:
      return {{"cube_type", "coarsen"},
              {"boundary", "pad"},
              {"factor", {{"x", dice.number(1, 4)}, {"y", dice.number(1, 4)}}},
              {"func", dice.one_of({"median", "mean", "sum"})},
              {"in_cube", in}};
    case 5:
      return {{"cube_type", "crop"}, {"ix_min", -3}, {"ix_max", 30}, {"iy_min", 1},
              {"iy_max", 20},        {"it_min", 0},  {"it_max", 0},  {"in_cube", in}};
    default:
      return {{"cube_type", "join_bands"},
              {"prefixes", {"a", "b"}},
              {"in_cubes", Json::array({in, in})}};
  }
}

std::vector<Block> cells_of(const Graph& graph, const Resources& resources, ChunkShape shape,
                            int threads) {
  const Plan plan(graph, {.threads = threads, .chunk = shape});
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<test::MemorySink>(plan.info()));
  const Report report = run(plan, resources, sinks, {}, {.threads = threads});
  for (const Report::Failure& failure : report.failures) FAIL(failure.reason);
  const auto& memory = static_cast<const test::MemorySink&>(*sinks[0]);
  CHECK(memory.cells() == plan.info().extent().cells());
  return memory.bands();
}

// Under ThreadSanitizer each takes ten times as long, and races are in the first ones as well.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr unsigned kSeeds = 20;
#define CUBE_FEWER_SEEDS
#endif
#endif
#ifndef CUBE_FEWER_SEEDS
constexpr unsigned kSeeds = 60;
#endif

bool identical(const std::vector<Block>& a, const std::vector<Block>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Block& p, const Block& q) {
    return p.storage().dtype == q.storage().dtype && std::ranges::equal(p.raw(), q.raw());
  });
}

}  // namespace

TEST_CASE("any chunk shape and thread count: identical cells") {
  Resources resources;
  resources.open_index = open_catalog;
  resources.make_reader = [] { return make_image_reader(); };
  const Registry registry = document_operators();
  bool any_value = false;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Dice dice(seed);
    const std::string text = wrapped(dice, random_source(dice)).dump();
    CAPTURE(seed);
    CAPTURE(text);
    const Graph graph =
        compile(Document::parse(text, test::shared_dir() / "reference"), registry, resources);
    const Region extent = graph.info().extent();
    const auto whole = cells_of(graph, resources, {extent.t.end, extent.y.end, extent.x.end}, 1);
    const ChunkShape pieces{dice.number(1, extent.t.end), dice.number(1, extent.y.end),
                            dice.number(7, 40)};
    CAPTURE(pieces.t);
    CAPTURE(pieces.y);
    CAPTURE(pieces.x);
    CHECK(identical(whole, cells_of(graph, resources, pieces, 1)));
    CHECK(identical(whole, cells_of(graph, resources, pieces, 4)));
    any_value = any_value || !whole[0].all_missing();
  }
  CHECK(any_value);
}
