// The contract that every registered operator keeps (docs of engine/operator.h and registry.h):
// its example is valid and runs; what is written reads back the same; wrong arguments fail with
// their place; cells depend neither on chunks nor on threads nor on anything outside demand().
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/image_index.h"
#include "engine/image_reader.h"
#include "engine/run.h"
#include "engine/sink.h"
#include "graphs/describe.h"
#include "graphs/document.h"
#include "graphs/json_reader.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/rasters.h"
#include "tests/schema_check.h"
#include "tests/support.h"

using namespace cube;
using cube::test::computed;
using cube::test::computed_by_run;
using cube::test::difference;
using cube::test::error_of;
using nlohmann::json;

namespace {

// A collection without images, so that examples of image collections can be built and run.
class NoImages final : public ImageIndex {
 public:
  NoImages() {
    for (const char* name : {"B02", "B03", "B04", "B05", "B08", "SCL"}) {
      BandInfo band;
      band.name = name;
      band.dtype = DType::kUInt16;
      band.nodata = 0;
      bands_.push_back(band);
    }
  }
  const std::vector<BandInfo>& bands() const override { return bands_; }
  std::vector<Image> find(const ImageQuery&) const override { return {}; }
  CollectionSummary summary() const override { return {}; }

 private:
  std::vector<BandInfo> bands_;
};

Resources no_images() {
  Resources resources;
  resources.open_index = [](const auto&) { return std::make_shared<const NoImages>(); };
  resources.make_reader = [] { return make_image_reader(); };
  resources.allow_exec = true;
  return resources;
}

// The scene of a folder in the format of `name`.
void write_copy(const cube::test::TempDir& dir, const std::string& name) {
  const json scene = {{"cube_type", "raster"}, {"file", "scene.tif"}};
  const Plan plan(compile(Document::parse(scene.dump(), dir.path()), cube::test::test_operators(),
                          no_images()),
                  {});
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(make_sink({.file = dir.file(name), .format = "", .options = {}}, plan.info()));
  REQUIRE(run(plan, no_images(), sinks, {}, {}).ok());
}

// Where the files are that examples name.
const std::filesystem::path& folder() {
  static const auto kFiles = [] {
    auto dir = std::make_unique<cube::test::TempDir>();
    std::vector<double> cells(12);
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<double>(i);
    cube::test::write_raster(dir->file("scene.tif"), {.width = 4, .height = 3}, cells);
    cube::test::write_raster(dir->file("scene_2.tif"), {.width = 4, .height = 3}, cells);
    for (const char* name : {"cube.nc", "cube.zarr"}) write_copy(*dir, name);
    std::filesystem::copy(std::filesystem::path(CUBE_PLUGINS) / "local_range.so", dir->path());
    return dir;
  }();
  return kFiles->path();
}

Graph compiled(const json& document) {
  return compile(Document::parse(document.dump(), folder()), cube::test::test_operators(),
                 no_images());
}

std::string error_in(const json& document) {
  return error_of([&] { compiled(document); });
}

std::string canonical(const std::string& text) {
  return canonical_text(Document::parse(text, folder()), cube::test::test_operators(), folder());
}

// Inputs of one operator with cells that differ everywhere, some of them missing; hands out only
// what demand() of the request at hand covers.
class GuardedInputs final : public Inputs {
 public:
  enum class Cells { kVaried, kMissing };
  GuardedInputs(const Operator& op, std::vector<CubeInfo> infos, Cells cells)
      : op_(op), infos_(std::move(infos)), cells_(cells) {}

  void begin(const Request& request) { request_ = request; }

  Chunk pull(std::size_t i, const Request& wanted) override {
    const Request allowed = op_.demand(request_, i);
    CHECK(infos_.at(i).extent().contains(wanted.region));
    CHECK(allowed.region.contains(wanted.region));
    Chunk chunk{wanted.region, {}};
    for (const std::size_t band : wanted.bands) {
      CHECK(std::count(allowed.bands.begin(), allowed.bands.end(), band) > 0);
      chunk.bands.push_back(cells_ == Cells::kMissing ? nullptr : varied(i, band, wanted.region));
    }
    return chunk;
  }
  ImageReader& images() override { throw std::logic_error("no images here"); }
  void skipped(SkippedImage) override { FAIL("no image can be skipped"); }

 private:
  BlockPtr varied(std::size_t input, std::size_t band, const Region& region) const {
    Block block(region, infos_[input].bands[band].storage());
    std::vector<double> row(static_cast<std::size_t>(region.x.size()));
    for (auto t = region.t.begin; t < region.t.end; ++t) {
      for (auto y = region.y.begin; y < region.y.end; ++y) {
        for (std::size_t x = 0; x < row.size(); ++x) {
          row[x] = cell(input, band, t, y, region.x.begin + static_cast<std::int64_t>(x),
                        block.nodata().has_value());
        }
        block.set_row(t, y, row);
      }
    }
    return share(std::move(block));
  }

  // Scattered over 1 to 97; every seventh or so missing.
  static double cell(std::size_t input, std::size_t band, std::int64_t t, std::int64_t y,
                     std::int64_t x, bool can_miss) {
    const std::int64_t mixed = (t * 31 + y * 17 + x * 7 + static_cast<std::int64_t>(band) * 13 +
                                static_cast<std::int64_t>(input) * 5) *
                               7919 % 10007;
    if (can_miss && mixed % 7 == 0) return std::nan("");
    return static_cast<double>(1 + mixed % 97);
  }

  const Operator& op_;
  std::vector<CubeInfo> infos_;
  Cells cells_;
  Request request_;
};

// The operator of an example on its own, over inputs made here.
std::vector<std::vector<double>> run_alone(const Graph& graph, const ChunkShape& shape,
                                           GuardedInputs::Cells cells) {
  const Graph::Node& node = graph.nodes[graph.result];
  std::vector<CubeInfo> infos;
  for (const std::size_t input : node.inputs) infos.push_back(graph.nodes[input].op->info());
  GuardedInputs inputs(*node.op, infos, cells);
  const auto kernel = node.op->kernel();
  std::vector<std::vector<double>> out(node.op->info().bands.size());
  for (std::size_t band = 0; band < out.size(); ++band) {
    out[band].resize(static_cast<std::size_t>(node.op->info().extent().cells()));
  }
  const Region extent = node.op->info().extent();
  for (const Region& region : cube::test::tiles(extent, shape)) {
    // One band at a time too: kernels must not rely on getting all.
    for (std::size_t band = 0; band < out.size(); ++band) {
      const Request request{region, {band}};
      inputs.begin(request);
      const Chunk chunk = kernel->run(request, inputs);
      REQUIRE(chunk.bands.size() == 1);
      CHECK(chunk.region == region);
      const std::vector<double> got = cube::test::cells_of(chunk, 0);
      std::size_t i = 0;
      for (auto t = region.t.begin; t < region.t.end; ++t) {
        for (auto y = region.y.begin; y < region.y.end; ++y) {
          for (auto x = region.x.begin; x < region.x.end; ++x) {
            out[band][static_cast<std::size_t>((t * extent.y.size() + y) * extent.x.size() + x)] =
                got[i++];
          }
        }
      }
    }
  }
  return out;
}

// Calls `work` for every operator and its example. A saved cube's example needs a file of that
// name; unit_graphs and unit_save test it.
void for_each_operator(const std::function<void(const OperatorType&, const json&)>& work) {
  const Registry registry = cube::test::test_operators();
  for (const OperatorType& type : registry.types()) {
    if (type.id == "saved") continue;
    CAPTURE(type.id);
    CHECK_NOTHROW(work(type, json::parse(type.example)));
  }
}

}  // namespace

TEST_CASE("examples are of their operator and valid against the schema") {
  const json schema = json::parse(schema_text(cube::test::test_operators()));
  const Registry registry = cube::test::test_operators();
  for (const OperatorType& type : registry.types()) {
    CAPTURE(type.id);
    const json example = json::parse(type.example);
    CHECK(example.at("cube_type") == type.id);
    CHECK(cube::test::schema_error(example, schema.at("$defs").at(type.id), schema) == "");
    CHECK(cube::test::schema_error(example, schema, schema) == "");
    CHECK_FALSE(type.summary.empty());
  }
}

TEST_CASE("examples compile, and what is written reads back the same") {
  for_each_operator([](const OperatorType&, const json& example) {
    compiled(example);
    const std::string once = canonical(example.dump());
    CHECK(canonical(once) == once);
    const Graph again = compiled(json::parse(once));
    CHECK(again.info().band_names() == compiled(example).info().band_names());
    const json schema = json::parse(schema_text(cube::test::test_operators()));
    CHECK(cube::test::schema_error(json::parse(once), schema, schema) == "");
  });
}

TEST_CASE("an unknown argument fails with its place") {
  for_each_operator([](const OperatorType&, json example) {
    example["no_such_argument"] = 1;
    CHECK(error_in(example).starts_with(
        "/no_such_argument: there is no argument 'no_such_argument' ("));
  });
}

TEST_CASE("a missing argument or input fails with its name") {
  for_each_operator([](const OperatorType& type, const json& example) {
    for (const FieldDoc& field : describe(type)) {
      if (!field.required) continue;
      json without = example;
      without.erase(field.name);
      CHECK(error_in(without).starts_with(type.id + ": the argument '" + field.name +
                                          "' is missing"));
    }
    for (const InputKey& input : type.inputs) {
      if (input.or_file) continue;
      json without = example;
      without.erase(input.name);
      CHECK(error_in(without).starts_with(type.id + ": the input '" + input.name + "' is missing"));
    }
  });
}

TEST_CASE("a mistyped argument fails with its place") {
  // Neither a leaf, nor a list, nor an object of anything that some argument takes.
  const json wrong = {{"", {true}}};
  for_each_operator([&](const OperatorType& type, const json& example) {
    for (const FieldDoc& field : describe(type)) {
      CAPTURE(field.name);
      json document = example;
      for (const std::string& alias : field.aliases) document.erase(alias);
      document[field.name] = wrong;
      CHECK(error_in(document).starts_with("/" + field.name));
    }
    for (const InputKey& input : type.inputs) {
      json document = example;
      document[input.name] = 7;
      CHECK(error_in(document).starts_with("/" + input.name + ": expected a"));
    }
  });
}

TEST_CASE("examples run, the same for any chunks and threads") {
  const Resources resources = no_images();
  for_each_operator([&](const OperatorType&, const json& example) {
    const Graph graph = compiled(example);
    const auto shapes = cube::test::chunk_shapes(graph.info());
    const auto whole = computed(graph, resources, shapes[0]);
    for (const ChunkShape& shape : shapes) {
      CHECK(difference(whole, computed(graph, resources, shape)) == "");
    }
    for (const int threads : {1, 4}) {
      CHECK(difference(whole, computed_by_run(graph, resources, threads)) == "");
    }
  });
}

TEST_CASE("on varied cells operators read only what they demand, and chunks do not show") {
  for_each_operator([](const OperatorType& type, const json& example) {
    if (type.inputs.empty()) return;
    const Graph graph = compiled(example);
    const auto shapes = cube::test::chunk_shapes(graph.info());
    const auto whole = run_alone(graph, shapes[0], GuardedInputs::Cells::kVaried);
    for (const ChunkShape& shape : shapes) {
      CHECK(difference(whole, run_alone(graph, shape, GuardedInputs::Cells::kVaried)) == "");
    }
  });
}

TEST_CASE("of nothing but missing cells comes nothing, unless an operator says so") {
  for_each_operator([](const OperatorType& type, const json& example) {
    if (type.inputs.empty()) return;
    const Graph graph = compiled(example);
    const auto shapes = cube::test::chunk_shapes(graph.info());
    const auto whole = run_alone(graph, shapes[0], GuardedInputs::Cells::kMissing);
    for (const ChunkShape& shape : shapes) {
      CHECK(difference(whole, run_alone(graph, shape, GuardedInputs::Cells::kMissing)) == "");
    }
    if (!graph.nodes[graph.result].op->passes_emptiness()) return;
    for (const std::vector<double>& band : whole) {
      for (const double cell : band) CHECK(std::isnan(cell));
    }
  });
}
