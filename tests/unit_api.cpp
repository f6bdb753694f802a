// The library as a program that embeds it sees it: include/cube/*.h.
#include <atomic>
#include <cmath>
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
