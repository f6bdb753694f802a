// Views and images that name the same places by other longitudes: -180 to 180, 0 to 360, across the
// antimeridian. Held against a field whose cells are known by hand.
#include <cmath>

#include "engine/image_slices.h"
#include "tests/dated_catalog.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;

namespace {

// Of the cell of 10 degrees that holds a place: its longitude and latitude as one number.
double field(double longitude, double latitude) {
  const double turned = longitude - 360 * std::floor(longitude / 360);
  return 100 * std::floor(turned / 10) + std::floor((latitude + 90) / 10) + 1;
}

// Rows from 20 degrees north to 20 south.
void write_field(const std::string& file, double left, int width) {
  std::vector<double> cells;
  for (int row = 0; row < 4; ++row) {
    for (int column = 0; column < width; ++column) {
      cells.push_back(field(left + 10 * column + 5, 15 - 10 * row));
    }
  }
  test::write_raster(file,
                     {.crs = "EPSG:4326",
                      .transform = {left, 10, 0, 20, 0, -10},
                      .width = width,
                      .height = 4,
                      .nodata = 0},
                     cells);
}

// Cells of 2.5 degrees, 16 rows.
Grid view(double left, double right) {
  return {"EPSG:4326", left, 20, 2.5, 2.5, std::lround((right - left) / 2.5), 16};
}

// Whether every cell of a view has the field's value between longitudes of the image, and none
// elsewhere.
bool holds(const std::vector<double>& cells, const Grid& grid, double first, double last) {
  for (std::int64_t i = 0; i < grid.width * grid.height; ++i) {
    const double x = grid.x_center(i % grid.width);
    const double y = grid.y_center(i / grid.width);
    const double got = cells[static_cast<std::size_t>(i)];
    const double from_first = x - first - 360 * std::floor((x - first) / 360);
    const bool inside = from_first < last - first;
    if (inside ? got != field(x, y) : !std::isnan(got)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("an image in degrees is read wherever the view has its longitudes") {
  const test::TempDir dir;
  const auto reader = make_image_reader();
  for (const auto& [first, width] : {std::pair{-180, 36}, std::pair{0, 36}, std::pair{170, 2},
                                     std::pair{-10, 4}, std::pair{350, 3}, std::pair{-190, 5}}) {
    const int left = first;
    const std::string file = dir.file(std::to_string(left).append(".tif"));
    write_field(file, left, width);
    for (const Grid& grid : {view(-180, 180), view(0, 360), view(160, 200), view(-190, -165),
                             view(340, 380), view(-20, 30), view(-360, 360)}) {
      CAPTURE(left);
      CAPTURE(grid.left);
      const auto cells = test::read_cells(*reader, {file}, grid, Resampling::kNearest);
      CHECK(holds(cells, grid, left, left + 10 * width));
      // The same in pieces.
      for (std::int64_t column = 0; column < grid.width; column += 7) {
        const Range columns{column, std::min(column + 7, grid.width)};
        const auto part =
            test::read_cells(*reader, {file}, grid, Resampling::kNearest, nullptr, {3, 4}, columns);
        for (std::int64_t i = 0; i < columns.size(); ++i) {
          const double whole = cells[static_cast<std::size_t>(3 * grid.width + column + i)];
          const double piece = part[static_cast<std::size_t>(i)];
          CHECK((piece == whole || (std::isnan(piece) && std::isnan(whole))));
        }
      }
    }
  }
}

TEST_CASE("projected views of images from 0 to 360") {
  const test::TempDir dir;
  write_field(dir.file("a.tif"), 0, 36);
  write_field(dir.file("b.tif"), -180, 36);
  const auto reader = make_image_reader();
  // New York, the antimeridian in zone 60 and in a Mercator projection of the Pacific, Paris.
  for (const auto& [name, left] : {std::pair{"EPSG:32618", 300000.0}, std::pair{"EPSG:32660", 5e5},
                                   std::pair{"EPSG:3832", 2.5e6}, std::pair{"EPSG:32631", 3e5}}) {
    const std::string crs = name;
    CAPTURE(crs);
    const Grid grid{crs, left, 1e6, 2e5, 1e5, 6, 8};
    const CrsTransform transform(crs, "EPSG:4326");
    const auto a = test::read_cells(*reader, {dir.file("a.tif")}, grid, Resampling::kNearest);
    const auto b = test::read_cells(*reader, {dir.file("b.tif")}, grid, Resampling::kNearest);
    for (std::int64_t i = 0; i < 48; ++i) {
      std::array<double, 1> x = {grid.x_center(i % 6)};
      std::array<double, 1> y = {grid.y_center(i / 6)};
      transform.apply(x, y);
      CAPTURE(x[0]);
      CHECK(a[static_cast<std::size_t>(i)] == field(x[0], y[0]));
      CHECK(b[static_cast<std::size_t>(i)] == field(x[0], y[0]));
    }
  }
}

TEST_CASE("a UTM scene across the antimeridian is read from both sides and beyond") {
  // 20 x 10 cells of 10 km in zone 1, of which the antimeridian is 166 km east of the false origin.
  const test::TempDir dir;
  std::vector<double> numbers(200);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i + 1);
  test::write_raster(dir.file("a.tif"),
                     {.crs = "EPSG:32601",
                      .transform = {66000, 1e4, 0, 1e5, 0, -1e4},
                      .width = 20,
                      .height = 10,
                      .nodata = 0},
                     numbers);
  const auto footprint = describe_raster(dir.file("a.tif")).lonlat;
  REQUIRE(footprint.size() == 2);
  CHECK(footprint[0].right == 180);
  CHECK(footprint[1].left == -180);
  const auto reader = make_image_reader();
  const CrsTransform to_image("EPSG:4326", "EPSG:32601");
  int found = 0;
  for (const double left : {179.0, -181.0, -180.0, 539.0}) {
    CAPTURE(left);
    const Grid grid{"EPSG:4326", left, 1, 0.05, 0.05, 40, 20};
    const auto cells = test::read_cells(*reader, {dir.file("a.tif")}, grid, Resampling::kNearest);
    for (std::int64_t i = 0; i < grid.width * grid.height; ++i) {
      std::array<double, 1> x = {std::remainder(grid.x_center(i % grid.width), 360)};
      std::array<double, 1> y = {grid.y_center(i / grid.width)};
      to_image.apply(x, y);
      const double column = std::floor((x[0] - 66000) / 1e4);
      const double row = std::floor((1e5 - y[0]) / 1e4);
      const bool inside = column >= 0 && column < 20 && row >= 0 && row < 10;
      const double got = cells[static_cast<std::size_t>(i)];
      CHECK((inside ? got == 20 * row + column + 1 : std::isnan(got)));
      found += inside;
    }
  }
  CHECK(found > 2000);
}

TEST_CASE("the images under a chunk are found on both sides of the antimeridian") {
  const test::TempDir dir;
  write_field(dir.file("a_20200101.tif"), 170, 2);   // 170 .. 190
  write_field(dir.file("b_20200101.tif"), -180, 1);  // 180 .. 190
  write_field(dir.file("c_20200101.tif"), 340, 2);   // -20 .. 0
  // Utm zone 1 across the antimeridian: 100 km on each side of it.
  test::write_raster(
      dir.file("d_20200101.tif"),
      {.crs = "EPSG:32601", .transform = {66000, 1e5, 0, 1e5, 0, -1e5}, .width = 2, .height = 1},
      {1, 2});
  const auto index = test::dated_catalog(dir);
  const TimeAxis day = TimeAxis::regular(parse_time("2020-01-01")->start, *Period::parse("P1D"), 1);
  // Images that chunks of 10 degrees at these longitudes name.
  const auto named = [&](const Grid& grid, double longitude) {
    const ImageSlices slices(find_images(*index, grid, day), grid, day);
    const auto column = static_cast<std::int64_t>(grid.column(longitude));
    std::string out;
    for (const std::size_t i : slices.touching(0, {0, grid.height}, {column, column + 1})) {
      out += slices.images()[i].name;
    }
    return out;
  };
  for (const double turn : {-360.0, 0.0, 360.0}) {
    const Grid grid = view(turn - 200, turn + 200);
    CAPTURE(turn);
    CHECK(named(grid, turn + 171) == "a");
    CHECK(named(grid, turn + 179) == "abd");  // nearer than the margin of footprints
    CHECK(named(grid, turn - 174) == "ab");
    CHECK(named(grid, turn - 189) == "a");
    CHECK(named(grid, turn - 10) == "c");
    CHECK(named(grid, turn + 50) == "");
  }
  // Once round the world in metres.
  const double metre = 20037508.342789244 / 180;
  const Grid mercator{"EPSG:3857", 160 * metre, 20 * metre, 2.5 * metre, 2.5 * metre, 16, 16};
  CHECK(named(mercator, 171 * metre) == "a");
  CHECK(named(mercator, 186 * metre) == "ab");
}
