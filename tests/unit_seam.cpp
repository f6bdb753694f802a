// Images that go round the world are read across their seam as if they had none. Held against the
// same image with the seam elsewhere: what is there the middle is here the seam.
#include <cmath>
#include <random>

#include "engine/image_slices.h"
#include "tests/dated_catalog.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr Resampling kMethods[] = {
    Resampling::kNearest, Resampling::kBilinear, Resampling::kCubic, Resampling::kCubicSpline,
    Resampling::kLanczos, Resampling::kAverage,  Resampling::kRms,   Resampling::kSum,
    Resampling::kMode,    Resampling::kMin,      Resampling::kMax,   Resampling::kMedian,
    Resampling::kQ1,      Resampling::kQ3};

// Cells that differ from their neighbours, some of them missing (0), from column `first` on:
// `width` of `round` columns that go on and on.
std::vector<double> field(int round, int height, int first, int width, int values = 900) {
  std::mt19937 random(7);
  std::vector<double> once(static_cast<std::size_t>(round * height));
  for (double& cell : once) {
    const auto value = static_cast<int>(random() % static_cast<unsigned>(values));
    cell = random() % 19 == 0 ? 0 : 1 + value;
  }
  std::vector<double> out;
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      out.push_back(once[static_cast<std::size_t>(row * round + (first + column) % round)]);
    }
  }
  return out;
}

// The world in `round` columns and half as many rows, beginning `first` columns east of -180.
struct World {
  int round = 90;
  int first = 0;
  int width = 90;
  int values = 900;
  GDALDataType type = GDT_UInt16;
};

std::string write_world(const test::TempDir& dir, const std::string& name, const World& world,
                        bool overviews = false) {
  const double cell = 360.0 / world.round;
  const int height = world.round / 2;
  std::string file = dir.file(name + ".tif");
  test::write_raster(file,
                     {.crs = "EPSG:4326",
                      .transform = {-180 + cell * world.first, cell, 0, 90, 0, -cell},
                      .width = world.width,
                      .height = height,
                      .type = world.type,
                      .nodata = 0,
                      .block = 16},
                     field(world.round, height, world.first, world.width, world.values));
  if (overviews) {
    const GDALDatasetUniquePtr data(GDALDataset::Open(file.c_str(), GDAL_OF_UPDATE));
    const int factor = 2;
    REQUIRE(data->BuildOverviews("NEAREST", 1, &factor, 0, nullptr, nullptr, nullptr) == CE_None);
  }
  return file;
}

// "" where all cells are equal, to the bit or to a part of `tolerance`.
std::string difference(const std::vector<double>& a, const std::vector<double>& b,
                       double tolerance = 0) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i] || std::abs(a[i] - b[i]) <= tolerance * std::abs(b[i])) continue;
    return "cell " + std::to_string(i) + ": " + std::to_string(a[i]) + " and " +
           std::to_string(b[i]);
  }
  return "";
}

// The same, read in pieces of 5 x 7 cells.
std::vector<double> in_pieces(ImageReader& reader, const std::string& file, const Grid& grid,
                              Resampling method, const NativeMask* mask = nullptr) {
  std::vector<double> out(static_cast<std::size_t>(grid.width * grid.height));
  for (std::int64_t row = 0; row < grid.height; row += 5) {
    for (std::int64_t column = 0; column < grid.width; column += 7) {
      const Range rows{row, std::min(row + 5, grid.height)};
      const Range columns{column, std::min(column + 7, grid.width)};
      const auto part = test::read_cells(reader, {file}, grid, method, mask, rows, columns);
      for (std::int64_t i = 0; i < rows.size() * columns.size(); ++i) {
        const std::int64_t to =
            (row + i / columns.size()) * grid.width + column + i % columns.size();
        out[static_cast<std::size_t>(to)] = part[static_cast<std::size_t>(i)];
      }
    }
  }
  return out;
}

std::size_t there(const std::vector<double>& cells) {
  return static_cast<std::size_t>(
      std::ranges::count_if(cells, [](double cell) { return !std::isnan(cell); }));
}

// Views in degrees, of cells of `side` degrees.
Grid degrees(double left, double right, double side) {
  return {"EPSG:4326",
          left,
          80,
          side,
          side,
          std::lround((right - left) / side),
          std::lround(160 / side)};
}

}  // namespace

TEST_CASE("views in degrees cross the seam of an image with every method") {
  const test::TempDir dir;
  const std::string atlantic = write_world(dir, "atlantic", {});
  const std::string pacific = write_world(dir, "pacific", {.first = 45});
  const std::string again = write_world(dir, "again", {.width = 91});  // the first column twice
  const auto reader = make_image_reader();
  for (const Grid& grid : {degrees(150, 210, 1), degrees(150, 210, 2.5), degrees(152, 212, 4),
                           degrees(153, 213, 12), degrees(-180, 180, 2.5), degrees(0, 360, 2.5),
                           degrees(-180, 180, 40), degrees(-210, -150, 2.5)}) {
    for (const Resampling method : kMethods) {
      CAPTURE(grid.left);
      CAPTURE(grid.dx);
      CAPTURE(std::string(name(method)));
      const auto a = test::read_cells(*reader, {atlantic}, grid, method);
      const auto b = test::read_cells(*reader, {pacific}, grid, method);
      CHECK(there(a) > a.size() / 2);
      CHECK(difference(a, b) == "");
      CHECK(difference(test::read_cells(*reader, {again}, grid, method), a) == "");
      CHECK(difference(in_pieces(*reader, atlantic, grid, method), a) == "");
    }
  }
}

TEST_CASE("a view of the whole world is that of an image seven times as wide") {
  const test::TempDir dir;
  const std::string world = write_world(dir, "world", {});
  const std::string wide = write_world(dir, "wide", {.width = 630});
  {
    const GDALDatasetUniquePtr data(GDALDataset::Open(wide.c_str(), GDAL_OF_UPDATE));
    std::array<double, 6> transform = {-1260, 4, 0, 90, 0, -4};
    REQUIRE(data->SetGeoTransform(transform.data()) == CE_None);
  }
  const auto reader = make_image_reader();
  for (const double side : {2.5, 20.0, 72.0, 360.0}) {
    const Grid grid{"EPSG:4326", -180, 80, side, 40, std::lround(360 / side), 4};
    for (const Resampling method : kMethods) {
      CAPTURE(side);
      CAPTURE(std::string(name(method)));
      CHECK(difference(test::read_cells(*reader, {world}, grid, method),
                       test::read_cells(*reader, {wide}, grid, method)) == "");
    }
  }
}

TEST_CASE("projected views cross the seam of an image with every method") {
  const test::TempDir dir;
  const std::string atlantic = write_world(dir, "atlantic", {.values = 9});
  const std::string pacific = write_world(dir, "pacific", {.first = 45, .values = 9});
  const auto reader = make_image_reader();
  // A Mercator projection of the Pacific, a UTM zone at the antimeridian, and round both poles.
  for (const auto& [crs, left, top, side, width, height] :
       {std::tuple{"EPSG:3832", 2.5e6, 2e6, 1e5, 24, 40},
        std::tuple{"EPSG:32660", 1e5, 2e6, 5e4, 18, 30},
        std::tuple{"EPSG:3995", -2e6, 2e6, 1e5, 40, 40},
        std::tuple{"EPSG:3976", -3e6, 3e6, 3e5, 20, 20}}) {
    const Grid grid{crs, left, top, side, side, width, height};
    const auto nearest = test::read_cells(*reader, {atlantic}, grid, Resampling::kNearest);
    for (const Resampling method : kMethods) {
      CAPTURE(grid.crs);
      CAPTURE(std::string(name(method)));
      const auto a = test::read_cells(*reader, {atlantic}, grid, method);
      const auto b = test::read_cells(*reader, {pacific}, grid, method);
      CHECK(there(a) > a.size() / 2);
      CHECK(there(a) == there(nearest));  // whatever the method
      CHECK(difference(a, b, 1e-9) == "");
      CHECK(difference(in_pieces(*reader, atlantic, grid, method), a) == "");
      CHECK(difference(in_pieces(*reader, pacific, grid, method), b) == "");
    }
  }
}

TEST_CASE("the seam in overviews, in other types, and in views whose centres lie on it") {
  const test::TempDir dir;
  const auto reader = make_image_reader();
  const std::string atlantic = write_world(dir, "a", {.round = 128, .width = 128}, true);
  const std::string pacific =
      write_world(dir, "b", {.round = 128, .first = 64, .width = 128}, true);
  const std::string real = write_world(dir, "c", {.type = GDT_Float64});
  const std::string turned = write_world(dir, "d", {.first = 45, .type = GDT_Float64});
  const Grid coarse = degrees(150, 210, 6);
  CHECK(there(test::read_cells(*reader, {atlantic}, coarse, Resampling::kNearest)) > 100);
  for (const Resampling method : kMethods) {
    CAPTURE(std::string(name(method)));
    CHECK(difference(test::read_cells(*reader, {atlantic}, coarse, method),
                     test::read_cells(*reader, {pacific}, coarse, method), 1e-9) == "");
    CHECK(difference(test::read_cells(*reader, {real}, degrees(150, 210, 2.5), method),
                     test::read_cells(*reader, {turned}, degrees(150, 210, 2.5), method)) == "");
  }
  // Cells of 0.3 degrees, which binary fractions do not hold: 540 comes out as a little less.
  for (int i = 1711; i < 1800; i += 5) {
    const double left = std::round((540 - (i + 0.5) * 0.3) * 1e6) / 1e6;
    const Grid fine{"EPSG:4326", left, 10, 0.3, 0.3, i + 20, 30};
    CHECK(fine.x_center(i) < 540);
    const auto cells = test::read_cells(*reader, {real}, fine, Resampling::kNearest);
    const auto expected = test::read_cells(*reader, {turned}, fine, Resampling::kNearest);
    CAPTURE(fine.left);
    CHECK(difference(cells, expected) == "");
  }
}

TEST_CASE("masks grow across the seam") {
  const test::TempDir dir;
  const auto reader = make_image_reader();
  const std::string atlantic = write_world(dir, "a", {});
  const std::string pacific = write_world(dir, "b", {.first = 45});
  const std::string mask = write_world(dir, "mask", {.values = 200});
  const std::string mask_turned = write_world(dir, "mask_turned", {.first = 45, .values = 200});
  for (const bool invert : {false, true}) {
    const MaskRule rule{.values = {},
                        .min = invert ? 20 : 1,
                        .max = invert ? 201 : 9,
                        .bits = {},
                        .invert = invert,
                        .dilate = invert ? 0 : 1};
    const NativeMask here{{{{mask}, rule}}};
    const NativeMask there_too{{{{mask_turned}, rule}}};
    for (const Grid& grid : {degrees(150, 210, 2.5), degrees(150, 210, 4), degrees(-180, 180, 12),
                             Grid{"EPSG:3832", 2.5e6, 2e6, 2e5, 2e5, 24, 20}}) {
      for (const Resampling method :
           {Resampling::kNearest, Resampling::kBilinear, Resampling::kAverage}) {
        CAPTURE(invert);
        CAPTURE(grid.crs);
        CAPTURE(grid.dx);
        CAPTURE(std::string(name(method)));
        const double tolerance = grid.crs == "EPSG:4326" ? 0 : 1e-9;
        const auto bare = test::read_cells(*reader, {atlantic}, grid, method);
        const auto a = test::read_cells(*reader, {atlantic}, grid, method, &here);
        CHECK(there(a) > 0);
        CHECK(there(a) < there(bare));
        CHECK(difference(test::read_cells(*reader, {atlantic}, grid, method, &there_too), a) == "");
        CHECK(difference(test::read_cells(*reader, {pacific}, grid, method, &here), a, tolerance) ==
              "");
        CHECK(difference(in_pieces(*reader, atlantic, grid, method, &here), a) == "");
      }
    }
  }
}

TEST_CASE("a world in metres is read round and round") {
  const test::TempDir dir;
  const auto reader = make_image_reader();
  const double metre = 20037508.342789244 / 180;
  const auto write = [&](const std::string& name, int first) {
    std::string file = dir.file(name);
    test::write_raster(
        file,
        {.crs = "EPSG:3857",
         .transform = {metre * (-180 + 5 * first), 5 * metre, 0, 60 * metre, 0, -5 * metre},
         .width = 72,
         .height = 24,
         .nodata = 0},
        field(72, 24, first, 72));
    return file;
  };
  const std::string atlantic = write("a.tif", 0);
  const std::string pacific = write("b.tif", 36);
  for (const Grid& grid : {Grid{"EPSG:3857", 150 * metre, 55 * metre, 2 * metre, 2 * metre, 30, 50},
                           Grid{"EPSG:4326", 150, 40, 2, 2, 30, 40}}) {
    for (const Resampling method : kMethods) {
      CAPTURE(grid.crs);
      CAPTURE(std::string(name(method)));
      const auto a = test::read_cells(*reader, {atlantic}, grid, method);
      CHECK(there(a) > a.size() / 2);
      CHECK(difference(a, test::read_cells(*reader, {pacific}, grid, method), 1e-7) == "");
      CHECK(difference(in_pieces(*reader, atlantic, grid, method), a) == "");
    }
  }
}

TEST_CASE("an image of almost all longitudes has edges") {
  const test::TempDir dir;
  const auto reader = make_image_reader();
  const std::string most = write_world(dir, "most", {.width = 89});
  const std::string all = write_world(dir, "all", {});
  const Grid grid = degrees(152, 212, 4);
  for (const Resampling method : {Resampling::kBilinear, Resampling::kCubicSpline}) {
    const auto cells = test::read_cells(*reader, {most}, grid, method);
    const auto whole = test::read_cells(*reader, {all}, grid, method);
    // 176 to 180 is not there; the cell after it does not know what lies before.
    CHECK(std::isnan(cells[6]));
    CHECK(difference(cells, whole) != "");
  }
}

TEST_CASE("an image of the whole world is under every chunk of a view with a seam of its own") {
  const test::TempDir dir;
  write_world(dir, "world_20200101", {});
  const auto index = test::dated_catalog(dir);
  const TimeAxis day = TimeAxis::regular(parse_time("2020-01-01")->start, *Period::parse("P1D"), 1);
  for (const char* crs : {"EPSG:3832", "EPSG:3857"}) {
    const Grid grid{crs, -2e7, 5e6, 1e5, 1e5, 400, 100};
    const ImageSlices slices(find_images(*index, grid, day), grid, day);
    for (std::int64_t column = 0; column < grid.width; ++column) {
      CAPTURE(grid.crs);
      CAPTURE(column);
      CHECK(slices.touching(0, {40, 60}, {column, column + 1}).size() == 1);
    }
  }
}
