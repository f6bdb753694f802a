// simple_cube: times, bands, grids, types and errors on small files.
#include <cmath>

#include "engine/plan.h"
#include "tests/raster_graphs.h"

using namespace cube;
using cube::test::cells_of;
using cube::test::counting;
using cube::test::resources;
using cube::test::same;
using nlohmann::json;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Files : test::RasterGraphs {
  Files() { cube_type = "simple_cube"; }

  void edit(const std::string& name, const std::function<void(GDALDataset&)>& change) const {
    register_gdal();
    const GDALDatasetUniquePtr dataset(
        GDALDataset::Open(dir.file(name).c_str(), GDAL_OF_UPDATE | GDAL_OF_RASTER));
    change(*dataset);
  }
};

std::vector<std::string> labels(const Graph& graph) {
  std::vector<std::string> out;
  for (std::int64_t i = 0; i < graph.info().time.size(); ++i) {
    out.push_back(graph.info().time.label(i));
  }
  return out;
}

std::vector<double> joined(std::initializer_list<std::vector<double>> slices) {
  std::vector<double> out;
  for (const auto& slice : slices) out.insert(out.end(), slice.begin(), slice.end());
  return out;
}

}  // namespace

TEST_CASE("slices stand in the order of their times") {
  Files files;
  files.write("a.tif", {.nodata = 5});
  files.write("b.tif", {.nodata = 5}, counting(12, 101));
  const Graph graph = files.graph({{"files", {"b.tif", "a.tif"}},
                                   {"datetime", {"2020-03-02", "2020-01-05"}},
                                   {"band_names", {"red"}}});
  CHECK(labels(graph) == std::vector<std::string>{"2020-01-05", "2020-03-02"});
  CHECK_FALSE(graph.info().time.is_regular());
  CHECK(graph.info().band_names() == std::vector<std::string>{"red"});
  CHECK(graph.info().band_aliases() == std::vector<std::string>{"x1"});
  CHECK(graph.info().bands[0].dtype == DType::kUInt16);
  CHECK(graph.info().bands[0].nodata == 5);
  CHECK(graph.info().grid.crs == "EPSG:32631");
  auto first = counting(12);
  first[4] = kNaN;
  CHECK(same(cells_of(graph), {joined({first, counting(12, 101)})}));
  CHECK(graph.nodes[0].op->source_names() ==
        std::vector<std::string>{files.dir.file("a.tif"), files.dir.file("b.tif")});
}

TEST_CASE("a graph as gdalcubes writes it") {
  Files files;
  files.write("a.tif");
  files.write("b.tif", {}, counting(12, 101));
  const Graph graph = files.graph({{"files", {"a.tif", "b.tif"}},
                                   {"datetime", {"2020-01-05", "2020-03-02"}},
                                   {"chunk_size", {1, 256, 256}},
                                   {"dx", -1.0},
                                   {"dy", -1.0},
                                   {"strict", true}});
  CHECK(graph.info().band_names() == std::vector<std::string>{"x1"});
  CHECK(graph.nodes[0].op->preferred_chunk() == ChunkWish(ChunkShape{1, 256, 256}));
  CHECK(same(cells_of(graph), {joined({counting(12), counting(12, 101)})}));
}

TEST_CASE("one band a file: bands that a time lacks are missing there") {
  Files files;
  files.write("r1.tif");
  files.write("n1.tif", {}, counting(12, 101));
  files.write("r2.tif", {}, counting(12, 201));
  const Graph graph = files.graph({{"files", {"r1.tif", "n1.tif", "r2.tif"}},
                                   {"datetime", {"2020-01-05", "2020-01-05", "2020-03-02"}},
                                   {"bands", {"red", "nir", "red"}}});
  CHECK(graph.info().band_names() == std::vector<std::string>{"red", "nir"});
  CHECK(graph.info().bands[0].dtype == DType::kUInt16);
  CHECK(graph.info().bands[1].dtype == DType::kInt32);
  CHECK(graph.info().bands[1].note == "widened from uint16: some slices lack it");
  CHECK(same(cells_of(graph), {joined({counting(12), counting(12, 201)}),
                               joined({counting(12, 101), std::vector<double>(12, kNaN)})}));
  // Empty where there is no file, told without reading.
  const Operator& op = *graph.nodes[0].op;
  CHECK(op.cost({{{1, 2}, {0, 3}, {0, 4}}, {1}}).empty);
  CHECK_FALSE(op.cost({{{0, 2}, {0, 3}, {0, 4}}, {1}}).empty);
  CHECK(op.cost({{{0, 2}, {0, 3}, {0, 4}}, {1}}).filled_slices == 1);
}

TEST_CASE("times from names, wildcards in order, and from the files") {
  Files files;
  files.write("LC08_20200302_B4.tif", {}, counting(12, 101));
  files.write("LC08_20200105_B4.tif");
  const auto made = [&](json arguments) {
    arguments["files"] = {"LC08_*.tif"};
    return labels(files.graph(arguments));
  };
  const std::vector<std::string> expected = {"2020-01-05", "2020-03-02"};
  CHECK(made({{"datetime_pattern", "_([0-9]{8})_"}}) == expected);
  CHECK(made({{"datetime_pattern", "[0-9]{8}"}}) == expected);
  CHECK(made({{"datetime_pattern", ".*LC08_(.+)_B4.*"}, {"datetime_format", "%Y%m%d"}}) ==
        expected);
  CHECK(made({{"datetime", {"2020-05-01", "2020-06-01"}}}) ==
        std::vector<std::string>{"2020-05-01", "2020-06-01"});
  CHECK(files.error({{"files", "LC08_*.tif"}})
            .starts_with("/files: LC08_20200105_B4.tif does not say its time (datetime, one a"));
  files.edit("LC08_20200302_B4.tif", [](GDALDataset& dataset) {
    dataset.SetMetadataItem("TIFFTAG_DATETIME", "2021:02:03 04:05:06");
  });
  CHECK(labels(files.graph({{"files", "LC08_20200302*"}})) ==
        std::vector<std::string>{"2021-02-03T04:05:06"});
}

TEST_CASE("what is wrong with times is told") {
  Files files;
  files.write("a.tif");
  files.write("b.tif");
  const auto error = [&](json arguments) {
    if (!arguments.contains("files")) arguments["files"] = {"a.tif", "b.tif"};
    return files.error(arguments);
  };
  CHECK(error({{"datetime", {"2020"}}}) == "/datetime: 1 time for 2 files (one a file)");
  CHECK(error({{"datetime", {"2020", "soon"}}}) ==
        "/datetime/1: 'soon' is no time (such as 2023-06-15 or 2023-06-15T10:50:31)");
  CHECK(error({{"datetime", {"2020", "2020-01-01"}}}) ==
        "/files/1: a.tif and b.tif are both of 2020-01-01T00:00:00 (one file a time and band; an "
        "image collection combines several)");
  CHECK(error({{"datetime", {"2020", "2020"}}, {"bands", {"x", "x"}}}) ==
        "/files/1: a.tif and b.tif are both of 2020-01-01T00:00:00 and band 'x' (one file a time "
        "and band; an image collection combines several)");
  CHECK(error({{"datetime", {"2020", "2021"}}, {"datetime_pattern", "x"}}) ==
        "/datetime_pattern: 'datetime' and a pattern of file names are both given (leave one of "
        "them out)");
  CHECK(error({{"datetime_format", "%Y"}}) ==
        "/datetime_format: a format without a pattern (\"datetime_pattern\" says where the time "
        "stands in a file's name)");
  CHECK(error({{"datetime_pattern", "("}})
            .starts_with("/datetime_pattern: '(' is not a regular expression: "));
  CHECK(error({{"datetime_pattern", "[0-9]{12}"}}) ==
        "/files/0: nothing in 'a.tif' matches the pattern ([0-9]{12})");
  CHECK(error({{"datetime_pattern", "[ab]"}}) ==
        "/datetime_pattern: 'a' of a.tif is no time (\"datetime_format\" says how it is written)");
  CHECK(error({{"datetime_pattern", "[ab]"}, {"datetime_format", "%Y"}}) ==
        "/datetime_format: 'a' of a.tif is no time of the format '%Y' (%Y %m %d %j %H %M %S)");
  CHECK(error({{"files", json::array()}}) == "/files: no file is given");
  CHECK(error({{"files", {"c*.tif"}}}).starts_with("/files/0: no file is named like '"));
  CHECK(error({{"files", {"no.tif"}}, {"datetime", {"2020"}}}) ==
        "/files/0: no.tif: there is no such file");
}

TEST_CASE("what is wrong with bands is told") {
  Files files;
  files.write("a.tif");
  files.write("two.tif", {.bands = 2});
  const auto error = [&](json arguments) {
    arguments["datetime"] = {"2020", "2021"};
    arguments["files"] = {"a.tif", "two.tif"};
    return files.error(arguments);
  };
  CHECK(error({}) == "/files/1: a.tif and two.tif differ in their number of bands: 1 and 2");
  CHECK(error({{"bands", {"x", "y"}}}) ==
        "/files/1: two.tif has 2 bands, where 'bands' says it is one (band_names names the bands "
        "of files that hold several)");
  CHECK(error({{"bands", {"x"}}}) ==
        "/bands: 1 band for 2 files (one a file; band_names names the bands of files that hold "
        "several)");
  CHECK(error({{"bands", {"x", "y"}}, {"band_names", {"z"}}})
            .starts_with("/band_names: 'bands' and 'band_names' are both given"));
  CHECK(error({{"band_names", {"x", "y"}}}) == "/band_names: 2 names for the 1 band of a.tif");
  CHECK(error({{"band_names", {""}}}).starts_with("/files/1: a.tif and two.tif differ"));
  CHECK(files.error({{"files", "a.tif"}, {"datetime", {"2020"}}, {"band_names", {""}}}) ==
        "/band_names/0: a band needs a name");
  CHECK(files.error({{"files", "two.tif"}, {"datetime", {"2020"}}, {"band_names", {"x", "x"}}}) ==
        "/band_names: two bands are named 'x'");
}

TEST_CASE("files on different grids: the file and the first difference") {
  Files files;
  files.write("a.tif");
  files.write("crs.tif", {.crs = "EPSG:32632"});
  files.write("size.tif", {.width = 5});
  files.write("fine.tif", {.transform = {500000, 5, 0, 5000000, 0, -5}, .width = 8, .height = 6});
  files.write("rotated.tif", {.transform = {500000, 10, 1, 5000000, 1, -10}});
  const auto error = [&](const char* other, json arguments = json::object()) {
    arguments["files"] = {"a.tif", other};
    arguments["datetime"] = {"2020", "2021"};
    return files.error(arguments);
  };
  const std::string hint = " (an image collection resamples images to one grid)";
  CHECK(error("crs.tif") ==
        "/files/1: a.tif and crs.tif differ in their CRS: EPSG:32631 and EPSG:32632" + hint);
  CHECK(error("size.tif") ==
        "/files/1: a.tif and size.tif differ in their size: 4 x 3 and 5 x 3 cells" + hint);
  CHECK(error("fine.tif") ==
        "/files/1: a.tif and fine.tif differ in their size: 4 x 3 and 8 x 6 cells" + hint);
  CHECK(error("size.tif", {{"bands", {"x", "y"}}}) ==
        "/files/1: a.tif and size.tif differ in their extent (left, bottom, right, top): 5e+05, "
        "4999970, 500040, 5e+06 and 5e+05, 4999970, 500050, 5e+06" +
            hint);
  CHECK(error("rotated.tif") ==
        "/files/1: rotated.tif has no north-up grid (an image collection resamples such images)");
  CHECK(error("a.tif", {{"resampling", "linear"}})
            .starts_with("/resampling: there is no resampling method 'linear'"));
  CHECK(error("a.tif", {{"chunk_size", {1, 0, 1}}}).starts_with("/chunk_size/1: "));
}

TEST_CASE("bands of several resolutions are brought to the finest, or to cells asked for") {
  Files files;
  files.write("coarse.tif",
              {.transform = {500000, 10, 0, 5000000, 0, -10}, .width = 2, .height = 1}, {1, 2});
  files.write("fine.tif", {.transform = {500000, 5, 0, 5000000, 0, -5}, .width = 4, .height = 2},
              {1, 2, 3, 4, 5, 6, 7, 8});
  const json both = {
      {"files", {"coarse.tif", "fine.tif"}}, {"datetime", {"2020", "2020"}}, {"bands", {"c", "f"}}};
  const Graph graph = files.graph(both);
  CHECK(graph.info().grid.dx == 5);
  CHECK(graph.info().bands[0].dtype == DType::kUInt16);
  CHECK(same(cells_of(graph), {{1, 1, 2, 2, 1, 1, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}));
  json coarse = both;
  coarse["dx"] = 10;
  coarse["dy"] = 10;
  coarse["resampling"] = "average";
  CHECK(same(cells_of(files.graph(coarse)), {{1, 2}, {4, 6}}));  // 3.5 and 5.5, rounded to even
  // 20 m in cells of 15 m: the extent grows by 5 m on both sides.
  json grown = both;
  grown["dx"] = 15;
  const Graph wide = files.graph(grown);
  CHECK(wide.info().grid.left == 499995);
  CHECK(wide.info().grid.width == 2);
}

TEST_CASE("files of one band that differ in type or nodata") {
  Files files;
  files.write("byte.tif", {.type = GDT_Byte, .nodata = 3});
  files.write("short.tif", {.type = GDT_Int16, .nodata = -1},
              {-1, 3, 300, 4, 5, 6, 7, 8, 9, 1, 2, 3});
  const Graph graph =
      files.graph({{"files", {"byte.tif", "short.tif"}}, {"datetime", {"2020", "2021"}}});
  CHECK(graph.info().bands[0].dtype == DType::kInt32);
  CHECK(graph.info().bands[0].note == "widened from int16: its files have several nodata values");
  auto first = counting(12);
  first[2] = kNaN;
  CHECK(same(cells_of(graph), {joined({first, {kNaN, 3, 300, 4, 5, 6, 7, 8, 9, 1, 2, 3}})}));
}

TEST_CASE("scale and offset stay attributes or are applied, never both") {
  Files files;
  files.write("a.tif", {.nodata = 12});
  files.write("b.tif", {.nodata = 12}, counting(12, 101));
  const auto pack = [&](const char* name, double scale, double offset) {
    files.edit(name, [&](GDALDataset& dataset) {
      dataset.GetRasterBand(1)->SetScale(scale);
      dataset.GetRasterBand(1)->SetOffset(offset);
    });
  };
  pack("a.tif", 0.5, -10);
  pack("b.tif", 0.5, -10);
  json arguments = {{"files", {"a.tif", "b.tif"}}, {"datetime", {"2020", "2021"}}};
  const Graph packed = files.graph(arguments);
  CHECK(packed.info().bands[0].scale == 0.5);
  CHECK(packed.info().bands[0].offset == -10);
  CHECK(packed.info().bands[0].dtype == DType::kUInt16);
  auto stored = joined({counting(12), counting(12, 101)});
  stored[11] = kNaN;
  CHECK(same(cells_of(packed), {stored}));
  arguments["unpack"] = true;
  const Graph unpacked = files.graph(arguments);
  CHECK(unpacked.info().bands[0].scale == 1);
  CHECK(unpacked.info().bands[0].offset == 0);
  CHECK(unpacked.info().bands[0].dtype == DType::kFloat32);
  CHECK(unpacked.info().bands[0].note == "unpacked: stored * 0.5 + -10");
  std::vector<double> physical;
  for (const double value : stored) physical.push_back(value * 0.5 - 10);
  CHECK(same(cells_of(unpacked), {physical}));
  // Each file by its own.
  pack("b.tif", 2, 0);
  for (std::size_t i = 12; i < 24; ++i) physical[i] = stored[i] * 2;
  CHECK(same(cells_of(files.graph(arguments)), {physical}));
  arguments["unpack"] = false;
  CHECK(files.error(arguments) ==
        "/files/1: b.tif has scale and offset 2, 0, files before it 0.5, -10 (\"unpack\": true "
        "applies those of each file)");
}

TEST_CASE("strict: files that cannot be read fail the graph or are left out") {
  Files files;
  files.write("a.tif");
  test::write_text(files.dir.file("broken.tif"), "no raster");
  json arguments = {{"files", {"a.tif", "broken.tif"}}, {"datetime", {"2020", "2021"}}};
  CHECK(files.error(arguments).starts_with("/files/1: broken.tif: cannot be opened as a raster"));
  arguments["strict"] = false;
  const Graph graph = files.graph(arguments);
  CHECK(graph.info().time.size() == 2);
  CHECK(graph.info().bands[0].note ==
        "widened from uint16: files that cannot be read are left out");
  CHECK(same(cells_of(graph), {joined({counting(12), std::vector<double>(12, kNaN)})}));
  arguments["files"] = {"broken.tif", "broken.tif"};
  CHECK(files.error(arguments).starts_with("/files: none of the files can be read: "));
}

TEST_CASE("time operators work on the labels") {
  Files files;
  files.write("a.tif");
  files.write("b.tif", {}, counting(12, 101));
  files.write("c.tif", {}, counting(12, 201));
  const json source =
      files.node({{"files", {"a.tif", "b.tif", "c.tif"}},
                  {"datetime", {"2020-01-05", "2020-01-21T10:00:00", "2020-03-02"}}});
  const Graph selected = files.compiled(
      {{"cube_type", "select_time"}, {"t", {"2020-03", "2020-01-21"}}, {"in_cube", source}});
  CHECK(labels(selected) == std::vector<std::string>{"2020-01-21T10:00:00", "2020-03-02T00:00:00"});
  CHECK(same(cells_of(selected), {joined({counting(12, 101), counting(12, 201)})}));
  const Graph cropped = files.compiled({{"cube_type", "crop"},
                                        {"extent", {{"t0", "2020-01-10"}, {"t1", "2020-02"}}},
                                        {"in_cube", source}});
  CHECK(same(cells_of(cropped), {counting(12, 101)}));
}
