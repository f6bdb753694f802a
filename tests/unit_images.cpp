// The contract of operators over real images: a small catalog of GeoTIFFs made here stands where
// examples have a dummy cube. Cells depend neither on chunks nor on threads, and of the files only
// on what lies in the region asked for.
#include <cmath>
#include <nlohmann/json.hpp>

#include "catalog/catalog.h"
#include "engine/run.h"
#include "graphs/document.h"
#include "tests/cells.h"
#include "tests/inline_cube.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;
using cube::test::computed;
using cube::test::computed_by_run;
using cube::test::difference;
using nlohmann::json;

namespace {

constexpr double kCell = 5;  // of the images; half a cell of the examples' grid

// Cells that differ everywhere, from 1 to 97; every seventh or so is 0.
double cell_of(int seed, int row, int column) {
  const int mixed = (seed * 31 + row * 17 + column * 7) * 7919 % 10007;
  return mixed % 7 == 0 ? 0 : 1 + mixed % 97;
}

// Where files differ between two archives of the same images.
using Poison = std::function<bool(double x, double y)>;

// Three images of two bands over the examples' grid (0, 0, 40, 30 in EPSG:3857): band1 with nodata
// 0, band2 without; two in January, shifted by half a source cell, one in March that has no band2.
class Archive {
 public:
  explicit Archive(const Poison& poison = {}) {
    write("a_20200105_band1.tif", GDT_UInt16, -20, 1, poison);
    write("a_20200105_band2.tif", GDT_Byte, -20, 2, poison);
    write("b_20200120_band1.tif", GDT_UInt16, 12.5, 3, poison);
    write("b_20200120_band2.tif", GDT_Byte, 12.5, 4, poison);
    write("c_20200310_band1.tif", GDT_UInt16, -5, 5, poison);
    const auto format = CollectionFormat::parse(R"({
      "images": {"pattern": ".*/([a-z]_[0-9]{8})_[^/]+\\.tif"},
      "datetime": {"pattern": ".*/[a-z]_([0-9]{8})_[^/]+\\.tif", "format": "%Y%m%d"},
      "bands": {"band1": {"pattern": ".+_band1\\.tif"}, "band2": {"pattern": ".+_band2\\.tif"}}})",
                                                "tiny");
    create_catalog(catalog(), format, expand_files({dir_.path().string()}).files, {});
  }

  std::string catalog() const { return dir_.file("c.db"); }

 private:
  void write(const std::string& name, GDALDataType type, double left, int seed,
             const Poison& poison) const {
    test::RasterSpec spec{.crs = "EPSG:3857",
                          .transform = {left, kCell, 0, 37.5, 0, -kCell},
                          .width = 8,
                          .height = 7,
                          .type = type,
                          .nodata = {}};
    if (type == GDT_UInt16) spec.nodata = 0;
    std::vector<double> cells;
    for (int row = 0; row < spec.height; ++row) {
      for (int column = 0; column < spec.width; ++column) {
        const double x = left + (column + 0.5) * kCell;
        const double y = spec.transform[3] - (row + 0.5) * kCell;
        cells.push_back(poison && poison(x, y) ? 200 : cell_of(seed, row, column));
      }
    }
    test::write_raster(dir_.file(name), spec, cells);
  }

  test::TempDir dir_;
};

Resources resources() {
  Resources resources;
  resources.open_index = [](const auto& file) { return open_catalog(file); };
  resources.make_reader = [] { return make_image_reader(); };
  resources.allow_exec = true;
  return resources;
}

Graph compiled(const json& document) {
  return compile(Document::parse(document.dump(), CUBE_PLUGINS), test::test_operators(),
                 resources());
}

json view_of(const std::string& aggregation, const std::string& resampling) {
  json view = json::parse(R"({"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10,
    "dy": 10, "srs": "EPSG:3857"}, "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}})");
  view["aggregation"] = aggregation;
  view["resampling"] = resampling;
  return view;
}

json collection(const Archive& archive, const json& view) {
  return {{"cube_type", "image_collection"}, {"file", archive.catalog()}, {"view", view}};
}

// Puts the archive's images where a document has a dummy cube.
void replace_dummies(json& place, const Archive& archive) {
  if (place.is_object() && place.value("cube_type", "") == "dummy") {
    json view = view_of("mean", "bilinear");
    view["space"] = place["view"]["space"];
    view["time"] = place["view"]["time"];
    // The archive's bands are called as the dummy's.
    json bands = json::array({"band1"});
    if (place.value("nbands", 1) > 1) bands.push_back("band2");
    place = {
        {"cube_type", "select_bands"}, {"bands", bands}, {"in_cube", collection(archive, view)}};
  } else if (place.is_structured()) {
    for (json& below : place) replace_dummies(below, archive);
  }
}

void check_chunks_and_threads(const Graph& graph) {
  const auto shapes = test::chunk_shapes(graph.info());
  const auto whole = computed(graph, resources(), shapes[0]);
  for (const ChunkShape& shape : shapes) {
    CHECK(difference(whole, computed(graph, resources(), shape)) == "");
  }
  for (const int threads : {1, 4}) {
    CHECK(difference(whole, computed_by_run(graph, resources(), threads)) == "");
  }
}

const std::vector<std::string> kAggregations = {"first", "last",   "min",          "max",
                                                "mean",  "median", "count_values", "count_images"};

}  // namespace

TEST_CASE("images of a catalog: cells worked out by hand") {
  const Archive archive;
  const auto cells =
      computed(compiled(collection(archive, view_of("first", "near"))), resources(), {1, 2, 3});
  // The centre of cell (0, 0), (5, 25), lies in row 2 of all images; in column 5 of image a (from
  // 5 to 10) and column 2 of image c (from 5 to 10); image b begins at 12.5.
  REQUIRE(cell_of(1, 2, 5) != 0);
  CHECK(cells[0][0] == cell_of(1, 2, 5));
  CHECK(cells[1][0] == cell_of(2, 2, 5));
  CHECK(std::isnan(cells[0][12]));  // no image in February
  CHECK(cells[0][24] == cell_of(5, 2, 2));
  CHECK(std::isnan(cells[1][24]));  // image c lacks band2
}

TEST_CASE("images of a catalog: every aggregation, the same for any chunks and threads") {
  const Archive archive;
  for (const std::string& aggregation : kAggregations) {
    for (const char* resampling : {"near", "bilinear"}) {
      CAPTURE(aggregation);
      CAPTURE(resampling);
      check_chunks_and_threads(compiled(collection(archive, view_of(aggregation, resampling))));
    }
  }
}

TEST_CASE("every operator over images of a catalog, the same for any chunks and threads") {
  const Archive archive;
  const Registry registry = test::test_operators();
  for (const OperatorType& type : registry.types()) {
    if (type.inputs.empty()) continue;
    CAPTURE(type.id);
    json document = json::parse(type.example);
    replace_dummies(document, archive);
    REQUIRE(document.dump().find("image_collection") != std::string::npos);
    const Graph graph = compiled(document);
    check_chunks_and_threads(graph);
    const auto cells = computed(graph, resources(), test::chunk_shapes(graph.info())[0]);
    CHECK(std::any_of(cells.begin(), cells.end(), [](const auto& band) {
      return std::any_of(band.begin(), band.end(), [](double cell) { return !std::isnan(cell); });
    }));
  }
}

TEST_CASE("cells of files outside the region asked for change nothing") {
  // Cells 1 and 2 of row 1: 10 to 30 and 10 to 20. Nearest and bilinear at cell centres need no
  // source cell whose centre lies outside of it.
  const Region region{{0, 3}, {1, 2}, {1, 3}};
  const auto outside = [](double x, double y) { return x < 10 || x > 30 || y < 10 || y > 20; };
  const Archive clean;
  const Archive poisoned(outside);
  for (const std::string& aggregation : kAggregations) {
    for (const char* resampling : {"near", "bilinear"}) {
      CAPTURE(aggregation);
      CAPTURE(resampling);
      const json view = view_of(aggregation, resampling);
      const Graph graph = compiled(collection(clean, view));
      const Graph other = compiled(collection(poisoned, view));
      const auto window = [&](const Graph& of) {
        const Chunk chunk = compute(of, resources(), {region, {0, 1}});
        return std::vector{test::cells_of(chunk, 0), test::cells_of(chunk, 1)};
      };
      CHECK(difference(window(graph), window(other)) == "");
      if (aggregation.starts_with("count")) continue;
      const auto whole = test::chunk_shapes(graph.info())[0];
      // The poison is there for those who look.
      CHECK(difference(computed(graph, resources(), whole), computed(other, resources(), whole)) !=
            "");
    }
  }
}
