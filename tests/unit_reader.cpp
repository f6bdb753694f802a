// The image reader on small files: pastes, edges, missing cells, masks, overviews, bad files.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/gdal/dataset_pool.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;
using test::read_cells;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> counting(int n) {
  std::vector<double> cells(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<double>(i + 1);
  return cells;
}

bool same(const std::vector<double>& a, const std::vector<double>& b, double tolerance = 0) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) != std::isnan(b[i])) return false;
    if (!std::isnan(a[i]) && std::abs(a[i] - b[i]) > tolerance) return false;
  }
  return true;
}

// A 4 x 3 image of 1..12 in cells of 10 m; the third cell is nodata.
struct Small {
  Small() {
    std::vector<double> cells = counting(12);
    cells[2] = 0;
    test::write_raster(file, {.width = 4, .height = 3, .nodata = 0}, cells);
  }
  test::TempDir dir;
  std::string file = dir.file("small.tif");
  std::unique_ptr<ImageReader> reader = make_image_reader();
};

NativeMask one_layer(const std::string& file, MaskRule rule) {
  NativeMask mask;
  mask.layers.emplace_back();
  mask.layers[0].band.descriptor = file;
  mask.layers[0].rule = std::move(rule);
  return mask;
}

Grid grid(double left, double top, double cell, std::int64_t width, std::int64_t height) {
  return {"EPSG:32631", left, top, cell, cell, width, height};
}

}  // namespace

TEST_CASE("a grid that lines up takes the cells as they are") {
  Small s;
  const auto cells = read_cells(*s.reader, {s.file, 1, {}}, grid(499990, 5000000, 10, 4, 2),
                                Resampling::kBilinear);
  CHECK(same(cells, {kNaN, 1, 2, kNaN, kNaN, 5, 6, 7}));
  CHECK(s.reader->stats().pasted == 1);
  CHECK(s.reader->stats().opened == 1);
}

TEST_CASE("nearest takes the cell that holds the centre, whatever the shift and scale") {
  Small s;
  // Shifted by 4 m: centres stay in the same cells.
  CHECK(same(
      read_cells(*s.reader, {s.file, 1, {}}, grid(500004, 5000000, 10, 3, 1), Resampling::kNearest),
      {1, 2, kNaN}));
  // Twice as large: centres lie on borders, which belong to the cell right and below.
  CHECK(same(
      read_cells(*s.reader, {s.file, 1, {}}, grid(500000, 5000000, 20, 2, 1), Resampling::kNearest),
      {6, 8}));
  // Half as large.
  CHECK(same(
      read_cells(*s.reader, {s.file, 1, {}}, grid(500000, 5000000, 5, 4, 1), Resampling::kNearest),
      {1, 1, 2, 2}));
}

TEST_CASE("bilinear by hand: weights count valid cells only, edges are renormalised") {
  Small s;
  // Cells of 5 m: the first centre is at (2.5 m, 2.5 m), a quarter cell outside of all centres, so
  // cell 1 alone has weight. The second lies a quarter between cells 1 and 2.
  const auto cells =
      read_cells(*s.reader, {s.file, 1, {}}, grid(500000, 5000000, 5, 4, 2), Resampling::kBilinear);
  CHECK(cells[0] == doctest::Approx(1));
  CHECK(cells[1] == doctest::Approx(0.75 * 1 + 0.25 * 2));
  // The fourth centre is in cell 2, a quarter towards the nodata cell: cell 2 alone is left.
  CHECK(cells[3] == doctest::Approx(2));
  // Second row, first column: a quarter between cells 1 and 5.
  CHECK(cells[4] == doctest::Approx(0.75 * 1 + 0.25 * 5));
  // Where the centre's own cell is missing there is nothing, whatever the neighbours.
  const auto inside =
      read_cells(*s.reader, {s.file, 1, {}}, grid(500020, 5000000, 5, 2, 2), Resampling::kBilinear);
  CHECK(std::isnan(inside[0]));
  CHECK(std::isnan(inside[1]));
}

TEST_CASE("a given nodata value overrides the file's") {
  Small s;
  const auto cells = read_cells(*s.reader, {s.file, 1, 5.0}, grid(500000, 5000000, 10, 4, 2),
                                Resampling::kNearest);
  CHECK(same(cells, {1, 2, 0, 4, kNaN, 6, 7, 8}));
}

TEST_CASE("an image that does not touch the window is null") {
  Small s;
  const Grid far = grid(600000, 5000000, 10, 4, 4);
  CHECK(s.reader->read({s.file, 1, {}},
                       {&far, {0, 4}, {0, 4}, Resampling::kNearest, {DType::kUInt16, 0}},
                       nullptr) == nullptr);
}

TEST_CASE("cells keep their type and go into wider storage with another nodata") {
  test::TempDir dir;
  const std::string file = dir.file("wide.tif");
  test::write_raster(file, {.width = 2, .height = 1, .type = GDT_UInt32, .nodata = 7},
                     {4294967295.0, 7});
  const Grid g = grid(500000, 5000000, 10, 2, 1);
  const auto reader = make_image_reader();
  const BlockPtr block = reader->read(
      {file, 1, {}}, {&g, {0, 1}, {0, 2}, Resampling::kNearest, {DType::kUInt32, 9}}, nullptr);
  CHECK(block->cells<std::uint32_t>()[0] == 4294967295U);
  CHECK(block->cells<std::uint32_t>()[1] == 9);
}

TEST_CASE("an overview that is asked for is read, and no other") {
  test::TempDir dir;
  const std::string file = dir.file("levels.tif");
  test::write_raster(file, {.width = 4, .height = 4}, counting(16));
  REQUIRE(test::run_command("gdaladdo -q -r nearest " + file + " 2 4").status == 0);
  const auto reader = make_image_reader();
  const auto read = [&](std::optional<int> overview, double cell, std::int64_t size) {
    RasterBand band{file, 1, {}};
    band.overview = overview;
    return read_cells(*reader, band, grid(500000, 5000000, cell, size, size), Resampling::kNearest);
  };
  const std::vector<double> full = counting(16);
  CHECK(same(read({}, 10, 4), full));
  const auto half = read(0, 20, 2);
  CHECK(same(half, read({}, 20, 2)));
  CHECK(same(read(1, 40, 1), {half[0]}));
  // On a grid as fine as the image, where none would be taken.
  const auto coarse = read(0, 10, 4);
  CHECK(same(coarse, {half[0], half[0], half[1], half[1], half[0], half[0], half[1], half[1],
                      half[2], half[2], half[3], half[3], half[2], half[2], half[3], half[3]}));
  CHECK(test::error_of([&] { read(2, 40, 1); }) == file + ": has no overview 2, only 2");
}

TEST_CASE("overviews are chosen as gdalwarp's -ovr says") {
  test::TempDir dir;
  const std::string file = dir.file("levels.tif");
  const std::string bare = dir.file("bare.tif");
  test::write_raster(file, {.width = 8, .height = 8}, counting(64));
  test::write_raster(bare, {.width = 8, .height = 8}, counting(64));
  REQUIRE(test::run_command("gdaladdo -q -r average " + file + " 2 4").status == 0);
  const auto reader = make_image_reader();
  const auto read = [&](const std::string& name, const OverviewChoice& choice,
                        Resampling method = Resampling::kNearest) {
    RasterBand band{name, 1, {}};
    band.overviews = choice;
    return read_cells(*reader, band, grid(500000, 5000000, 40, 2, 2), method);
  };
  const auto exactly = [&](int overview) {
    RasterBand band{file, 1, {}};
    band.overview = overview;
    return read_cells(*reader, band, grid(500000, 5000000, 40, 2, 2), Resampling::kNearest);
  };
  const auto finest = read(bare, {});
  CHECK_FALSE(same(exactly(0), exactly(1)));
  CHECK_FALSE(same(exactly(0), finest));
  CHECK(same(read(file, {}), exactly(1)));                                             // AUTO
  CHECK(same(read(file, {.finer = 1, .level = {}}), exactly(0)));                      // AUTO-1
  CHECK(same(read(file, {.finer = 2, .level = {}}), finest));                          // AUTO-2
  CHECK(same(read(file, {.finer = 9, .level = {}}), finest));                          // AUTO-9
  CHECK(same(read(file, {.finer = OverviewChoice::kAllFiner, .level = {}}), finest));  // NONE
  CHECK(same(read(file, {.finer = 0, .level = 0}), exactly(0)));
  CHECK(same(read(file, {.finer = 0, .level = 7}), exactly(1)));  // the coarsest there is
  CHECK(same(read(bare, {.finer = 0, .level = 0}), finest));
  // Area methods look into overviews only where one is named.
  const OverviewChoice first = {.finer = 0, .level = 0};
  CHECK(same(read(file, {}, Resampling::kMax), read(bare, {}, Resampling::kMax)));
  CHECK_FALSE(same(read(file, first, Resampling::kMax), read(bare, {}, Resampling::kMax)));
}

TEST_CASE("a rotated image is placed by its whole geotransform") {
  test::TempDir dir;
  const std::string file = dir.file("rotated.tif");
  // A quarter turn: columns run south, rows run east.
  test::write_raster(file, {.transform = {500000, 0, 10, 5000000, -10, 0}, .width = 3, .height = 2},
                     {1, 2, 3, 4, 5, 6});
  const auto reader = make_image_reader();
  CHECK(same(
      read_cells(*reader, {file, 1, {}}, grid(500000, 5000000, 10, 2, 3), Resampling::kNearest),
      {1, 4, 2, 5, 3, 6}));
}

TEST_CASE("a CRS that is stated counts, not what the file says") {
  test::TempDir dir;
  const auto read = [&](const std::string& own, const std::string& stated, const Grid& onto) {
    const std::string file = dir.file("stated.tif");
    test::write_raster(file, {.crs = own, .width = 2, .height = 1}, {1, 2});
    return read_cells(*make_image_reader(), {.descriptor = file, .crs = stated}, onto,
                      Resampling::kNearest);
  };
  const Grid here = grid(500000, 5000000, 10, 2, 1);
  CHECK(same(read("", "EPSG:32631", here), {1, 2}));
  CHECK(same(read("EPSG:32632", "EPSG:32631", here), {1, 2}));
  CHECK(same(read("EPSG:32632", crs_wkt("EPSG:32631"), here), {1, 2}));
  // Where x = 500000 is the central meridian, 9 degrees east, and in the other zone 3.
  const Grid east{"EPSG:4326", 9.00014, 45.15348, 0.0001, 0.0001, 1, 1};
  const Grid west{"EPSG:4326", 3.00014, 45.15348, 0.0001, 0.0001, 1, 1};
  CHECK(same(read("EPSG:32631", "EPSG:32632", east), {2}));
  CHECK(same(read("EPSG:32631", "EPSG:32632", west), {kNaN}));
  CHECK(same(read("EPSG:32631", "", west), {2}));
}

TEST_CASE("an image of a stated CRS and its mask are opened once") {
  Small s;
  const std::string mask_file = s.dir.file("mask.tif");
  test::write_raster(mask_file, {.crs = "", .width = 4, .height = 3},
                     {3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  NativeMask mask = one_layer(mask_file, {.values = {3}});
  mask.layers[0].band.crs = "EPSG:32631";
  const RasterBand band{.descriptor = s.file, .crs = "EPSG:32631"};
  for (int i = 0; i < 2; ++i) {
    const auto cells =
        read_cells(*s.reader, band, grid(500000, 5000000, 10, 2, 1), Resampling::kNearest, &mask);
    CHECK(same(cells, {kNaN, 2}));
  }
  CHECK(s.reader->stats().opened == 2);
}

TEST_CASE("a nodata value that an integer cell cannot have hides nothing") {
  test::TempDir dir;
  const std::string file = dir.file("half.tif");
  test::write_raster(file, {.width = 3, .height = 1}, {0, 1, 2});
  const auto reader = make_image_reader();
  for (const double nodata : {0.5, -9999.0, 70000.0}) {
    CHECK(same(read_cells(*reader, {file, 1, nodata}, grid(500000, 5000000, 10, 3, 1),
                          Resampling::kNearest),
               {0, 1, 2}));
  }
}

TEST_CASE("per-dataset masks and alpha bands hide cells") {
  test::TempDir dir;
  const std::string file = dir.file("alpha.tif");
  {
    register_gdal();
    auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    char** options = CSLSetNameValue(nullptr, "ALPHA", "YES");
    GDALDatasetUniquePtr dataset(driver->Create(file.c_str(), 2, 1, 2, GDT_Byte, options));
    CSLDestroy(options);
    std::array<double, 6> transform = {500000, 10, 0, 5000000, 0, -10};
    dataset->SetGeoTransform(transform.data());
    dataset->SetProjection(crs_wkt("EPSG:32631").c_str());
    std::array<std::uint8_t, 2> data = {5, 6};
    std::array<std::uint8_t, 2> alpha = {255, 0};
    CHECK(dataset->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, 2, 1, data.data(), 2, 1, GDT_Byte, 0,
                                              0, nullptr) == CE_None);
    dataset->GetRasterBand(2)->SetColorInterpretation(GCI_AlphaBand);
    CHECK(dataset->GetRasterBand(2)->RasterIO(GF_Write, 0, 0, 2, 1, alpha.data(), 2, 1, GDT_Byte, 0,
                                              0, nullptr) == CE_None);
  }
  const auto reader = make_image_reader();
  CHECK(same(
      read_cells(*reader, {file, 1, {}}, grid(500000, 5000000, 10, 2, 1), Resampling::kNearest),
      {5, kNaN}));
}

TEST_CASE("a native mask of half the resolution hides source cells before resampling") {
  Small s;
  // 2 x 2 cells of 20 m over the 4 x 3 image: 3 is a cloud over the first four cells.
  const std::string mask_file = s.dir.file("mask.tif");
  test::write_raster(mask_file,
                     {.transform = {500000, 20, 0, 5000000, 0, -20}, .width = 2, .height = 2},
                     {3, 4, 8, 16});
  const Grid g = grid(500000, 5000000, 10, 4, 3);
  const auto with = [&](MaskRule rule) {
    const NativeMask mask = one_layer(mask_file, std::move(rule));
    return read_cells(*s.reader, {s.file, 1, {}}, g, Resampling::kNearest, &mask);
  };
  CHECK(same(with({.values = {3}}), {kNaN, kNaN, kNaN, 4, kNaN, kNaN, 7, 8, 9, 10, 11, 12}));
  CHECK(same(with({.values = {3}, .invert = true}),
             {1, 2, kNaN, kNaN, 5, 6, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN}));
  CHECK(same(with({.min = 8, .max = 10}), {1, 2, kNaN, 4, 5, 6, 7, 8, kNaN, kNaN, 11, 12}));
  // Bits 3 and 4 as a number: 3 -> 0, 4 -> 0, 8 -> 1, 16 -> 2; unshifted 0, 0, 8, 16.
  CHECK(
      same(with({.values = {2}, .bits = {3, 4}}), {1, 2, kNaN, 4, 5, 6, 7, 8, 9, 10, kNaN, kNaN}));
  CHECK(same(with({.values = {16}, .bits = {3, 4}, .shift = false}),
             {1, 2, kNaN, 4, 5, 6, 7, 8, 9, 10, kNaN, kNaN}));
  // One cell of the mask further: everything, since 2 x 2 has no cell two away.
  CHECK(same(with({.values = {3}, .dilate = 1}), std::vector<double>(12, kNaN)));
  // Hidden cells do not bleed: the neighbour keeps its own value under bilinear.
  const NativeMask mask = one_layer(mask_file, {.values = {3}});
  const auto half = read_cells(*s.reader, {s.file, 1, {}}, grid(500030, 5000000, 5, 1, 1),
                               Resampling::kBilinear, &mask);
  CHECK(half[0] == doctest::Approx(4));
}

TEST_CASE("an overview that is fine enough is read instead of the full resolution") {
  test::TempDir dir;
  const std::string file = dir.file("ovr.tif");
  test::write_raster(file, {.width = 8, .height = 8}, std::vector<double>(64, 100));
  {
    GDALDatasetUniquePtr dataset(GDALDataset::Open(file.c_str(), GDAL_OF_RASTER | GDAL_OF_UPDATE));
    const int factor = 2;
    CHECK(dataset->BuildOverviews("NEAREST", 1, &factor, 0, nullptr, nullptr, nullptr) == CE_None);
    // Values that only the overview has.
    std::vector<std::uint16_t> cells(16);
    for (std::size_t i = 0; i < 16; ++i) cells[i] = static_cast<std::uint16_t>(i);
    CHECK(dataset->GetRasterBand(1)->GetOverview(0)->RasterIO(
              GF_Write, 0, 0, 4, 4, cells.data(), 4, 4, GDT_UInt16, 0, 0, nullptr) == CE_None);
  }
  const auto reader = make_image_reader();
  const auto coarse =
      read_cells(*reader, {file, 1, {}}, grid(500000, 5000000, 20, 4, 4), Resampling::kBilinear);
  CHECK(coarse[5] == 5);
  CHECK(reader->stats().pasted == 1);
  CHECK(read_cells(*reader, {file, 1, {}}, grid(500000, 5000000, 15, 4, 4),
                   Resampling::kNearest)[5] == 100);
}

TEST_CASE("images that GDAL reads through HDF5 are told by their names") {
  CHECK(reads_hdf5("NETCDF:\"/data/a.nc\":rain"));
  CHECK(reads_hdf5("/data/A.NC"));
  CHECK(reads_hdf5("/data/a.h5"));
  CHECK_FALSE(reads_hdf5("/data/nc/a.tif"));
}

TEST_CASE("a target larger than a piece is the same in pieces") {
  // 900 x 900 cells across a change of CRS are placed in four pieces; a part alone in one.
  Small s;
  const Grid large{"EPSG:3857", 333957, 5645717, 0.1, 0.1, 900, 900};
  const auto whole = read_cells(*s.reader, {s.file, 1, {}}, large, Resampling::kBilinear);
  const auto part = read_cells(*s.reader, {s.file, 1, {}}, large, Resampling::kBilinear, nullptr,
                               {300, 500}, {350, 550});
  std::vector<double> expected;
  for (std::size_t row = 300; row < 500; ++row) {
    const auto first = whole.begin() + static_cast<std::ptrdiff_t>(row * 900 + 350);
    expected.insert(expected.end(), first, first + 200);
  }
  CHECK(same(part, expected));
  CHECK(std::any_of(part.begin(), part.end(), [](double v) { return !std::isnan(v); }));
}

TEST_CASE("files that cannot be read say why") {
  Small s;
  const Grid g = grid(500000, 5000000, 10, 4, 3);
  const auto message = [&](const RasterBand& band) {
    return test::error_of([&] { read_cells(*s.reader, band, g, Resampling::kNearest); });
  };
  const std::string missing = s.dir.file("none.tif");
  CHECK(message({missing, 1, {}}) == missing + ": there is no such file");
  CHECK(message({s.file, 2, {}}) == s.file + ": has no band 2, only 1");
  const std::string text = s.dir.file("text.tif");
  test::write_text(text, "no raster");
  CHECK(message({text, 1, {}}).starts_with(text + ": cannot be opened as a raster: "));
  // The directory of a TIFF is there but half of its cells are gone.
  const std::string cut = s.dir.file("cut.tif");
  test::write_raster(cut, {.width = 100, .height = 100}, counting(10000));
  std::string bytes = test::read_text(cut);
  std::filesystem::resize_file(cut, bytes.size() / 2);
  const Grid whole = grid(500000, 5000000, 10, 100, 100);
  const std::string error = test::error_of([&] {
    read_cells(*make_image_reader(), {cut, 1, {}}, whole, Resampling::kNearest);
  });
  CHECK(error.starts_with(cut + ": cannot be "));
  // No CRS and a view that has one.
  const std::string bare = s.dir.file("bare.tif");
  test::write_raster(bare, {.crs = "", .width = 2, .height = 1}, {1, 2});
  CHECK(message({bare, 1, {}}) ==
        bare + ": cannot be placed on a grid in EPSG:32631: it has no CRS");
}

TEST_CASE("resampling methods have the names of GDAL") {
  CHECK(parse_resampling("near", "") == Resampling::kNearest);
  CHECK(parse_resampling("median", "") == Resampling::kMedian);
  CHECK(name(Resampling::kMedian) == "med");
  CHECK(test::error_of([] { parse_resampling("bilinaer", "/view/resampling"); }) ==
        "/view/resampling: there is no resampling method 'bilinaer' (did you mean 'bilinear'?)");
}
