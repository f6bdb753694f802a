// Golden tests of operators: tests/ops/*.json, cases of graph, input and expected cube or error.
// Every case is computed whole, in single cells and in odd chunks, which must be the same. A case
// says under "notes" all that the graph notes, and may be marked as of "kind": "edges" where it
// tells what happens at edges of the cube, a window or an area.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/gdal/raster_info.h"
#include "engine/image_reader.h"
#include "engine/text.h"
#include "graphs/document.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/support.h"

using namespace cube;
using json = nlohmann::ordered_json;

namespace {

Resources resources() {
  Resources out;
  out.make_reader = [] { return make_image_reader(); };
  out.allow_exec = true;
  return out;
}

using Cells = std::vector<std::vector<double>>;

std::vector<double> flat_cells(const json& cells) {
  std::vector<double> flat;
  for (const json& slice : cells) {
    for (const json& row : slice) {
      for (const json& cell : row) flat.push_back(cell.is_null() ? NAN : cell.get<double>());
    }
  }
  return flat;
}

// The input cubes are named cubes of a document whose result is the case's graph.
Graph compile_case(const json& test) {
  nlohmann::json document = {{"version", 1}, {"cubes", nlohmann::json::object()}};
  if (test.contains("input")) {
    for (const auto& [name, input] : test.at("input").items()) {
      document["cubes"][name] = cube::test::inline_node(input);
    }
  }
  document["result"] = nlohmann::json::parse(test.at("graph").dump());
  const auto folder = std::filesystem::path(CUBE_SOURCE_DIR) / "tests" / "ops";
  return compile(Document::parse(document.dump(), folder), cube::test::test_operators(),
                 resources());
}

// The error of a case, seen from its own graph.
std::string error_of_case(const json& test) {
  static constexpr std::string_view kResult = "/result";
  try {
    compile_case(test);
  } catch (const Error& error) {
    const bool inside = error.where().starts_with(kResult);
    return Error(error.code(), error.message(),
                 inside ? error.where().substr(kResult.size()) : error.where(), error.hint())
        .what();
  }
  return "no error";
}

void check_axes(const CubeInfo& info, const json& expect) {
  if (expect.contains("grid")) {
    const json& grid = expect.at("grid");
    CHECK(info.grid.left == doctest::Approx(grid.value("left", info.grid.left)));
    CHECK(info.grid.top == doctest::Approx(grid.value("top", info.grid.top)));
    CHECK(info.grid.dx == doctest::Approx(grid.value("dx", info.grid.dx)));
    CHECK(info.grid.dy == doctest::Approx(grid.value("dy", info.grid.dy)));
    CHECK(info.grid.crs == grid.value("srs", info.grid.crs));
  }
  if (expect.contains("time")) {
    std::vector<std::string> labels;
    for (std::int64_t i = 0; i < info.time.size(); ++i) labels.push_back(info.time.label(i));
    CHECK(labels == expect.at("time").at("labels").get<std::vector<std::string>>());
  }
}

bool near(double a, double b, double tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

void check_band(const BandInfo& band, const std::vector<double>& cells, const json& expect,
                double tolerance) {
  CAPTURE(band.name);
  if (expect.contains("dtype")) {
    CHECK(name(band.dtype) == expect.at("dtype").get<std::string>());
  }
  if (expect.contains("nodata")) {
    CHECK(band.nodata == expect.at("nodata").get<double>());
  }
  const std::vector<double> wanted = flat_cells(expect.at("cells"));
  REQUIRE(cells.size() == wanted.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    CAPTURE(i);
    CAPTURE(cells[i]);
    CAPTURE(wanted[i]);
    CHECK(near(cells[i], wanted[i], tolerance));
  }
}

// "WHERE: TEXT" of what the graph notes, seen from the case's own graph; of the inputs none.
void check_notes(const Graph& graph, const json& test) {
  static constexpr std::string_view kResult = "/result";
  std::vector<std::string> notes;
  for (const Note& note : graph.notes) {
    const bool inside = note.where.starts_with(kResult);
    const std::string where = inside ? note.where.substr(kResult.size()) : note.where;
    notes.push_back(where.empty() ? note.text : where + ": " + note.text);
  }
  CHECK(join(notes, "\n") == join(test.value("notes", std::vector<std::string>()), "\n"));
}

void check_cube(const json& test) {
  const json& expect = test.at("expect");
  const Graph graph = compile_case(test);
  check_notes(graph, test);
  check_axes(graph.info(), expect);
  std::vector<std::string> names;
  for (const auto& [name, unused] : expect.at("bands").items()) names.push_back(name);
  REQUIRE(graph.info().band_names() == names);
  const std::vector<ChunkShape> shapes = cube::test::chunk_shapes(graph.info());
  const Cells whole = cube::test::computed(graph, resources(), shapes[0]);
  const double tolerance = test.value("tolerance", expect.value("tolerance", 1e-6));
  for (std::size_t i = 0; i < names.size(); ++i) {
    check_band(graph.info().bands[i], whole[i], expect.at("bands").at(names[i]), tolerance);
  }
  for (const ChunkShape& shape : shapes) {
    CHECK(cube::test::difference(whole, cube::test::computed(graph, resources(), shape)) == "");
  }
}

void check_case(const json& test) {
  if (test.contains("error")) {
    CHECK(error_of_case(test) == test.at("error").get<std::string>());
  } else {
    check_cube(test);
  }
}

// Which of the kinds of cases that every operator needs this one is.
std::set<std::string> kinds_of(const json& test) {
  std::set<std::string> kinds;
  if (test.contains("kind")) kinds.insert(test.at("kind").get<std::string>());
  const json inputs = test.value("input", json::object());
  for (const auto& [unused, input] : inputs.items()) {
    for (const auto& [name, band] : input.at("bands").items()) {
      const json& cells = band.at("cells");
      const std::vector<double> flat = flat_cells(cells);
      const auto missing = std::count_if(flat.begin(), flat.end(), [](double v) { return v != v; });
      const bool nothing = missing == static_cast<std::ptrdiff_t>(flat.size());
      if (nothing && test.contains("expect")) kinds.insert("nothing but missing cells");
      if (missing > 0 && !nothing && test.contains("expect")) kinds.insert("missing cells");
      if (cells.size() == 1) kinds.insert("one slice");
      if (flat.size() == cells.size()) kinds.insert("one cell");
    }
  }
  return kinds;
}

}  // namespace

TEST_CASE("golden tests of operators") {
  int cases = 0;
  const auto folder = std::filesystem::path(CUBE_SOURCE_DIR) / "tests" / "ops";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const std::string file = entry.path().filename().string();
    json tests = json::parse(cube::test::read_text(entry.path()));
    if (!tests.is_array()) tests = json::array({tests});
    for (const json& test : tests) {
      const std::string title = file + ": " + test.at("title").get<std::string>();
      INFO(title);
      ++cases;
      CHECK_NOTHROW(check_case(test));
    }
  }
  MESSAGE(cases << " cases");
  CHECK(cases > 0);
}

// Those that read files or code of others are tested with theirs: data_collection, unit_raster,
// unit_stack, unit_arrays, unit_plugin and check_sources; `empty` stands beside `dummy`.
TEST_CASE("every operator has golden tests") {
  const std::set<std::string> elsewhere = {
      "image_collection", "raster", "simple_cube", "ncdf", "zarr", "plugin", "empty"};
  const auto folder = std::filesystem::path(CUBE_SOURCE_DIR) / "tests" / "ops";
  const Registry operators = builtin_operators();
  for (const OperatorType& type : operators.types()) {
    INFO(type.id);
    CHECK(std::filesystem::exists(folder / (type.id + ".json")) != elsewhere.contains(type.id));
  }
}

TEST_CASE(
    "golden tests of an operator have missing values, edges, one slice, one cell and nothing") {
  // A cell of the result stands for itself, or for the whole series or slice. Those with a halo are
  // tested in unit_stream.
  const std::set<std::string> no_edges = {"anomaly",
                                          "apply_pixel",
                                          "apply_time",
                                          "best_time",
                                          "cumulate_time",
                                          "filter_pixel",
                                          "join_bands",
                                          "mask",
                                          "reduce_space",
                                          "reduce_time",
                                          "rename_bands",
                                          "select_bands",
                                          "select_time",
                                          "slice_time",
                                          "stream",
                                          "trend_time",
                                          "stream_apply_pixel",
                                          "stream_apply_time",
                                          "stream_reduce_space",
                                          "stream_reduce_time"};
  const auto folder = std::filesystem::path(CUBE_SOURCE_DIR) / "tests" / "ops";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string id = entry.path().stem().string();
    if (entry.path().extension() != ".json" || id == "dummy") continue;
    INFO(id);
    std::set<std::string> kinds;
    for (const json& test : json::parse(cube::test::read_text(entry.path()))) {
      kinds.merge(kinds_of(test));
    }
    for (const char* kind :
         {"missing cells", "nothing but missing cells", "one slice", "one cell"}) {
      INFO(kind);
      CHECK(kinds.contains(kind));
    }
    CHECK(kinds.contains("edges") != no_edges.contains(id));
  }
}
