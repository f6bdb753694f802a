// image_collection on the real Landsat archive, against a slow and obvious composite: every scene
// is read whole with GDAL, every cell computed on its own. The scenes and the view share their CRS,
// so a cell's centre is found in a scene by its affine grid alone.
#include <gdal.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "catalog/catalog.h"
#include "engine/gdal/raster_info.h"
#include "engine/image_reader.h"
#include "engine/run.h"
#include "graphs/document.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kCloudBit = 4;

struct Raster {
  std::vector<double> cells;  // 0 is missing
  int width = 0;
  int height = 0;
  double left = 0;
  double top = 0;
  double dx = 0;
  double dy = 0;
};

struct Scene {
  std::string date;  // YYYYMMDD
  std::string name;
  std::filesystem::path folder;
};

Raster read_raster(const std::filesystem::path& file) {
  register_gdal();
  GDALDatasetH dataset = GDALOpen(file.c_str(), GA_ReadOnly);
  REQUIRE(dataset);
  Raster out;
  out.width = GDALGetRasterXSize(dataset);
  out.height = GDALGetRasterYSize(dataset);
  out.cells.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height));
  double transform[6];
  GDALGetGeoTransform(dataset, transform);
  out.left = transform[0];
  out.dx = transform[1];
  out.top = transform[3];
  out.dy = -transform[5];
  REQUIRE(GDALRasterIO(GDALGetRasterBand(dataset, 1), GF_Read, 0, 0, out.width, out.height,
                       out.cells.data(), out.width, out.height, GDT_Float64, 0, 0) == CE_None);
  GDALClose(dataset);
  return out;
}

// In acquisition order.
std::vector<Scene> scenes() {
  std::vector<Scene> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::shared_dir() / "data/landsat8_new_york_2018")) {
    const std::string name = entry.path().filename().string();
    out.push_back({name.substr(17, 8), name, entry.path()});
  }
  std::ranges::sort(out, {}, [](const Scene& s) { return std::pair(s.date, s.name); });
  return out;
}

Raster read_band(const Scene& scene, const std::string& suffix) {
  return read_raster(scene.folder / (scene.name.substr(0, 25) + "_" + suffix + ".TIF"));
}

double cell(const Raster& r, std::int64_t row, std::int64_t column) {
  if (row < 0 || column < 0 || row >= r.height || column >= r.width) return kNaN;
  const double value = r.cells[static_cast<std::size_t>(row * r.width + column)];
  return value == 0 ? kNaN : value;
}

// The value at a place, by the rule of the holding cell and renormalised weights.
double sample(const Raster& r, double x, double y, bool bilinear) {
  const double u = (x - r.left) / r.dx;
  const double v = (r.top - y) / r.dy;
  const double own = cell(r, std::int64_t(std::floor(v)), std::int64_t(std::floor(u)));
  if (!bilinear || std::isnan(own)) return own;
  const double u0 = std::floor(u - 0.5);
  const double v0 = std::floor(v - 0.5);
  double sum = 0;
  double weights = 0;
  for (int j = 0; j < 2; ++j) {
    for (int i = 0; i < 2; ++i) {
      const double value = cell(r, std::int64_t(v0) + j, std::int64_t(u0) + i);
      const double weight = (1 - std::abs(u - 0.5 - u0 - i)) * (1 - std::abs(v - 0.5 - v0 - j));
      if (std::isnan(value)) continue;
      sum += weight * value;
      weights += weight;
    }
  }
  return sum / weights;
}

double combine(std::vector<double> values, const std::string& aggregation) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (aggregation == "count_values") return static_cast<double>(values.size());
  if (values.empty()) return kNaN;
  if (aggregation == "first") return values.front();
  if (aggregation == "last") return values.back();
  if (aggregation == "max") return *std::ranges::max_element(values);
  if (aggregation == "min") return *std::ranges::min_element(values);
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

struct Case {
  std::string aggregation;
  std::string resampling;
  bool masked = false;
};

// Quarters of 2018 of band 5, on cells of 2 km that lie across those of the scenes.
Graph graph_of(const Case& c) {
  const std::string mask = R"(, "mask": {"bits": [4]}, "mask_band": "BQA")";
  const std::string text =
      R"({"cube_type": "select_bands", "bands": ["B05"], "in_cube":
          {"cube_type": "image_collection", "file": "reference/l8_gdalcubes.db", "view":
            {"aggregation": ")" +
      c.aggregation + R"(", "resampling": ")" + c.resampling +
      R"(", "space": {"left": 400013.7, "top": 4700007.3, "right": 600013.7, "bottom": 4520007.3,
                 "dx": 2000, "dy": 2000, "srs": "EPSG:32618"},
             "time": {"t0": "2018-01", "t1": "2018-12", "dt": "P3M"}})" +
      (c.masked ? mask : "") + "}}";
  Resources resources;
  resources.open_index = open_catalog;
  return compile(Document::parse(text, test::shared_dir()), document_operators(), resources);
}

// [t][y][x], flat.
std::vector<double> expected_of(const Case& c, const Grid& grid) {
  std::vector<double> out;
  std::vector<std::vector<Raster>> slices(4);
  for (const Scene& scene : scenes()) {
    Raster raster = read_band(scene, "B5");
    if (c.masked) {
      const Raster quality = read_band(scene, "BQA");
      for (std::size_t i = 0; i < raster.cells.size(); ++i) {
        if (static_cast<int>(quality.cells[i]) >> kCloudBit & 1) raster.cells[i] = 0;
      }
    }
    const auto quarter = static_cast<std::size_t>((std::stoi(scene.date.substr(4, 2)) - 1) / 3);
    slices[quarter].push_back(std::move(raster));
  }
  for (const std::vector<Raster>& rasters : slices) {
    for (std::int64_t y = 0; y < grid.height; ++y) {
      for (std::int64_t x = 0; x < grid.width; ++x) {
        std::vector<double> values;
        for (const Raster& raster : rasters) {
          values.push_back(
              sample(raster, grid.x_center(x), grid.y_center(y), c.resampling == "bilinear"));
        }
        out.push_back(combine(values, c.aggregation));
      }
    }
  }
  return out;
}

struct Difference {
  std::size_t missing = 0;  // cells missing in one only
  std::size_t values = 0;   // cells that differ by more than the tolerance
  std::size_t valid = 0;
};

Difference compare(const Block& block, const std::vector<double>& expected, double tolerance) {
  Difference out;
  std::vector<double> scratch;
  std::size_t i = 0;
  for (std::int64_t t = 0; t < block.region().t.end; ++t) {
    for (std::int64_t y = 0; y < block.region().y.end; ++y) {
      for (const double value : block.row(t, y, scratch)) {
        const double wanted = expected[i++];
        out.valid += std::isnan(wanted) ? 0U : 1U;
        if (std::isnan(value) != std::isnan(wanted)) {
          ++out.missing;
        } else if (std::abs(value - wanted) > tolerance * std::abs(wanted)) {
          ++out.values;
        }
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("composites equal a slow and obvious one") {
  constexpr double kFloat32Error = 1e-6;  // relative
  Resources resources;
  resources.make_reader = [] { return make_image_reader(); };
  for (const Case& c :
       {Case{"first", "near"}, Case{"last", "near"}, Case{"max", "near"}, Case{"median", "near"},
        Case{"count_values", "near"}, Case{"median", "bilinear"}, Case{"first", "bilinear"},
        Case{"median", "near", true}, Case{"min", "bilinear", true}}) {
    CAPTURE(c.aggregation);
    CAPTURE(c.resampling);
    CAPTURE(c.masked);
    const Graph graph = graph_of(c);
    const std::vector<double> expected = expected_of(c, graph.info().grid);
    const Chunk chunk = compute(graph, resources, {graph.info().extent(), {0}});
    REQUIRE(chunk.bands[0]);
    const Difference found = compare(*chunk.bands[0], expected, kFloat32Error);
    CHECK(found.valid > 5000);
    CHECK(found.missing == 0);
    CHECK(found.values == 0);
  }
}

TEST_CASE("chunks of the real archive are parts of the whole") {
  Resources resources;
  resources.make_reader = [] { return make_image_reader(); };
  for (const Case& c : {Case{"median", "bilinear", true}, Case{"last", "bilinear"}}) {
    const Graph graph = graph_of(c);
    const Chunk whole = compute(graph, resources, {graph.info().extent(), {0}});
    for (std::int64_t y = 0; y < graph.info().grid.height; y += 30) {
      const Region region{{1, 3}, {y, y + 30}, {17, 64}};
      const BlockPtr part = compute(graph, resources, {region, {0}}).bands[0];
      const BlockPtr wanted = crop(whole.bands[0], region);
      REQUIRE((part == nullptr) == (wanted == nullptr));
      if (part) CHECK(std::ranges::equal(part->raw(), wanted->raw()));
    }
  }
}

namespace {

// One variable of a reference result, from top to bottom.
std::vector<double> reference_cells(const std::string& name, const std::string& variable) {
  register_gdal();
  const std::string file =
      "NETCDF:\"" + (test::shared_dir() / "reference" / (name + ".nc")).string() + "\":" + variable;
  GDALDatasetH dataset = GDALOpen(file.c_str(), GA_ReadOnly);
  REQUIRE(dataset);
  const int width = GDALGetRasterXSize(dataset);
  const int height = GDALGetRasterYSize(dataset);
  std::vector<double> cells(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  REQUIRE(GDALRasterIO(GDALGetRasterBand(dataset, 1), GF_Read, 0, 0, width, height, cells.data(),
                       width, height, GDT_Float64, 0, 0) == CE_None);
  GDALClose(dataset);
  return cells;
}

// Parts of the cells that differ in being missing and, of the others, by more than `tolerance`.
struct Parts {
  double missing = 0;
  double values = 0;
};

Parts differing(const Block& block, const std::vector<double>& expected, double tolerance) {
  Parts out;
  double valid = 0;
  std::size_t i = 0;
  std::vector<double> scratch;
  for (std::int64_t y = 0; y < block.region().y.end; ++y) {
    for (const double value : block.row(0, y, scratch)) {
      const double wanted = expected[i++];
      if (std::isnan(value) != std::isnan(wanted)) {
        ++out.missing;
      } else if (!std::isnan(value)) {
        ++valid;
        out.values += std::abs(value - wanted) > tolerance ? 1 : 0;
      }
    }
  }
  REQUIRE(valid > 1000);
  return {out.missing / static_cast<double>(i), out.values / valid};
}

}  // namespace

TEST_CASE("graphs of gdalcubes give its results") {
  struct Reference {
    std::string name;
    double missing;    // part of all cells
    double values;     // part of the cells that both have
    double tolerance;  // of a cell; one of float32 where cells are equal
  };
  Resources resources;
  resources.open_index = open_catalog;
  resources.make_reader = [] { return make_image_reader(); };
  for (const Reference& reference : {Reference{"ndvi_median_3857_bilinear", 0.0005, 0.001, 1e-4},
                                     Reference{"reducers_32618_near", 0.001, 0.005, 1e-2}}) {
    CAPTURE(reference.name);
    const auto folder = test::shared_dir() / "reference";
    std::string text = test::read_text(folder / (reference.name + ".json"));
    text.replace(text.find("l8.db"), 5, "l8_gdalcubes.db");
    const Graph graph = compile(Document::parse(text, folder), document_operators(), resources);
    const auto& bands = graph.info().bands;
    for (std::size_t b = 0; b < bands.size(); ++b) {
      CAPTURE(bands[b].name);
      const Chunk chunk = compute(graph, resources, {graph.info().extent(), {b}});
      REQUIRE(chunk.bands[0]);
      const Parts parts = differing(*chunk.bands[0], reference_cells(reference.name, bands[b].name),
                                    reference.tolerance);
      CHECK(parts.missing <= reference.missing);
      CHECK(parts.values <= reference.values);
    }
  }
}
