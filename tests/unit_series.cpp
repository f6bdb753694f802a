// Operators on series where consumers pull a few slices at a time: each slice of the source is made
// once, and the cells are those of whole series.
#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/evaluator.h"
#include "graphs/document.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using nlohmann::json;

namespace {

constexpr std::int64_t kSlices = 40;
constexpr std::int64_t kRows = 33;
constexpr std::int64_t kColumns = 1000;  // a slice fills the slab that is pulled at a time

std::atomic<std::int64_t> slices_made = 0;  // by all sources of a test
std::atomic<std::int64_t> most_at_once = 0;

// Cells scattered over 1 to 97, some missing; slices 5 to 9 are.
class Scattered final : public Operator {
 public:
  struct Params {
    void fields(FieldVisitor&) {}
  };
  Scattered(const Params&, std::span<const CubeInfo>) : Operator(described()) {}
  Request demand(const Request&, std::size_t) const override { return {}; }
  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Fill>(*this); }

 private:
  struct Fill final : Kernel {
    explicit Fill(const Scattered& op) : op_(op) {}
    Chunk run(const Request& request, Inputs&) override {
      const Range& slices = request.region.t;
      slices_made += slices.size();
      most_at_once = std::max<std::int64_t>(most_at_once, slices.size());
      Block block(request.region, op_.info().bands[0].storage());
      std::vector<double> row(static_cast<std::size_t>(request.region.x.size()));
      for (auto t = slices.begin; t < slices.end; ++t) {
        if (t >= 5 && t < 10) continue;
        for (auto y = request.region.y.begin; y < request.region.y.end; ++y) {
          for (std::size_t i = 0; i < row.size(); ++i) {
            const std::int64_t x = request.region.x.begin + static_cast<std::int64_t>(i);
            const std::int64_t mixed = (t * 31 + y * 17 + x * 7) * 7919 % 10007;
            row[i] = mixed % 4 == 0 ? std::nan("") : static_cast<double>(1 + mixed % 97);
          }
          block.set_row(t, y, row);
        }
      }
      return {request.region, {share(std::move(block))}};
    }
    const Scattered& op_;
  };

  static CubeInfo described() {
    CubeInfo info;
    info.grid = {"", 0, static_cast<double>(kRows), 1, 1, kColumns, kRows};
    std::vector<Instant> labels;
    for (std::int64_t i = 0; i < kSlices; ++i) {
      labels.emplace_back(std::chrono::hours(24 * (8 * i + i * i % 5)));
    }
    info.time = TimeAxis::labelled(labels);
    BandInfo band;
    band.name = "a";
    band.nodata = std::nan("");
    info.bands = {band};
    return info;
  }
};

Graph compiled(const json& node) {
  Registry registry = cube::test::test_operators();
  registry.add(operator_type<Scattered>(
      {.id = "scattered", .summary = "", .help = "", .example = "", .inputs = {}}));
  return compile(Document::parse(node.dump(), "."), registry, {});
}

// Reducers of the band.
json pairs(const std::vector<std::string>& reducers) {
  json out = json::array();
  for (const std::string& reducer : reducers) out.push_back(json::array({reducer, "a"}));
  return out;
}

json on_scattered(json node) {
  node["in_cube"] = {{"cube_type", "scattered"}};
  return node;
}

const std::vector<json>& series_operators() {
  static const std::vector<json> kNodes = {
      {{"cube_type", "cumulate_time"}, {"func", "max"}},
      {{"cube_type", "window_time"},
       {"window", {2, 1}},
       {"reducer_bands", pairs({"median"})},
       {"names", {"a"}}},
      {{"cube_type", "window_time"},
       {"window", {9, 7}},
       {"reducer_bands", pairs({"var"})},
       {"names", {"a"}}},
      {{"cube_type", "window_time"}, {"window", {1, 1}}, {"kernel", {0.25, 0.5, 0.25}}},
      {{"cube_type", "fill_time"}},
      {{"cube_type", "fill_time"}, {"method", "linear"}, {"limit", 20}},
      {{"cube_type", "fill_time"}, {"method", "locf"}},
      {{"cube_type", "anomaly"}, {"group", "month"}},
      {{"cube_type", "smooth_time"}, {"method", "savgol"}},
      {{"cube_type", "smooth_time"}, {"method", "whittaker"}}};
  return kNodes;
}

// The slice-wise median of what is kept of `node` by a formula.
json reduced(const json& node) {
  return {{"cube_type", "reduce_time"},
          {"reducer_bands", pairs({"median", "sum"})},
          {"in_cube",
           {{"cube_type", "apply_pixel"},
            {"expr", "a * 2"},
            {"band_names", "a"},
            {"in_cube", on_scattered(node)}}}};
}

}  // namespace

TEST_CASE("a slice of the source is made once, however few are pulled at a time") {
  for (const json& node : series_operators()) {
    CAPTURE(node.dump());
    const Graph graph = compiled(reduced(node));
    slices_made = most_at_once = 0;
    const auto cells = cube::test::computed(graph, {}, {1, kRows, kColumns});
    CHECK(slices_made == kSlices);
    CHECK(most_at_once == 1);
    CHECK(std::any_of(cells[0].begin(), cells[0].end(), [](double v) { return !std::isnan(v); }));
    // Narrow chunks are pulled in slabs of several slices.
    CHECK(cube::test::difference(cells, cube::test::computed(graph, {}, {1, 7, 90})) == "");
  }
}

TEST_CASE("parts of the axis are what they are in the whole") {
  for (const json& node : series_operators()) {
    CAPTURE(node.dump());
    const Graph graph = compiled(on_scattered(node));
    const auto whole = cube::test::computed(graph, {}, {kSlices, kRows, kColumns});
    CHECK(cube::test::difference(whole, cube::test::computed(graph, {}, {7, 20, 512})) == "");
  }
}

TEST_CASE("series pulled piece by piece are not kept beyond the piece") {
  const json filled = on_scattered({{"cube_type", "fill_time"}});
  const Graph graph = compiled({{"cube_type", "reduce_space"},
                                {"reducer_bands", pairs({"mean", "median"})},
                                {"in_cube", filled}});
  const auto whole = cube::test::computed(graph, {}, {kSlices, 1, 1});
  CHECK(cube::test::difference(whole, cube::test::computed(graph, {}, {3, 1, 1})) == "");
}

TEST_CASE("chunks hold whole series and the plan knows what is held") {
  PlanOptions options;
  options.threads = 1;
  const auto plan = [&](const json& node) { return Plan(compiled(node), options); };
  CHECK(plan(on_scattered({{"cube_type", "fill_time"}})).chunk_shape().t == kSlices);
  CHECK(plan({{"cube_type", "scattered"}}).chunk_shape().t < kSlices);
  options.chunk = ChunkShape{3, 10, 10};
  CHECK(plan(on_scattered({{"cube_type", "fill_time"}})).chunk_shape() == ChunkShape{3, 10, 10});
  // The series that is reduced, slice by slice, and its source's, are held whole.
  const Plan reduction = plan(reduced({{"cube_type", "fill_time"}}));
  const Request request{{{0, 1}, {0, kRows}, {0, kColumns}}, {0, 1}};
  const std::int64_t series = kSlices * kRows * kColumns * std::int64_t{sizeof(double)};
  CHECK(reduction.peak_bytes(reduction.graph().result, request) >= 3 * series);
  // A tight budget takes rows and columns, not the series.
  options.chunk.reset();
  constexpr std::int64_t kLeft = std::int64_t{4}
                                 << 20;  // of the budget, an eighth of it kept blocks
  options.memory_bytes = (reduction.base_bytes() - reduction.cache_bytes() + kLeft) * 8 / 7;
  const Plan tight = plan(on_scattered({{"cube_type", "smooth_time"}, {"method", "whittaker"}}));
  CHECK(tight.chunk_reduced());
  CHECK(tight.chunk_shape().t == kSlices);
  CHECK(tight.estimate().peak_bytes <= options.memory_bytes);
}
