// The library as a program that embeds it sees it: include/cube/*.h.
#include <cpl_conv.h>
#include <cpl_string.h>
#include <gdal.h>
#include <omp.h>

#include <atomic>
#include <clocale>
#include <cmath>
#include <csignal>
#include <numeric>
#include <thread>

#include "cube/extend.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using cube::test::error_of;
using cube::test::TempDir;

namespace {

// Two slices of 3 x 4 cells: band a is uint16 with 0 = missing, band b float32.
constexpr const char* kTwoBands = R"({
  "bands": {
    "a": {"dtype": "uint16", "nodata": 0, "cells":
          [[[1, 2, 3, 4], [5, null, 7, 8], [9, 10, 11, 12]],
           [[13, 14, 15, 16], [17, 18, 19, 20], [21, 22, 23, 24]]]},
    "b": {"dtype": "float32", "cells":
          [[[0.5, 1.5, 2.5, 3.5], [4.5, 5.5, null, 7.5], [8.5, 9.5, 10.5, 11.5]],
           [[null, null, null, null], [null, null, null, null], [null, null, null, null]]]}},
  "grid": {"left": 100, "top": 30, "dx": 10, "dy": 10, "srs": "EPSG:32631"},
  "time": {"t0": "2020-01-01", "dt": "P1D"}})";

Document two_bands() {
  const auto node = cube::test::inline_node(nlohmann::ordered_json::parse(kTwoBands));
  return Document::parse(node.dump(), "/data");
}

// Chunks of 1 x 2 x 3, so that there are 8.
Settings in_small_chunks(int threads = 2) {
  return {.threads = threads, .chunk = ChunkShape{1, 2, 3}};
}

Cube small_cube(const Settings& settings = in_small_chunks()) {
  return Environment(settings, cube::test::test_operators()).open(two_bands());
}

static_assert(std::input_iterator<ChunkIterator>);

const Region kAll{{0, 2}, {0, 3}, {0, 4}};

template <class T>
std::vector<T> values(std::span<const T> cells) {
  return {cells.begin(), cells.end()};
}

}  // namespace

TEST_CASE("a cube says what it is") {
  const Cube cube = small_cube();
  const CubeInfo& info = cube.info();
  CHECK(info.band_names() == std::vector<std::string>{"a", "b"});
  CHECK(info.bands[0].dtype == DType::kUInt16);
  CHECK(info.bands[0].nodata == 0);
  CHECK(info.grid.crs == "EPSG:32631");
  CHECK(info.time.label(1) == "2020-01-02");
  CHECK(info.extent() == kAll);
  CHECK(cube.chunk_shape() == ChunkShape{1, 2, 3});
  CHECK(cube.plan().chunks() == 8);
  CHECK(library_version() == CUBE_VERSION);
}

TEST_CASE("cells are read in their own type, as numbers, and into memory of the caller") {
  const Cube cube = small_cube();
  const Region corner{{0, 1}, {1, 3}, {1, 3}};
  const Cells cells = cube.read(corner);
  CHECK(cells.band_names() == std::vector<std::string>{"a", "b"});
  CHECK(cells.region() == corner);
  CHECK(values(cells.of<std::uint16_t>("a")) == std::vector<std::uint16_t>{0, 7, 10, 11});
  CHECK(cells.of<float>("b")[0] == 5.5F);
  CHECK(std::isnan(cells.of<float>("b")[1]));
  CHECK(std::isnan(cells.numbers("a")[0]));
  CHECK(cells.numbers("a")[1] == 7);
  std::vector<float> as_float(4);
  std::vector<std::uint16_t> as_stored(4);
  cube.read_into(corner, {"a"}, std::vector{CellsOut::of(std::span(as_float))});
  cube.read_into(corner, {"a"}, std::vector{CellsOut::of(std::span(as_stored))});
  CHECK(std::isnan(as_float[0]));
  CHECK(as_float[3] == 11);
  CHECK(as_stored == std::vector<std::uint16_t>{0, 7, 10, 11});
}

TEST_CASE("what is larger than a chunk is put together, the same whatever the chunks") {
  const Cube pieces = small_cube();
  const Cube whole = small_cube({.threads = 1, .chunk = ChunkShape{2, 3, 4}});
  for (const Region& region :
       {kAll, Region{{0, 2}, {1, 3}, {1, 4}}, Region{{1, 2}, {0, 3}, {0, 4}}}) {
    const std::vector<std::vector<double>> expected = {whole.read(region).numbers("a"),
                                                       whole.read(region).numbers("b")};
    const Cells cells = pieces.read(region);
    CHECK(cube::test::difference({cells.numbers("a"), cells.numbers("b")}, expected) == "");
    std::vector<double> a(static_cast<std::size_t>(region.cells()));
    std::vector<float> b(a.size());
    pieces.read_into(region, {"b", "a"},
                     std::vector{CellsOut::of(std::span(b)), CellsOut::of(std::span(a))});
    CHECK(cube::test::difference({a, {b.begin(), b.end()}}, expected) == "");
  }
  CHECK(pieces.read({{1, 2}, {0, 1}, {0, 2}}).missing("b"));
  CHECK(std::isnan(pieces.read({{1, 2}, {0, 1}, {0, 2}}).of<float>("b")[1]));
}

TEST_CASE("what cannot be read is refused") {
  const Cube cube = small_cube();
  const auto refused = [&](const Region& region, const std::vector<std::string>& bands = {}) {
    return error_of([&] { cube.read(region, bands); });
  };
  CHECK(refused({{0, 1}, {0, 4}, {0, 4}}) ==
        "the region t 0:1, y 0:4, x 0:4 is not inside the cube (inside t 0:2, y 0:3, x 0:4)");
  CHECK(refused({{-1, 1}, {0, 1}, {0, 1}}).find("is not inside") != std::string::npos);
  CHECK(refused({{0, 1}, {2, 1}, {0, 1}}).find("is not inside") != std::string::npos);
  CHECK(refused(kAll, {"c"}).find("no band 'c'") != std::string::npos);
  CHECK(refused(kAll, {"a", "A"}) == "the band 'A' is asked for twice");
  const Cells cells = cube.read(kAll, {"a"});
  CHECK(error_of([&] { cells.of<float>("a"); }) ==
        "band 'a': its cells are uint16, not float32 (numbers() and copy_to() convert)");
  CHECK(error_of([&] { cells.of<float>("b"); }) == "the band 'b' was not read (one of a)");
  std::vector<std::int16_t> wrong(24);
  std::vector<double> few(23);
  const auto into = [&](const CellsOut& out) {
    return error_of([&] { cube.read_into(kAll, {"a"}, std::span(&out, 1)); });
  };
  CHECK(into(CellsOut::of(std::span(wrong))) ==
        "band 'a': cells of uint16 are not given as int16 (its own type, float32 or float64)");
  CHECK(into(CellsOut::of(std::span(few))) ==
        "band 'a': there is room for 184 bytes, and 24 cells take 192");
  CHECK(error_of([&] { cube.read_into(kAll, {"a"}, {}); }) ==
        "there is room for 0 bands, and 1 band are read");
  CHECK(error_of([&] {
          cube.read(kAll, {}, {.cancelled = [] { return true; }});
        }).find("stopped") != std::string::npos);
}

TEST_CASE("several threads read a cube at the same time") {
  const Cube cube = small_cube();
  const std::vector<double> expected = cube.read(kAll).numbers("a");
  std::atomic<int> same = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        same += cube::test::difference({cube.read(kAll).numbers("a")}, {expected}) == "" ? 1 : 0;
      }
    });
  }
  threads.clear();
  CHECK(same == 80);
}

TEST_CASE("chunks come one after the other, or on several threads") {
  const Cube cube = small_cube();
  double sum = 0;
  std::vector<Region> regions;
  for (const Cells& cells : cube.chunks()) {
    regions.push_back(cells.region());
    for (const std::uint16_t cell : cells.of<std::uint16_t>("a")) sum += cell;
  }
  CHECK(regions == cube::test::tiles(kAll, {1, 2, 3}));
  CHECK(sum == 24 * 25 / 2 - 6);
  std::atomic<int> parallel = 0;
  std::atomic<int> chunks = 0;
  const Report report = cube.for_each_chunk([&](const Cells& cells) {
    ++chunks;
    for (const std::uint16_t cell : cells.of<std::uint16_t>("a")) parallel += cell;
  });
  CHECK(report.ok());
  CHECK(chunks == 8);
  CHECK(parallel == 24 * 25 / 2 - 6);
}

TEST_CASE("functions of the caller stop a run, and what they throw is thrown") {
  const Cube cube = small_cube();
  const auto failing = [](const auto&...) { throw std::runtime_error("mine"); };
  CHECK_THROWS_WITH((void)cube.for_each_chunk(failing), "mine");
  CHECK_THROWS_WITH((void)cube.for_each_chunk([](const Cells&) {}, {.progress = failing}), "mine");
  const Report stopped =
      cube.for_each_chunk([](const Cells&) {}, {.cancelled = [] { return true; }});
  CHECK(stopped.cancelled);
  CHECK(error_of([&] { check(stopped); }) == "the run was stopped");
}

TEST_CASE("a cube is written with progress, and not when it is stopped") {
  const TempDir dir;
  const Cube cube = small_cube();
  std::int64_t done = 0;
  const Report report =
      cube.write({.file = dir.file("a_{t}.tif")},
                 {.progress = [&](const Progress& progress) { done = progress.chunks_done; }});
  check(report);
  CHECK(report.outputs.size() == 2);
  CHECK(done == report.chunks);
  const Environment environment;
  const auto raster = [&](const std::string& file) {
    return environment.open(
        Document::parse(R"({"cube_type": "raster", "file": ")" + file + "\"}", dir.path()));
  };
  const Cells back = raster("a_2020-01-01.tif").read({{0, 1}, {0, 3}, {0, 4}});
  CHECK(cube::test::difference({back.numbers("a")},
                               {cube.read({{0, 1}, {0, 3}, {0, 4}}).numbers("a")}) == "");
  const Report stopped =
      cube.write({.file = dir.file("b_{t}.tif")}, {.cancelled = [] { return true; }});
  CHECK(stopped.cancelled);
  CHECK(stopped.outputs.empty());
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 2);
  CHECK(error_of([&] { (void)cube.write({.file = dir.file("a_{t}.tif")}); }).find("exists") !=
        std::string::npos);
}

TEST_CASE("a graph is saved in its canonical form and opened again") {
  const TempDir dir;
  const Environment environment(in_small_chunks(), cube::test::test_operators());
  const Cube cube = environment.open(two_bands());
  cube.save(dir.file("saved.json"));
  CHECK(cube::test::read_text(dir.file("saved.json")) == cube.text(dir.path()));
  const Cube again = environment.open(dir.file("saved.json"));
  CHECK(again.text(dir.path()) == cube.text(dir.path()));
  CHECK(again.read(kAll).numbers("a")[23] == 24);
  CHECK(error_of([&] { cube.save(dir.file("saved.json")); }).find("the file exists") !=
        std::string::npos);
}

TEST_CASE("a run that says so is gone on with") {
  const TempDir dir;
  const Cube cube = small_cube(in_small_chunks(1));
  const OutputSpec output{.file = dir.file("a_{t}.nc"), .resume = true};
  std::atomic<int> done = 0;
  const Report first = cube.write(output, {.progress = [&](const Progress&) { ++done; },
                                           .cancelled = [&] { return done == 3; }});
  CHECK(first.cancelled);
  const Report second = cube.write(output);
  CHECK(second.ok());
  CHECK(second.chunks_resumed == 3);
  CHECK(second.outputs.size() == 2);
}

namespace {

constexpr const char* kView = R"("view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30,
  "dx": 10, "dy": 10, "srs": "EPSG:3857"}, "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}})";

// 3 slices of 3 x 4 cells.
Node constant(int bands, double value) {
  const Value space = object({{"left", 0},
                              {"right", 40},
                              {"bottom", 0},
                              {"top", 30},
                              {"dx", 10},
                              {"dy", 10},
                              {"srs", "EPSG:3857"}});
  const Value time = object({{"t0", "2020-01"}, {"t1", "2020-03"}, {"dt", "P1M"}});
  return dummy(
      {{"nbands", bands}, {"fill", value}, {"view", object({{"space", space}, {"time", time}})}});
}

}  // namespace

TEST_CASE("graphs built in C++ are those written by hand") {
  const auto same = [](const Node& node, std::string json) {
    const std::string view = kView;
    for (std::size_t at; (at = json.find("VIEW")) != std::string::npos;) json.replace(at, 4, view);
    const Registry operators = document_operators();
    const auto text = [&](const Document& document) {
      return canonical_text(document, operators, "/data");
    };
    CHECK(text(node.document("/data")) == text(Document::parse(json, "/data")));
  };
  const Node bands = constant(2, 0.5);
  same(bands.select_bands({{"bands", {"band2"}}})
           .apply_pixel({{"expr", {"band2 * 2", "iif(band2 > 1, 1, nan)"}},
                         {"band_names", {"a", "b"}},
                         {"keep_bands", true}})
           .reduce_time({{"reducer_bands", {{"median", "a"}, {"max", "b"}}}}),
       R"graph({"cube_type": "reduce_time", "reducer_bands": [["median", "a"], ["max", "b"]],
           "in_cube": {"cube_type": "apply_pixel", "expr": ["band2 * 2", "iif(band2 > 1, 1, nan)"],
             "band_names": ["a", "b"], "keep_bands": true,
             "in_cube": {"cube_type": "select_bands", "bands": ["band2"],
               "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 0.5, VIEW}}}})graph");
  same(join_bands({bands, bands.rename_bands({{"band_names", object({{"band1", "c"}})}})},
                  {{"prefixes", {"x", "y"}}}),
       R"({"version": 1, "cubes": {"cube1": {"cube_type": "dummy", "nbands": 2, "fill": 0.5, VIEW}},
           "result": {"cube_type": "join_bands", "prefixes": ["x", "y"], "in_cubes": ["cube1",
             {"cube_type": "rename_bands", "band_names": {"band1": "c"}, "in_cube": "cube1"}]}})");
  const Node named = bands.named("start");
  same(named.mask({{"mask", named.select_bands({{"bands", "band1"}})}, {"replacement", NAN}}),
       R"({"version": 1,
           "cubes": {"start": {"cube_type": "dummy", "nbands": 2, "fill": 0.5, VIEW}},
           "result": {"cube_type": "mask", "in_cube": "start", "replacement": "nan",
             "mask": {"cube_type": "select_bands", "bands": ["band1"], "in_cube": "start"}}})");
  // A list of one, of lists, of nothing; vectors; all kinds of numbers; nothing.
  const std::vector<std::string> names = {"a", "b"};
  const auto parsed = [](const std::string& text) { return nlohmann::ordered_json::parse(text); };
  CHECK(
      parsed(Node("mine", {{"one", {"a"}}, {"lists", {{"a", "b"}}}, {"none", {}}, {"names", names}})
                 .json()) ==
      parsed(R"({"cube_type": "mine", "one": ["a"], "lists": [["a", "b"]], "none": [],
                   "names": ["a", "b"]})"));
  CHECK(Node("mine", {{"i", -3}, {"u", 3U}, {"d", 0.1F}, {"t", true}, {"n", nullptr}}).json() ==
        "{\n  \"cube_type\": \"mine\",\n  \"i\": -3,\n  \"u\": 3,\n"
        "  \"d\": 0.10000000149011612,\n  \"t\": true,\n  \"n\": null\n}\n");
}

TEST_CASE("what is no graph is told when it is built or opened") {
  CHECK(error_of([] {
          raster({{"file", "a"}, {"file", "b"}});
        }) == "the argument 'file' is given twice");
  CHECK(error_of([] {
          (void)dummy({}).crop({{"in_cube", dummy({})}});
        }) == "the argument 'in_cube' is given twice");
  CHECK(error_of([] {
          (void)join_bands({dummy({}).named("a"), dummy({}).named("a")}).json();
        }) == "two nodes are named 'a'");
  CHECK(error_of([] {
          (void)dummy({{"fill", "\xff"}}).json();
        }) == "a text of the graph is not UTF-8");
  CHECK(error_of([] { (void)Value(~std::uint64_t{0}); }) ==
        "a whole number of a graph is too large");
  const auto opening = [](const Node& node) { return error_of([&] { Environment().open(node); }); };
  CHECK(opening(constant(1, 1).then("croop")) ==
        "/cube_type: there is no cube_type 'croop' (did you mean 'crop'?)");
  CHECK(opening(constant(1, 1).select_bands({{"bands", {"x"}}})).starts_with("/bands/0: "));
  CHECK(opening(constant(1, 1).crop({{"fil", 1}})).starts_with("/fil: "));
}

TEST_CASE("each operator can be built with") {
  const std::string header = cube::test::read_text(CUBE_NODE_HEADER);
  const Registry operators = document_operators();
  for (const OperatorType& type : operators.types()) {
    std::string declared = "  Node " + type.id + "(Arguments arguments = {}) const {";
    const bool source = type.inputs.empty() || type.inputs[0].or_file;
    if (source) declared = "inline Node " + type.id + "(Arguments arguments) {";
    if (!source && type.inputs[0].many) {
      declared = "inline Node " + type.id + "(const std::vector<Node>& in_cubes, ";
    }
    INFO(declared);
    CHECK(header.find("\n" + declared) != std::string::npos);
  }
}

namespace {

// What a library must leave to the program.
std::string global_state() {
  std::string out;
  for (char** list : {CPLGetConfigOptions(), CPLGetThreadLocalConfigOptions()}) {
    for (char** option = list; option && *option; ++option) out += std::string(*option) + "\n";
    CSLDestroy(list);
  }
  out += std::setlocale(LC_ALL, nullptr);
  out += " " + std::to_string(GDALGetCacheMax64()) + " " + std::to_string(omp_get_max_threads()) +
         " " + std::to_string(omp_get_dynamic()) + " " + std::filesystem::current_path().string();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    out += action.sa_handler == SIG_DFL ? " default" : " other";
  }
  return out;
}

const std::string kLocalRange = std::string(CUBE_PLUGINS) + "/local_range.so";

// Runs code: only an environment that allows it takes this.
Node with_plugin() {
  return constant(1, 1).then("plugin",
                             {{"file", kLocalRange}, {"arguments", object({{"radius", 1}})}});
}

}  // namespace

TEST_CASE("nothing global is changed by opening, reading and writing") {
  const TempDir dir;
  // What a program may have chosen, unlike all that the library would.
  const GIntBig cache = GDALGetCacheMax64();
  const int threads = omp_get_max_threads();
  GDALSetCacheMax64(77 << 20);
  omp_set_num_threads(7);
  std::setlocale(LC_ALL, "C.UTF-8");
  CPLSetConfigOption("GDAL_NUM_THREADS", "5");
  const std::string before = global_state();
  const Environment environment({.threads = 3, .memory_bytes = 300 << 20, .allow_exec = true});
  check(small_cube().write(std::vector<OutputSpec>{{.file = dir.file("a.nc")},
                                                   {.file = dir.file("a_{t}.tif"), .format = "COG"},
                                                   {.file = dir.file("a.zarr")}}));
  const Cube back = environment.open(ncdf({{"file", dir.file("a.nc")}}));
  back.read(back.info().extent());
  (void)environment.open(with_plugin()).for_each_chunk([](const Cells&) {});
  CHECK(global_state() == before);
  GDALSetCacheMax64(cache);
  omp_set_num_threads(threads);
  std::setlocale(LC_ALL, "C");
  CPLSetConfigOption("GDAL_NUM_THREADS", nullptr);
}

TEST_CASE("code is run where the settings allow it, and may be looked at where they do not") {
  const Node node =
      constant(1, 1).then("stream", {{"command", {"false"}}, {"bands", {"x"}}, {"directory", "."}});
  const Cube cube = Environment().open(node);
  CHECK(cube.info().band_names() == std::vector<std::string>{"x"});
  const std::string refusal = "the graph would run the command 'false'";
  const auto refused = [&](const std::function<void()>& work) {
    return error_of(work).find(refusal) != std::string::npos;
  };
  const Region first{{0, 1}, {0, 1}, {0, 1}};
  CHECK(refused([&] { cube.read(first); }));
  CHECK(refused([&] { (void)cube.for_each_chunk([](const Cells&) {}); }));
  CHECK(refused([&] { (void)cube.run({}); }));
  const Cube allowed = Environment({.allow_exec = true}).open(node);
  CHECK(error_of([&] { allowed.read(first); }).find("the command") != std::string::npos);
}

TEST_CASE("environments do not know of each other") {
  const Environment own({.threads = 1, .allow_exec = true, .chunk = ChunkShape{1, 1, 2}},
                        cube::test::test_operators());
  const Environment plain({.threads = 3, .memory_bytes = 300 << 20});
  const std::vector<double> expected = own.open(two_bands()).read(kAll).numbers("a");
  const auto work_of_own = [&] {
    const Cube cube = own.open(two_bands());
    const Cube code = own.open(with_plugin());
    code.read({{0, 1}, {0, 1}, {0, 1}});
    return cube.chunk_shape() == ChunkShape{1, 1, 2} &&
           cube::test::difference({cube.read(kAll).numbers("a")}, {expected}).empty();
  };
  const auto work_of_plain = [&] {
    const Cube cube = plain.open(constant(1, 7));
    double sum = 0;
    (void)cube.for_each_chunk([](const Cells&) {});
    for (const double value : cube.read(cube.info().extent()).numbers("band1")) sum += value;
    return sum == 7.0 * static_cast<double>(cube.info().extent().cells()) &&
           error_of([&] { plain.open(two_bands()); }).find("no cube_type 'inline'") !=
               std::string::npos &&
           error_of([&] { plain.open(with_plugin()); }).find("--allow-exec") != std::string::npos;
  };
  CHECK(work_of_own());
  CHECK(work_of_plain());
  std::atomic<int> good = 0;
  {
    const std::jthread one([&] {
      good += [&] {
        int n = 0;
        for (int i = 0; i < 10; ++i) n += work_of_own() ? 1 : 0;
        return n;
      }();
    });
    const std::jthread other([&] {
      good += [&] {
        int n = 0;
        for (int i = 0; i < 10; ++i) n += work_of_plain() ? 1 : 0;
        return n;
      }();
    });
  }
  CHECK(good == 20);
}

TEST_CASE("rasters in memory are images of a collection") {
  const Grid grid{.crs = "EPSG:32631",
                  .left = 500000,
                  .top = 5000000,
                  .dx = 10,
                  .dy = 10,
                  .width = 4,
                  .height = 3};
  const auto block = [&](std::uint16_t first) {
    Block cells({{0, 1}, {0, 3}, {0, 4}}, {DType::kUInt16, 0});
    std::iota(cells.cells<std::uint16_t>().begin(), cells.cells<std::uint16_t>().end(), first);
    return share(std::move(cells));
  };
  const auto day = [](const char* text) { return parse_time(text)->start; };
  Resources resources = file_resources();
  std::optional<MemoryImages> images;
  images.emplace(std::vector<BandInfo>{{.name = "v", .dtype = DType::kUInt16, .nodata = 0},
                                       {.name = "w", .dtype = DType::kUInt16, .nodata = 0}});
  Grid east = grid;
  east.left += 20;
  images->add("b", day("2024-05-01"), east, {block(100), nullptr});
  images->add("a", day("2024-05-01"), grid, {block(0), block(50)});
  images->add("c", day("2024-05-03"), grid, {block(200), nullptr});
  images->add_to(resources, "memory://scenes");
  const Environment environment({}, document_operators(), resources);
  const auto opened = [&](const char* file, const char* srs, double right) {
    const Value space = object({{"left", 500000},
                                {"right", right},
                                {"bottom", 4999970},
                                {"top", 5000000},
                                {"dx", 10},
                                {"srs", srs}});
    const Value time = object({{"t0", "2024-05-01"}, {"t1", "2024-05-03"}, {"dt", "P1D"}});
    return environment.open(image_collection(
        {{"file", file},
         {"view", object({{"space", space}, {"time", time}, {"aggregation", "first"}})}}));
  };
  const Cube cube = opened("memory://scenes", "EPSG:32631", 500060);
  images.reset();  // the cube has them
  CHECK(cube.info().band_names() == std::vector<std::string>{"v", "w"});
  // a lies before b, but for its first cell, which is missing.
  CHECK(values(cube.read({{0, 1}, {0, 2}, {0, 6}}).of<std::uint16_t>("v")) ==
        std::vector<std::uint16_t>{0, 1, 2, 3, 102, 103, 4, 5, 6, 7, 106, 107});
  CHECK(cube.read({{0, 1}, {2, 3}, {0, 1}}).of<std::uint16_t>("w")[0] == 58);
  CHECK(cube.read({{1, 2}, {0, 3}, {0, 6}}).missing("v"));
  CHECK(cube.read({{2, 3}, {2, 3}, {3, 4}}).of<std::uint16_t>("v")[0] == 211);
  CHECK(error_of([&] { opened("other.db", "EPSG:32631", 500060); }).find("other.db") !=
        std::string::npos);

  MemoryImages one({{.name = "v", .dtype = DType::kUInt16, .nodata = 0}});
  one.add("a", day("2024"), grid, {block(0)});
  const auto adding = [&](const std::string& name, const Grid& g, std::vector<BlockPtr> blocks) {
    return error_of([&] { one.add(name, day("2024"), g, blocks); });
  };
  CHECK(adding("a", grid, {block(0)}) == "image 'a': there is one of that name");
  CHECK(adding("b", {.width = 4, .height = 3}, {block(0)}) == "image 'b': its grid has no CRS");
  CHECK(adding("b", grid, {}) == "image 'b': cells of 0 bands for images of 1 band");
  Grid larger = grid;
  larger.width = 5;
  CHECK(adding("b", larger, {block(0)}) ==
        "image 'b': the cells of band 'v' are of t 0:1, y 0:3, x 0:4 (all of the grid, t 0:1, y "
        "0:3, x 0:5)");
  Block floats({{0, 1}, {0, 3}, {0, 4}}, {DType::kFloat32, NAN});
  std::ranges::fill(floats.cells<float>(), 1.0F);
  CHECK(adding("b", grid, {share(std::move(floats))}) ==
        "image 'b': the cells of band 'v' are not stored as the band is");
  CHECK(error_of([] { MemoryImages({}); }) == "images without bands");
}
