// The resampling methods beyond nearest and bilinear: numbers worked out by hand, and made-up
// scenes held against gdalwarp and a slow exact implementation.
#include "tests/warp_oracles.h"

using namespace cube;
using namespace cube::test;

namespace {

const std::vector<Resampling> kFilters = {Resampling::kCubic, Resampling::kCubicSpline,
                                          Resampling::kLanczos};
const std::vector<Resampling> kAreas = {Resampling::kAverage, Resampling::kRms, Resampling::kSum,
                                        Resampling::kMode,    Resampling::kMin, Resampling::kMax,
                                        Resampling::kMedian,  Resampling::kQ1,  Resampling::kQ3};

std::vector<Resampling> all_methods() {
  std::vector<Resampling> all = kFilters;
  all.insert(all.end(), kAreas.begin(), kAreas.end());
  all.push_back(Resampling::kBilinear);
  return all;
}

Grid grid_at(double left, double top, double cell, std::int64_t width, std::int64_t height) {
  return {"EPSG:32631", left, top, cell, cell, width, height};
}

// The noisy scene of two_zones() seen from its own zone.
Case own_zone(const TempDir& dir, const std::string& title, double shift, double cell) {
  Case c = two_zones(dir, 10, 1);
  c.name = title;
  c.same_crs = true;
  // From 7 cells beyond the upper left corner.
  c.grid = grid_at(699960 + shift - 7 * cell, 5100000 + 7 * cell - shift, cell, 150, 140);
  return c;
}

std::vector<Case> made_up(const TempDir& dir) {
  std::vector<Case> cases = {own_zone(dir, "shifted", 3.3, 10), own_zone(dir, "4x finer", 0, 2.5),
                             own_zone(dir, "2.5x coarser", 0, 25),
                             own_zone(dir, "2.5x coarser, shifted", 1.7, 25),
                             own_zone(dir, "4x coarser", 0, 40)};
  cases.push_back(two_zones(dir, 10, 110));
  cases.push_back(two_zones(dir, 37, 140));
  cases.push_back(own_zone(dir, "3x coarser", 0, 30));
  cases.back().on_centres = true;
  cases.push_back(own_zone(dir, "rows 3x coarser, columns the same", 0, 10));
  cases.back().grid.dy = 30;
  Case web = two_zones(dir, 10, 1);
  web.name = "web mercator";
  web.grid = grid_over(web.band.descriptor, "EPSG:3857", 190);
  cases.push_back(web);
  return cases;
}

double one(ImageReader& reader, const std::string& file, const Grid& grid, Resampling method) {
  return read_cells(reader, {file, 1, {}}, grid, method).at(0);
}

}  // namespace

TEST_CASE("area methods of a few cells, by hand") {
  const TempDir dir;
  const std::string file = dir.file("a.tif");
  std::vector<double> cells(16);
  for (std::size_t i = 0; i < 16; ++i) cells[i] = static_cast<double>(i + 1);
  write_raster(file, {.width = 4, .height = 4}, cells);
  const auto reader = make_image_reader();
  const auto at = [&](const Grid& grid, Resampling method) {
    return one(*reader, file, grid, method);
  };
  const Grid all = grid_at(500000, 5000000, 40, 1, 1);
  CHECK(at(all, Resampling::kAverage) == 8.5);
  CHECK(at(all, Resampling::kSum) == 136);
  CHECK(at(all, Resampling::kRms) == doctest::Approx(std::sqrt(93.5)));
  CHECK(at(all, Resampling::kMode) == 1);
  CHECK(at(all, Resampling::kMin) == 1);
  CHECK(at(all, Resampling::kMax) == 16);
  CHECK(at(all, Resampling::kMedian) == 8);
  CHECK(at(all, Resampling::kQ1) == 4);
  CHECK(at(all, Resampling::kQ3) == 12);
  // 2.5 x 2.5 cells: the third row and column weigh a half.
  const Grid part = grid_at(500000, 5000000, 25, 1, 1);
  CHECK(at(part, Resampling::kAverage) == doctest::Approx(5));
  CHECK(at(part, Resampling::kSum) == doctest::Approx(31.25));
  CHECK(at(part, Resampling::kMax) == 11);
  CHECK(at(part, Resampling::kMedian) == 6);
  // A quarter of one cell.
  const Grid inner = grid_at(500010, 5000000, 5, 1, 1);
  CHECK(at(inner, Resampling::kAverage) == 2);
  CHECK(at(inner, Resampling::kSum) == 0.5);
  CHECK(at(inner, Resampling::kQ3) == 2);
  // Half a cell beyond the left edge: columns weigh 1 and 0.5 of 2 rows.
  const Grid edge = grid_at(499995, 5000000, 20, 1, 2);
  CHECK(at(edge, Resampling::kAverage) == doctest::Approx((1 + 5 + 0.5 * (2 + 6)) / 3));
  CHECK(at(edge, Resampling::kSum) == doctest::Approx(10));
}

TEST_CASE("missing cells do not count, but the cell that holds the centre decides") {
  const TempDir dir;
  const std::string file = dir.file("a.tif");
  write_raster(file, {.width = 3, .height = 3, .nodata = 0}, {1, 0, 3, 4, 5, 0, 7, 8, 8});
  const auto reader = make_image_reader();
  const Grid all = grid_at(500000, 5000000, 30, 1, 1);
  CHECK(one(*reader, file, all, Resampling::kAverage) == doctest::Approx(36.0 / 7));
  CHECK(one(*reader, file, all, Resampling::kSum) == 36);
  CHECK(one(*reader, file, all, Resampling::kMode) == 8);
  CHECK(one(*reader, file, all, Resampling::kMin) == 1);
  CHECK(one(*reader, file, all, Resampling::kMedian) == 5);
  CHECK(one(*reader, file, all, Resampling::kQ1) == 3);
  const Grid upper = grid_at(500010, 5000010, 10, 1, 2);
  for (const Resampling method : all_methods()) {
    CAPTURE(std::string(name(method)));
    const auto got = read_cells(*reader, {file, 1, {}}, upper, method);
    CHECK(std::isnan(got[0]));  // above the image
    CHECK(std::isnan(got[1]));  // on the missing cell
  }
}

TEST_CASE("kernels at known distances") {
  CHECK(kernel_at(Resampling::kCubic, 0) == 1);
  CHECK(kernel_at(Resampling::kCubic, 0.5) == 0.5625);
  CHECK(kernel_at(Resampling::kCubic, -1.5) == -0.0625);
  CHECK(kernel_at(Resampling::kCubicSpline, 0) == doctest::Approx(2.0 / 3));
  CHECK(kernel_at(Resampling::kCubicSpline, 1) == doctest::Approx(1.0 / 6));
  CHECK(kernel_at(Resampling::kLanczos, 0.5) == doctest::Approx(0.6079271));
  CHECK(kernel_at(Resampling::kLanczos, 2) == doctest::Approx(0).epsilon(1e-12));
}

TEST_CASE("interpolation halfway, by hand") {
  const TempDir dir;
  const std::string file = dir.file("a.tif");
  // Columns 0, 0, 100, 0, ... of equal rows: weights down sum to 1.
  std::vector<double> cells;
  for (int i = 0; i < 64; ++i) cells.push_back(i % 8 == 2 ? 100 : 0);
  write_raster(file, {.width = 8, .height = 8}, cells);
  const auto reader = make_image_reader();
  const Grid half = grid_at(500015, 4999970, 10, 4, 1);  // centres at the borders 2, 3, 4, 5
  const auto cubic = read_cells(*reader, {file, 1, {}}, half, Resampling::kCubic);
  CHECK(cubic[0] == doctest::Approx(56.25));
  CHECK(cubic[1] == doctest::Approx(56.25));
  CHECK(cubic[2] == doctest::Approx(-6.25));
  CHECK(cubic[3] == doctest::Approx(0));
  const auto spline = read_cells(*reader, {file, 1, {}}, half, Resampling::kCubicSpline);
  CHECK(spline[0] == doctest::Approx(100 * 23.0 / 48));
  CHECK(spline[2] == doctest::Approx(100 * 1.0 / 48));
}

TEST_CASE("made-up scenes equal the slow exact reading, by every method") {
  const TempDir dir;
  for (const Case& c : made_up(dir)) {
    for (const Resampling method : all_methods()) {
      CAPTURE(c.name);
      CAPTURE(std::string(name(method)));
      const Expected want = Slow(c, method).run(c.grid);
      check_close(read_cells(*make_image_reader(), c.band, c.grid, method), want.cells, want.tie,
                  method);
    }
  }
}

TEST_CASE("made-up scenes equal gdalwarp where it means the same") {
  const TempDir dir;
  for (const Case& c : made_up(dir)) {
    for (const Resampling method : all_methods()) against_gdalwarp(c, method);
  }
}

// The world in degrees, without its middle columns, seen in the north: UTM, a polar projection and
// a Mercator of the half that has no part of the image's centre.
TEST_CASE("the scale of images far larger than the view is that of the part in view") {
  const TempDir dir;
  std::mt19937 random(11);
  std::vector<double> values;
  const RasterSpec spec{
      .crs = "EPSG:4326", .transform = {-178, 0.5, 0, 90, 0, -0.5}, .width = 712, .height = 360};
  for (int i = 0; i < spec.width * spec.height; ++i) {
    values.push_back(static_cast<double>(1 + random() % 4000));
  }
  const std::string file = dir.file("world.tif");
  write_raster(file, spec, values);
  const std::vector<std::pair<const char*, Grid>> views = {
      {"utm", {"EPSG:32635", 200000, 8300000, 60000, 60000, 10, 11}},
      {"polar", {"EPSG:3995", 1000000, -800000, 90000, 90000, 12, 9}},
      {"mercator", {"EPSG:3395", 5000000, 12000000, 150000, 150000, 12, 10}}};
  for (const auto& [title, grid] : views) {
    const Case c = make_case(title, file, {}, grid);
    for (const Resampling method : all_methods()) {
      CAPTURE(c.name);
      CAPTURE(std::string(name(method)));
      const Slow slow(c, method);
      const Expected want = slow.run(c.grid);
      const auto got = read_cells(*make_image_reader(), c.band, c.grid, method);
      check_close(got, want.cells, want.tie, method);
      // Noise is smoothed as much as the kernel is wide, in the view, not at the equator.
      if (method == Resampling::kCubic) {
        CHECK(slow.scale_x() > 2 * slow.scale_y());
        check_close(got, gdalwarp(c, method, slow.scale_x(), slow.scale_y()), want.tie, method);
      }
    }
    check_windows(c, 5, all_methods());
  }
}

TEST_CASE("every data type gives the same cells") {
  const TempDir dir;
  std::vector<double> cells;
  std::mt19937 random(3);
  for (int i = 0; i < 400; ++i) cells.push_back(static_cast<double>(random() % 120));
  const auto write = [&](GDALDataType type) {
    const std::string file = dir.file(std::string(GDALGetDataTypeName(type)) + ".tif");
    write_raster(file, {.width = 20, .height = 20, .type = type, .nodata = 0}, cells);
    return file;
  };
  const std::string doubles = write(GDT_Float64);
  const std::vector<Grid> grids = {grid_at(499987, 5000013, 10, 23, 24),
                                   grid_at(499987, 5000013, 27, 9, 9),
                                   grid_over(doubles, "EPSG:32632", 25)};
  for (const GDALDataType type :
       {GDT_Byte, GDT_Int16, GDT_UInt16, GDT_Int32, GDT_UInt32, GDT_Float32}) {
    const std::string file = write(type);
    for (const Grid& grid : grids) {
      for (const Resampling method : all_methods()) {
        CAPTURE(file);
        CAPTURE(std::string(name(method)));
        const auto got = read_cells(*make_image_reader(), {file, 1, {}}, grid, method);
        const auto want = read_cells(*make_image_reader(), {doubles, 1, {}}, grid, method);
        CHECK(std::equal(got.begin(), got.end(), want.begin(), want.end(), same_bits));
      }
    }
  }
}

TEST_CASE("any window has the bits of the whole, by every method") {
  const TempDir dir;
  for (const Case& c : made_up(dir)) check_windows(c, 12, all_methods());
}

TEST_CASE("images that lie alike or not, read in turn, are placed as by a reader of their own") {
  const TempDir dir;
  std::vector<double> cells;
  for (int i = 0; i < 900; ++i) cells.push_back(i % 31 + i % 7);
  std::vector<std::string> files;
  for (const double left : {500000.0, 500000.0, 500003.0}) {
    for (const int side : {30, 25}) {
      files.push_back(dir.file(std::to_string(files.size()) + ".tif"));
      cells.resize(static_cast<std::size_t>(side * side), static_cast<double>(files.size()));
      write_raster(files.back(),
                   {.transform = {left, 10, 0, 5000000, 0, -10}, .width = side, .height = side},
                   cells);
      std::reverse(cells.begin(), cells.end());
    }
  }
  const auto reader = make_image_reader();
  Grid grid = grid_over(files[0], "EPSG:32632", 40);
  for (const double shift : {0.0, 2.0}) {
    grid.left += shift;
    for (const Resampling method :
         {Resampling::kNearest, Resampling::kBilinear, Resampling::kSum}) {
      for (const std::string& file : files) {
        CAPTURE(file);
        const auto got = read_cells(*reader, {file, 1, {}}, grid, method);
        const auto want = read_cells(*make_image_reader(), {file, 1, {}}, grid, method);
        CHECK(std::equal(got.begin(), got.end(), want.begin(), want.end(), same_bits));
      }
    }
  }
}

TEST_CASE("cells that cover more of an image than is held at once") {
  const TempDir dir;
  const std::string file = dir.file("large.tif");
  constexpr int kSide = 1100;  // 1.21 million cells
  std::vector<double> cells(kSide * kSide);
  std::mt19937 random(5);
  for (double& cell : cells) {
    cell = random() % 10 == 0 ? 0 : 1 + static_cast<double>(random() % 1000);
  }
  cells[550 * kSide + 550] = 7;  // holds the centre
  write_raster(file, {.width = kSide, .height = kSide, .nodata = 0}, cells);
  const Grid all = grid_at(500000, 5000000, 10 * kSide, 1, 1);
  const auto reader = make_image_reader();
  const Expected want = Slow(make_case("large", file, {}, all), Resampling::kAverage).run(all);
  CHECK(one(*reader, file, all, Resampling::kAverage) == doctest::Approx(want.cells[0]));
  CHECK(one(*reader, file, all, Resampling::kMin) == 1);
  CHECK(one(*reader, file, all, Resampling::kMax) == 1000);
  CHECK(error_of([&] { one(*reader, file, all, Resampling::kMedian); }) ==
        file +
            ": has 1210000 cells under one cell of the view, too many for 'med' (use average, "
            "min, max or near, or finer cells)");
  // Across CRSs, beside one that is held at once.
  const Grid zone = grid_over(file, "EPSG:32632", 2);
  Grid half = zone;
  half.dx /= 2;
  for (const Grid& grid : {zone, half}) {
    for (const Resampling method : {Resampling::kSum, Resampling::kRms, Resampling::kMax}) {
      const Case c = make_case("large", file, {}, grid);
      const Expected slow = Slow(c, method).run(grid);
      const auto got = read_cells(*reader, c.band, grid, method);
      for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK(std::isnan(got[i]) == std::isnan(slow.cells[i]));
        if (!std::isnan(got[i])) CHECK(got[i] == doctest::Approx(slow.cells[i]));
      }
    }
  }
}

TEST_CASE("infinite cells stay in the areas that touch them") {
  const TempDir dir;
  const std::string file = dir.file("a.tif");
  std::vector<double> cells(64, 1);
  cells[2] = INFINITY;  // row 0, column 2
  write_raster(file, {.width = 8, .height = 8, .type = GDT_Float32}, cells);
  const Grid grid = grid_at(500000, 5000000, 20, 4, 4);
  for (const Resampling method : {Resampling::kAverage, Resampling::kRms, Resampling::kSum}) {
    const auto got = read_cells(*make_image_reader(), {file, 1, {}}, grid, method);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::isinf(got[i]) == (i == 1));
  }
}

TEST_CASE("weighted sums by rows of the image and cell by cell have the same bits") {
  const TempDir dir;
  const Case c = own_zone(dir, "2.5x coarser", 1.7, 25);
  const GDALDatasetUniquePtr image(GDALDataset::Open(c.band.descriptor.c_str(), GDAL_OF_RASTER));
  const auto map = make_geo_map(image.get(), "EPSG:32631", c.grid, c.band.descriptor);
  const Range all{0, 500};
  SourceWindow window;
  read_window({image->GetRasterBand(1), c.band.descriptor}, all, all, {}, {}, window);
  for (const Resampling method : {Resampling::kAverage, Resampling::kRms, Resampling::kSum}) {
    Positions at;
    locate(*map, {0, 140}, {0, 150}, method, at);
    const Stencil stencil = make_stencil(std::move(at), {all, all}, {500, 500}, method);
    Block by_rows({{0, 1}, {0, 140}, {0, 150}}, {DType::kFloat64, kNaN});
    Block by_cells = by_rows;
    SeparableFilter().run(window, stencil, {0, 140}, {0, 150}, by_rows);
    AreaSampler().run(window, stencil, {0, 140}, {0, 150}, by_cells);
    const auto a = by_rows.cells<double>();
    const auto b = by_cells.cells<double>();
    CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end(), same_bits));
  }
}

TEST_CASE("sum keeps the total across CRSs") {
  const TempDir dir;
  const std::string file = dir.file("a.tif");
  // Zeros along the edges: target cells whose centre is outside of the image are missing.
  std::vector<double> cells(10000, 0.0);
  std::mt19937 random(9);
  double total = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::size_t row = i / 100, column = i % 100;
    if (std::min(row, column) < 10 || std::max(row, column) >= 90) continue;
    cells[i] = static_cast<double>(random() % 100);
    total += cells[i];
  }
  write_raster(file, {.transform = {700000, 10, 0, 5000000, 0, -10}, .width = 100, .height = 100},
               cells);
  for (const char* crs : {"EPSG:32632", "EPSG:3857", "EPSG:3035"}) {
    for (const double size : {40.0, 250.0}) {
      const Grid grid = grid_over(file, crs, size);
      const auto got = read_cells(*make_image_reader(), {file, 1, {}}, grid, Resampling::kSum);
      double sum = 0;
      for (const double cell : got) sum += std::isnan(cell) ? 0 : cell;
      CHECK(sum == doctest::Approx(total).epsilon(2e-3));
    }
  }
}
