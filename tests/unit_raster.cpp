// raster and what stands on it: names, types, grids, overviews, blocks and errors on small files.
#include <cmath>

#include "engine/evaluator.h"
#include "engine/plan.h"
#include "tests/raster_graphs.h"

using namespace cube;
using cube::test::cells_of;
using cube::test::counting;
using cube::test::resources;
using cube::test::same;
using nlohmann::json;
using Files = cube::test::RasterGraphs;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Two bands, the second with a description.
void write_two(const std::string& file, const char* option = nullptr) {
  register_gdal();
  auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  std::array<char*, 2> options = {const_cast<char*>(option), nullptr};
  GDALDatasetUniquePtr dataset(driver->Create(file.c_str(), 4, 3, 2, GDT_Byte, options.data()));
  std::array<double, 6> transform = {500000, 10, 0, 5000000, 0, -10};
  dataset->SetGeoTransform(transform.data());
  dataset->SetProjection(crs_wkt("EPSG:32631").c_str());
  for (int band = 1; band <= 2; ++band) {
    std::vector<double> cells = counting(12, 100 * band);
    CHECK(dataset->GetRasterBand(band)->RasterIO(GF_Write, 0, 0, 4, 3, cells.data(), 4, 3,
                                                 GDT_Float64, 0, 0, nullptr) == CE_None);
  }
  dataset->GetRasterBand(2)->SetDescription("nir");
  dataset->GetRasterBand(2)->SetScale(0.5);
  dataset->GetRasterBand(2)->SetOffset(3);
  dataset->GetRasterBand(2)->SetUnitType("1");
}

}  // namespace

TEST_CASE("bands of all files side by side, in their types, with names and attributes") {
  Files files;
  files.write("a.tif", {.nodata = 5});
  write_two(files.dir.file("b.tif"));
  const Graph graph = files.graph({{"files", {"a.tif", "b.tif"}}});
  const CubeInfo& info = graph.info();
  CHECK(info.band_names() == std::vector<std::string>{"im1b1", "im2b1", "nir"});
  CHECK(info.band_aliases() == std::vector<std::string>{"im1b1", "im2b1", "im2b2"});
  CHECK(info.bands[0].dtype == DType::kUInt16);
  CHECK(info.bands[0].nodata == 5);
  CHECK(info.bands[1].dtype == DType::kUInt8);
  CHECK_FALSE(info.bands[1].nodata.has_value());
  CHECK(info.bands[2].scale == 0.5);
  CHECK(info.bands[2].offset == 3);
  CHECK(info.bands[2].unit == "1");
  CHECK(info.grid.crs == "EPSG:32631");
  CHECK(info.time.size() == 1);
  CHECK(info.time.label(0) == "1970-01-01");
  auto first = counting(12);
  first[4] = kNaN;
  CHECK(same(cells_of(graph), {first, counting(12, 100), counting(12, 200)}));
  CHECK(graph.nodes[0].op->source_names() ==
        std::vector<std::string>{files.dir.file("a.tif"), files.dir.file("b.tif")});
}

TEST_CASE("formulas and band lists know bands by the numbers of file and band") {
  Files files;
  files.write("a.tif");
  write_two(files.dir.file("b.tif"));
  const json raster = files.node({{"files", {"a.tif", "b.tif"}}});
  const Graph sum = files.compiled(
      {{"cube_type", "apply_pixel"}, {"expr", {"im1b1 + im2b2 - nir"}}, {"in_cube", raster}});
  CHECK(same(cells_of(sum), {counting(12)}));
  const Graph one =
      files.compiled({{"cube_type", "select_bands"}, {"bands", {"im2b2"}}, {"in_cube", raster}});
  CHECK(one.info().band_names() == std::vector<std::string>{"nir"});
}

TEST_CASE("bands can be picked and named") {
  Files files;
  write_two(files.dir.file("b.tif"));
  files.write("a.tif");
  const Graph graph = files.graph({{"file", "b.tif"}, {"band", {2, 1}}, {"bands", {"x", "y"}}});
  CHECK(graph.info().band_names() == std::vector<std::string>{"x", "y"});
  CHECK(graph.info().band_aliases() == std::vector<std::string>{"im1b2", "im1b1"});
  CHECK(same(cells_of(graph), {counting(12, 200), counting(12, 100)}));
  // Names that do not tell bands apart give way.
  const Graph twice = files.graph({{"files", {"b.tif", "b.tif"}}, {"band", 2}});
  CHECK(twice.info().band_names() == std::vector<std::string>{"im1b2", "im2b2"});
  CHECK(files.error({{"file", "b.tif"}, {"band", {1, 3}}}) ==
        "/band: b.tif has no band 3 (1 to 2)");
  CHECK(files.error({{"file", "b.tif"}, {"band", 0}}) == "/band: b.tif has no band 0 (1 to 2)");
  CHECK(files.error({{"file", "b.tif"}, {"bands", {"x"}}}) ==
        "/bands: 1 name for 2 bands (one a band of each file)");
  CHECK(files.error({{"file", "b.tif"}, {"bands", {"x", "x"}}}) ==
        "/bands: two bands are named 'x'");
  CHECK(files.error({{"file", "b.tif"}, {"bands", {"x", ""}}}) == "/bands/1: a band needs a name");
}

TEST_CASE("one file or several, and files that are none") {
  Files files;
  files.write("a.tif");
  CHECK(files.error({{"file", "a.tif"}, {"files", {"a.tif"}}}) ==
        "/file: 'file' and 'files' are both given (leave one of them out)");
  CHECK(files.error(json::object()) == "raster: no file is given (file, or files)");
  CHECK(files.error({{"file", "no.tif"}}) == "/file: no.tif: there is no such file");
  CHECK(files.error({{"files", {"a.tif", "no.tif"}}}) == "/files/1: no.tif: there is no such file");
  files.write("rotated.tif", {.transform = {500000, 10, 1, 5000000, 1, -10}});
  CHECK(files.error({{"file", "rotated.tif"}}) ==
        "/file: rotated.tif has no north-up grid (\"like\" or \"view\": a grid to resample it to)");
}

TEST_CASE(
    "files that begin at any corner, or whose rows run along y, have the cells of their grid") {
  Files files;
  constexpr int kWidth = 4, kHeight = 3;
  const Grid wanted{.crs = "EPSG:32631",
                    .left = 500000,
                    .top = 5000000,
                    .dx = 10,
                    .dy = 10,
                    .width = kWidth,
                    .height = kHeight};
  const std::vector<double> upright = counting(kWidth * kHeight);
  for (const bool from_right : {false, true}) {
    for (const bool from_bottom : {false, true}) {
      for (const bool along_y : {false, true}) {
        CAPTURE(from_right);
        CAPTURE(from_bottom);
        CAPTURE(along_y);
        std::vector<double> stored(upright.size());
        for (int row = 0; row < kHeight; ++row) {
          for (int column = 0; column < kWidth; ++column) {
            const int y = from_bottom ? kHeight - 1 - row : row;
            const int x = from_right ? kWidth - 1 - column : column;
            stored[static_cast<std::size_t>(along_y ? x * kHeight + y : y * kWidth + x)] =
                upright[static_cast<std::size_t>(row * kWidth + column)];
          }
        }
        const double left = from_right ? 500040 : 500000, dx = from_right ? -10 : 10;
        const double top = from_bottom ? 4999970 : 5000000, dy = from_bottom ? 10 : -10;
        const std::array<double, 6> transform =
            along_y ? std::array<double, 6>{left, 0, dx, top, dy, 0}
                    : std::array<double, 6>{left, dx, 0, top, 0, dy};
        files.write("a.tif",
                    {.transform = transform,
                     .width = along_y ? kHeight : kWidth,
                     .height = along_y ? kWidth : kHeight},
                    stored);
        const Graph graph = files.graph({{"file", "a.tif"}});
        CHECK(grid_difference(graph.info().grid, wanted) == "");
        CHECK(same(cells_of(graph), {upright}));
      }
    }
  }
}

TEST_CASE("files on different grids: the first difference, or resampled") {
  Files files;
  files.write("a.tif");
  files.write("crs.tif", {.crs = "EPSG:32632"});
  files.write("size.tif", {.width = 5});
  files.write("place.tif", {.transform = {500010, 10, 0, 5000000, 0, -10}});
  const std::string hint =
      " (\"align\": \"exact\" resamples to the first file's grid, \"like\" to that of another "
      "raster)";
  const auto error = [&](const char* other) { return files.error({{"files", {"a.tif", other}}}); };
  CHECK(error("crs.tif") ==
        "/files/1: a.tif and crs.tif differ in their CRS: EPSG:32631 and EPSG:32632" + hint);
  CHECK(error("size.tif") ==
        "/files/1: a.tif and size.tif differ in their size: 4 x 3 and 5 x 3 cells" + hint);
  CHECK(error("place.tif") ==
        "/files/1: a.tif and place.tif differ in their grid: 5e+05, 5e+06 in steps of 10, 10 "
        "and 500010, 5e+06 in steps of 10, 10" +
            hint);
  CHECK(files.error({{"file", "place.tif"}, {"like", "a.tif"}, {"align", "error"}}) ==
        "/file: a.tif and place.tif differ in their grid: 5e+05, 5e+06 in steps of 10, 10 and "
        "500010, 5e+06 in steps of 10, 10 (\"align\": \"exact\" resamples)");
  CHECK(files.error({{"file", "a.tif"}, {"like", "no.tif"}}) ==
        "/like: no.tif: there is no such file");
  CHECK(files.error({{"file", "a.tif"}, {"resampling", "linear"}})
            .starts_with("/resampling: there is no resampling method 'linear'"));

  // To the first file's grid: the other file lies a cell to the right of it.
  const Graph graph = files.graph({{"files", {"a.tif", "place.tif"}}, {"align", "exact"}});
  CHECK(graph.info().bands[0].dtype == DType::kUInt16);
  CHECK(graph.info().bands[1].dtype == DType::kInt32);  // has gaps and no value for them
  CHECK(graph.info().bands[1].note.starts_with("widened from uint16: the grid goes beyond "));
  CHECK(same(cells_of(graph), {counting(12), {kNaN, 1, 2, 3, kNaN, 5, 6, 7, kNaN, 9, 10, 11}}));
}

TEST_CASE("like: the grid of another raster, bands keep their type") {
  Files files;
  files.write("a.tif");
  files.write("fine.tif", {.transform = {500005, 5, 0, 4999995, 0, -5}, .width = 6, .height = 2});
  const Graph graph =
      files.graph({{"file", "a.tif"}, {"like", "fine.tif"}, {"resampling", "bilinear"}});
  CHECK(graph.info().bands[0].dtype == DType::kUInt16);
  CHECK_FALSE(graph.info().bands[0].nodata.has_value());
  CHECK(graph.info().grid.dx == 5);
  CHECK_FALSE(graph.nodes[0].op->stored_blocks().has_value());
  // Cell (0, 0) is centred at 507.5, 992.5: 1 + 0.25 + 0.25 * 4 = 2.25, rounded; ties to even.
  CHECK(same(cells_of(graph), {{2, 3, 3, 4, 4, 5, 4, 5, 5, 6, 6, 7}}));
}

TEST_CASE("a file that lies outside of the grid it is brought to is noted") {
  Files files;
  files.write("a.tif");
  files.write("far.tif", {.transform = {100000, 10, 0, 200000, 0, -10}, .width = 2, .height = 2});
  const Graph graph = files.graph({{"files", {"far.tif", "a.tif"}}, {"like", "far.tif"}});
  REQUIRE(graph.notes.size() == 1);
  CHECK(graph.notes[0].where == "/files/1");
  CHECK(graph.notes[0].text ==
        files.dir.file("a.tif") +
            " lies outside of the cube, so its bands are missing: it spans x 500000 to 500040, "
            "y 4999970 to 5000000, the cube x 100000 to 100020, y 199980 to 200000 in EPSG:32631");
  CHECK(same({cells_of(graph)[1]}, {std::vector<double>(4, kNaN)}));
  CHECK(files.graph({{"files", {"far.tif", "a.tif"}}, {"like", "a.tif"}}).notes.size() == 1);
  CHECK(files.graph({{"file", "a.tif"}, {"like", "a.tif"}}).notes.empty());
  // Not where longitudes are counted otherwise.
  files.write("east.tif",
              {.crs = "EPSG:4326", .transform = {350, 1, 0, 10, 0, -1}, .width = 5, .height = 5});
  files.write("west.tif",
              {.crs = "EPSG:4326", .transform = {-9, 1, 0, 10, 0, -1}, .width = 3, .height = 5});
  files.write("other.tif",
              {.crs = "EPSG:4326", .transform = {-30, 1, 0, 10, 0, -1}, .width = 3, .height = 5});
  CHECK(files.graph({{"file", "east.tif"}, {"like", "west.tif"}}).notes.empty());
  CHECK(files.graph({{"file", "west.tif"}, {"like", "east.tif"}}).notes.empty());
  CHECK(files.graph({{"file", "other.tif"}, {"like", "east.tif"}}).notes.size() == 1);
}

TEST_CASE("an overview has a grid of its own and is what is read") {
  Files files;
  const std::string file = files.write("levels.tif", {.width = 5, .height = 3}, counting(15));
  REQUIRE(test::run_command("gdaladdo -q -r nearest " + file + " 2").status == 0);
  const Graph graph = files.graph({{"file", "levels.tif"}, {"overview_level", 0}});
  const Grid& grid = graph.info().grid;
  CHECK(grid.width == 3);
  CHECK(grid.height == 2);
  CHECK(grid.dx == doctest::Approx(50.0 / 3));
  CHECK(grid.right() == doctest::Approx(500050));
  const GDALDatasetUniquePtr dataset(GDALDataset::Open(file.c_str()));
  std::vector<double> stored(6);
  CHECK(dataset->GetRasterBand(1)->GetOverview(0)->RasterIO(
            GF_Read, 0, 0, 3, 2, stored.data(), 3, 2, GDT_Float64, 0, 0, nullptr) == CE_None);
  CHECK(same(cells_of(graph), {stored}));
  CHECK(files.error({{"file", "levels.tif"}, {"overview_level", 1}}) ==
        "/overview_level: levels.tif has no overview 1 (0, 0 the finest)");
  CHECK(files.error({{"file", "levels.tif"}, {"overview_level", -1}})
            .starts_with("/overview_level: levels.tif has no overview -1"));
  files.write("flat.tif");
  CHECK(files.error({{"file", "flat.tif"}, {"overview_level", 0}}) ==
        "/overview_level: flat.tif has no overview 0 (it has none)");
}

TEST_CASE("the time is what the file says, or the user") {
  Files files;
  const std::string file = files.write("t.tif");
  const auto label = [&](const json& arguments) {
    return files.graph(arguments).info().time.label(0);
  };
  const auto tag = [&](const char* key, const char* value, const char* domain) {
    const GDALDatasetUniquePtr dataset(GDALDataset::Open(file.c_str(), GDAL_OF_UPDATE));
    dataset->SetMetadataItem(key, value, domain);
  };
  tag("TIFFTAG_DATETIME", "2021:02:03 04:05:06", "");
  CHECK(label({{"file", "t.tif"}}) == "2021-02-03T04:05:06");
  tag("ACQUISITIONDATETIME", "2020-06-15", "IMAGERY");
  CHECK(label({{"file", "t.tif"}}) == "2020-06-15");
  CHECK(label({{"file", "t.tif"}, {"datetime", "2019-03"}}) == "2019-03-01");
  CHECK(files.error({{"file", "t.tif"}, {"datetime", "yesterday"}}) ==
        "/datetime: 'yesterday' is no time (such as 2023-06-15 or 2023-06-15T10:50:31)");
}

TEST_CASE("a mask band hides cells, which need a nodata value") {
  Files files;
  const std::string file = files.dir.file("alpha.tif");
  write_two(file, "ALPHA=YES");
  {
    const GDALDatasetUniquePtr dataset(GDALDataset::Open(file.c_str(), GDAL_OF_UPDATE));
    std::uint8_t zero = 0;
    CHECK(dataset->GetRasterBand(2)->RasterIO(GF_Write, 1, 0, 1, 1, &zero, 1, 1, GDT_Byte, 0, 0,
                                              nullptr) == CE_None);
  }
  const Graph graph = files.graph({{"file", "alpha.tif"}, {"band", 1}});
  CHECK(graph.info().bands[0].dtype == DType::kInt16);
  CHECK(graph.info().bands[0].note == "widened from uint8: a mask hides cells");
  auto expected = counting(12, 100);
  expected[1] = kNaN;
  CHECK(same(cells_of(graph), {expected}));
}

TEST_CASE("scale and offset are applied when asked for, and then gone") {
  Files files;
  write_two(files.dir.file("b.tif"));
  json arguments = {{"file", "b.tif"}, {"unpack", true}};
  const Graph graph = files.graph(arguments);
  const std::vector<BandInfo>& bands = graph.info().bands;
  CHECK(bands[0].dtype == DType::kUInt8);  // has none
  CHECK(bands[0].note.empty());
  CHECK(bands[1].dtype == DType::kFloat32);
  CHECK(bands[1].scale == 1);
  CHECK(bands[1].offset == 0);
  CHECK(bands[1].note == "unpacked: stored * 0.5 + 3");
  std::vector<double> physical;
  for (const double stored : counting(12, 200)) physical.push_back(stored * 0.5 + 3);
  CHECK(same(cells_of(graph), {counting(12, 100), physical}));
  // Missing cells stay missing, resampled or not.
  files.write("gaps.tif", {.type = GDT_Int16, .nodata = 2});
  {
    const GDALDatasetUniquePtr dataset(
        GDALDataset::Open(files.dir.file("gaps.tif").c_str(), GDAL_OF_UPDATE));
    dataset->GetRasterBand(1)->SetScale(-2);
  }
  physical.clear();
  for (const double stored : counting(12)) physical.push_back(stored == 2 ? kNaN : stored * -2);
  CHECK(same(cells_of(files.graph({{"file", "gaps.tif"}, {"unpack", true}})), {physical}));
}

TEST_CASE("wildcards stand for files in the order of their names") {
  Files files;
  files.write("x_2.tif", {}, counting(12, 20));
  files.write("x_1.tif", {}, counting(12, 10));
  files.write("y_1.tif");
  const Graph graph = files.graph({{"files", {"y_1.tif", "x_*.tif"}}});
  CHECK(same(cells_of(graph), {counting(12), counting(12, 10), counting(12, 20)}));
  CHECK(graph.info().band_names() == std::vector<std::string>{"im1b1", "im2b1", "im3b1"});
  CHECK(files.error({{"files", {"z*.tif"}}}).starts_with("/files/0: no file is named like '"));
}

TEST_CASE("the blocks of files are told, the largest of all") {
  Files files;
  register_gdal();
  const auto write = [&](const char* name, const char* width, const char* height) {
    std::array<char*, 4> options = {const_cast<char*>("TILED=YES"), const_cast<char*>(width),
                                    const_cast<char*>(height), nullptr};
    auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    GDALDatasetUniquePtr dataset(
        driver->Create(files.dir.file(name).c_str(), 100, 90, 1, GDT_Byte, options.data()));
    std::array<double, 6> transform = {0, 10, 0, 0, 0, -10};
    dataset->SetGeoTransform(transform.data());
    dataset->SetProjection(crs_wkt("EPSG:32631").c_str());
  };
  write("a.tif", "BLOCKXSIZE=32", "BLOCKYSIZE=16");
  write("b.tif", "BLOCKXSIZE=16", "BLOCKYSIZE=64");
  CHECK(files.graph({{"files", {"a.tif", "b.tif"}}}).nodes[0].op->stored_blocks()->shape ==
        ChunkShape{1, 64, 32});
}

TEST_CASE("resampling a raster is the same as reading it on that grid, to the bit") {
  Files files;
  const auto scattered = [](int n) {
    std::vector<double> cells;
    for (int i = 0; i < n; ++i) cells.push_back(i * 7919 % 1009 < 90 ? 0 : i * 7919 % 1009);
    return cells;
  };
  const auto image = [&](const char* name, GDALDataType type, std::optional<double> nodata) {
    files.write(name, {.width = 40, .height = 30, .type = type, .nodata = nodata}, scattered(1200));
  };
  image("uint16.tif", GDT_UInt16, 0);
  image("whole.tif", GDT_UInt16, {});
  image("int16.tif", GDT_Int16, -5);
  image("float32.tif", GDT_Float32, 0);
  // Finer and shifted, coarser, lining up, beyond the image, and in another CRS.
  files.write("fine.tif", {.transform = {500013, 3, 0, 4999977, 0, -3}, .width = 70, .height = 50});
  files.write("coarse.tif",
              {.transform = {499990, 25, 0, 5000010, 0, -25}, .width = 20, .height = 15});
  files.write("shifted.tif",
              {.transform = {499980, 10, 0, 5000020, 0, -10}, .width = 45, .height = 36});
  files.write(
      "zone.tif",
      {.crs = "EPSG:32632", .transform = {28300, 9, 0, 5017600, 0, -9}, .width = 60, .height = 45});
  for (const char* file : {"uint16.tif", "whole.tif", "int16.tif", "float32.tif"}) {
    for (const char* like : {"fine.tif", "coarse.tif", "shifted.tif", "zone.tif"}) {
      for (const char* method : {"near", "bilinear", "cubic", "cubicspline", "lanczos", "average",
                                 "sum", "mode", "max", "med"}) {
        CAPTURE(file);
        CAPTURE(like);
        CAPTURE(method);
        const Graph read = files.graph({{"file", file}, {"like", like}, {"resampling", method}});
        const Graph resampled = files.compiled({{"cube_type", "resample"},
                                                {"method", method},
                                                {"like", like},
                                                {"in_cube", files.node({{"file", file}})}});
        CHECK(read.info().bands[0].storage().dtype == resampled.info().bands[0].storage().dtype);
        const Region extent = read.info().extent();
        const ChunkShape whole{1, extent.y.size(), extent.x.size()};
        const auto cells = test::computed(read, resources(), whole);
        CHECK(std::any_of(cells[0].begin(), cells[0].end(), [](double v) { return v > 0; }));
        CHECK(test::difference(cells, test::computed(resampled, resources(), whole)) == "");
        CHECK(test::difference(cells, test::computed(resampled, resources(), {1, 37, 23})) == "");
      }
    }
  }
}

TEST_CASE("view: a grid by its numbers, or what gdalwarp would choose where they are left out") {
  Files files;
  files.write("a.tif");  // 40 x 30 m
  const auto grid = [&](const json& space) {
    return files.graph({{"file", "a.tif"}, {"view", {{"space", space}}}}).info().grid;
  };
  const auto error = [&](const json& space) {
    return files.error({{"file", "a.tif"}, {"view", {{"space", space}}}});
  };
  // The file's own grid: nothing is resampled.
  CHECK(grid_difference(grid(json::object()), files.graph({{"file", "a.tif"}}).info().grid) == "");
  // As many cells as fit best, from the upper left corner on.
  const Grid coarse = grid({{"dx", 15}, {"dy", 20}});
  CHECK(coarse.width == 3);
  CHECK(coarse.height == 2);
  CHECK(coarse.left == 500000);
  CHECK(coarse.top == 5000000);
  CHECK(coarse.right() == 500045);
  CHECK(coarse.bottom() == 4999960);
  CHECK(grid({{"dx", 1000}}).width == 1);
  const Grid snapped = grid({{"dx", 15}, {"snap", true}});
  CHECK(snapped.left == 499995);
  CHECK(snapped.right() == 500040);
  // An extent alone: cells about as large as the file's.
  const Grid cut =
      grid({{"left", 500003}, {"right", 500017}, {"bottom", 4999980}, {"top", 4999992}});
  CHECK(cut.width == 1);
  CHECK(cut.dx == 14);
  CHECK(cut.height == 1);
  CHECK(cut.dy == 12);
  CHECK(grid({{"nx", 2}, {"ny", 6}}).dy == 5);
  const Grid other = grid({{"srs", "EPSG:32632"}});
  CHECK(other.crs == "EPSG:32632");
  CHECK(other.width >= 4);
  CHECK(error({{"left", 3}}) ==
        "/view/space/right: 'right' is missing (space needs left, right, top, bottom and srs, or "
        "like, or tile)");
  CHECK(error({{"dx", -1}}) == "/view/space/dx: the cell size is -1 (larger than 0)");
  CHECK(error({{"srs", "EPSG:x"}}).starts_with("/view/space/srs: "));
  CHECK(
      files.error({{"file", "a.tif"}, {"like", "a.tif"}, {"view", {{"space", json::object()}}}}) ==
      "/like: 'view' and 'like' are both given (leave one of them out)");
  files.write("b.tif", {.transform = {500010, 10, 0, 5000000, 0, -10}});
  CHECK(files.error({{"files", {"a.tif", "b.tif"}},
                     {"align", "error"},
                     {"view", {{"space", json::object()}}}}) ==
        "/files/1: the view and b.tif differ in their grid: 5e+05, 5e+06 in steps of 10, 10 and "
        "500010, 5e+06 in steps of 10, 10 (\"align\": \"exact\" resamples)");
  // What lies nowhere cannot be brought anywhere, which is said before a cell is read.
  files.write("bare.tif", {.crs = ""});
  CHECK(files.error({{"file", "bare.tif"}, {"like", "a.tif"}}) ==
        "/file: bare.tif cannot be brought to the grid: it has no CRS");
  CHECK(files.error({{"file", "a.tif"}, {"like", "bare.tif"}}) ==
        "/file: a.tif cannot be brought to the grid: the grid has no CRS");
}

TEST_CASE("fill stands in cells whose centre lies outside of the file, and only there") {
  Files files;
  files.write("a.tif", {.width = 4, .height = 3, .nodata = 6});
  files.write("whole.tif");
  files.write("like.tif", {.transform = {499990, 10, 0, 5000000, 0, -10}, .width = 6, .height = 4});
  const double x = 77;
  const std::vector<double> expected = {x, 1, 2,  3,  4,  x, x, 5, kNaN, 7, 8, x,
                                        x, 9, 10, 11, 12, x, x, x, x,    x, x, x};
  for (const char* method : {"near", "bilinear", "average", "max"}) {
    CAPTURE(method);
    json arguments = {{"file", "a.tif"}, {"like", "like.tif"}, {"resampling", method}, {"fill", x}};
    CHECK(same(cells_of(files.graph(arguments)), {expected}));
    arguments["file"] = "whole.tif";
    const Graph whole = files.graph(arguments);
    CHECK(whole.info().bands[0].dtype == DType::kUInt16);
    CHECK_FALSE(whole.info().bands[0].nodata.has_value());
    auto filled = expected;
    filled[8] = 6;
    CHECK(same(cells_of(whole), {filled}));
  }
  // A file that lies elsewhere.
  files.write("far.tif", {.transform = {100000, 10, 0, 200000, 0, -10}});
  const Graph far = files.graph({{"file", "a.tif"}, {"like", "far.tif"}, {"fill", x}});
  CHECK(same(cells_of(far), {std::vector<double>(12, x)}));
  REQUIRE(far.notes.size() == 1);
  CHECK(far.notes[0].text.find("so its bands are filled: it spans") != std::string::npos);
  CHECK(files.error({{"file", "a.tif"}, {"like", "far.tif"}, {"fill", 0.5}})
            .starts_with("/fill: band 'im1b1', uint16, cannot hold 0.5"));
  CHECK(files.error({{"file", "a.tif"}, {"like", "far.tif"}, {"fill", 1}, {"unpack", true}}) ==
        "/fill: 'fill' and 'unpack' are both given (leave one of them out)");
}

TEST_CASE("dtype: bands in another type, rounded and clamped") {
  Files files;
  files.write("a.tif", {.type = GDT_Int16, .nodata = -5},
              {-5, -4, 0, 1, 255, 256, 300, 2, 3, 4, 5, 6});
  const Graph graph = files.graph({{"file", "a.tif"}, {"dtype", "float32"}});
  CHECK(graph.info().bands[0].dtype == DType::kFloat32);
  CHECK(same(cells_of(graph), {{kNaN, -4, 0, 1, 255, 256, 300, 2, 3, 4, 5, 6}}));
  files.write("b.tif", {.type = GDT_Float32}, {-1, 0.5, 1.5, 2.6, 255, 256, 300, 2, 3, 4, 5, 6});
  CHECK(files.error({{"file", "a.tif"}, {"dtype", "uint8"}}) ==
        "/dtype: cells of band 'im1b1' can be missing, for which uint8 has no value (give a "
        "nodata value, or another type)");
  CHECK(files.error({{"file", "b.tif"}, {"dtype", "int16"}})
            .starts_with("/dtype: cells of band 'im1b1' can be missing"));
  files.write("c.tif", {.type = GDT_UInt16}, {0, 1, 254, 255, 256, 65535, 2, 3, 4, 5, 6, 7});
  CHECK(same(cells_of(files.graph({{"file", "c.tif"}, {"dtype", "uint8"}})),
             {{0, 1, 254, 255, 255, 255, 2, 3, 4, 5, 6, 7}}));
  // nodata: a number of the result, and of files that have none of their own.
  CHECK(same(cells_of(files.graph({{"file", "a.tif"}, {"dtype", "uint8"}, {"nodata", 9}})),
             {{kNaN, 0, 0, 1, 255, 255, 255, 2, 3, 4, 5, 6}}));
  const Graph marked = files.graph({{"file", "c.tif"}, {"nodata", 2}});
  CHECK(marked.info().bands[0].nodata == 2);
  CHECK(same(cells_of(marked), {{0, 1, 254, 255, 256, 65535, kNaN, 3, 4, 5, 6, 7}}));
  CHECK(files.error({{"file", "c.tif"}, {"nodata", -1}})
            .starts_with("/nodata: band 'im1b1', uint16, cannot hold -1"));
  CHECK(same(cells_of(files.graph({{"file", "b.tif"}, {"nodata", -1}})),
             {{kNaN, 0.5, 1.5, 2.6f, 255, 256, 300, 2, 3, 4, 5, 6}}));
  CHECK(files.error({{"file", "a.tif"}, {"gcp", "tps"}}) ==
        "/gcp: no file has ground control points (leave it out)");
  CHECK(files.error({{"file", "a.tif"}, {"height", 3}}) ==
        "/height: no file has RPCs (leave it out)");
  CHECK(files.error({{"file", "a.tif"}, {"dem", "a.tif"}}) ==
        "/dem: no file has RPCs (leave it out)");
  CHECK(files.error({{"file", "a.tif"}, {"dem", "no.tif"}}) ==
        "/dem: no.tif: there is no such file");
}
