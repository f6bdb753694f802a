// Views: grids and time axes, and everything a user can get wrong in them.
#include "engine/gdal/crs.h"
#include "engine/view.h"
#include "tests/support.h"

using namespace cube;

namespace {

SpaceView extent(double left, double right, double bottom, double top) {
  SpaceView space;
  space.left = left;
  space.right = right;
  space.bottom = bottom;
  space.top = top;
  space.srs = "EPSG:3857";
  return space;
}

SpaceView with_size(SpaceView space, double dx, double dy) {
  space.dx = dx;
  space.dy = dy;
  return space;
}

SpaceView with_count(SpaceView space, std::int64_t nx, std::int64_t ny) {
  space.nx = nx;
  space.ny = ny;
  return space;
}

// An error of a view in which `change` was made to a good one.
template <class F>
std::string space_error(F change) {
  SpaceView space = with_size(extent(0, 100, 0, 60), 10, 10);
  change(space);
  return test::error_of([&] { make_grid(space, "/view/space"); });
}

TimeView span(const std::string& t0, const std::string& t1, const std::string& dt) {
  return {.t0 = t0, .t1 = t1, .dt = dt, .nt = {}};
}

// "first label, last label, n".
std::string axis_text(const TimeView& time) {
  const TimeAxis axis = make_time_axis(time, "/time");
  return axis.label(0) + " " + axis.label(axis.size() - 1) + " " + std::to_string(axis.size());
}

// "step, n" of a view with nt only.
std::string steps(const std::string& t0, const std::string& t1, std::int64_t nt) {
  const TimeAxis axis = make_time_axis({.t0 = t0, .t1 = t1, .dt = {}, .nt = nt}, "/time");
  return axis.step()->text() + " " + axis.label(0) + " " + std::to_string(axis.size());
}

std::string time_error(const TimeView& time) {
  return test::error_of([&] { make_time_axis(time, "/time"); });
}

}  // namespace

TEST_CASE("nx and ny divide the extent") {
  const Grid grid = make_grid(with_count(extent(0, 100, -20, 40), 8, 3), "");
  CHECK(grid.crs == "EPSG:3857");
  CHECK(grid.width == 8);
  CHECK(grid.height == 3);
  CHECK(grid.left == 0);
  CHECK(grid.top == 40);
  CHECK(grid.dx == 12.5);
  CHECK(grid.dy == 20);
}

TEST_CASE("where dx does not divide the extent it grows equally on both sides") {
  const Grid grid = make_grid(with_size(extent(0, 100, 0, 60), 30, 25), "");
  CHECK(grid.width == 4);  // 120 for 100
  CHECK(grid.left == -10);
  CHECK(grid.right() == 110);
  CHECK(grid.height == 3);  // 75 for 60
  CHECK(grid.top == 67.5);
  CHECK(grid.bottom() == -7.5);
}

TEST_CASE("a cell larger than the extent makes one cell round its middle") {
  const Grid grid = make_grid(with_size(extent(0, 10, 0, 10), 30, 30), "");
  CHECK(grid.width == 1);
  CHECK(grid.left == -10);
  CHECK(grid.top == 20);
}

TEST_CASE("sizes that divide the extent but for rounding do not make it grow") {
  const Grid tenths = make_grid(with_size(extent(0, 0.3, 0, 1.1), 0.1, 0.1), "");
  CHECK(tenths.width == 3);
  CHECK(tenths.height == 11);
  CHECK(tenths.left == 0);
  CHECK(tenths.top == 1.1);
  const Grid thirds = make_grid(with_size(extent(-7, 13, 0, 20), 20.0 / 3, 20.0 / 7), "");
  CHECK(thirds.width == 3);
  CHECK(thirds.height == 7);
  CHECK(thirds.left == -7);
}

TEST_CASE("snap moves the edges outwards to multiples of the cell size") {
  SpaceView space = with_size(extent(-14, 95, 31, 60), 10, 30);
  space.snap = true;
  const Grid grid = make_grid(space, "");
  CHECK(grid.left == -20);
  CHECK(grid.right() == 100);
  CHECK(grid.width == 12);
  CHECK(grid.top == 60);
  CHECK(grid.bottom() == 30);
  CHECK(grid.height == 1);
}

TEST_CASE("a tile is one of the Web Mercator pyramid") {
  const double half = 20037508.342789244;
  SpaceView space;
  space.tile = "0,0,0";
  Grid grid = make_grid(space, "");
  CHECK(grid.crs == "EPSG:3857");
  CHECK(grid.width == 256);
  CHECK(grid.left == doctest::Approx(-half));
  CHECK(grid.bottom() == doctest::Approx(-half));
  CHECK(grid.dx == doctest::Approx(156543.03392804097));
  space.tile = "3,1,2";  // the easternmost column, second row from the north
  space.nx = 512;
  space.ny = 128;
  grid = make_grid(space, "");
  CHECK(grid.left == doctest::Approx(half / 2));
  CHECK(grid.top == doctest::Approx(half / 2));
  CHECK(grid.right() == doctest::Approx(half));
  CHECK(std::abs(grid.bottom()) < 1e-6);
  CHECK(grid.height == 128);
}

TEST_CASE("an impossible extent is told with its place") {
  CHECK(space_error([](SpaceView& s) { s.left.reset(); }) ==
        "/view/space/left: 'left' is missing (space needs left, right, top, bottom and srs, or "
        "like, or tile)");
  CHECK(space_error([](SpaceView& s) { s.srs.reset(); }) ==
        "/view/space/srs: 'srs' is missing (a CRS such as EPSG:3857 or EPSG:32632)");
  CHECK(space_error([](SpaceView& s) { s.left = 100; }) ==
        "/view/space/right: right (100) is not beyond left (100)");
  CHECK(space_error([](SpaceView& s) { s.top = -1; }) ==
        "/view/space/top: top (-1) is not above bottom (0)");
  CHECK(space_error([](SpaceView& s) { s.top = std::numeric_limits<double>::infinity(); }) ==
        "/view/space/top: not a finite number");
  const std::string unknown = space_error([](SpaceView& s) { s.srs = "EPSG:0815"; });
  CHECK(unknown.starts_with("/view/space/srs: "));
  CHECK(space_error([](SpaceView& s) { s.srs = "EPSG:4326", s.top = 100; }) ==
        "/view/space/top: 100 is no angle in degrees (coordinates are in the units of srs, and "
        "EPSG:4326 has degrees)");
}

TEST_CASE("one cell size alone means square cells") {
  SpaceView space = with_size(extent(0, 100, 0, 60), 10, 10);
  space.dy.reset();
  CHECK(make_grid(space, "/view/space").dy == make_grid(space, "/view/space").dx);
}

TEST_CASE("one number of cells alone means cells that are about square") {
  SpaceView space = extent(0, 100, 0, 45);
  space.nx = 10;
  Grid grid = make_grid(space, "/view/space");
  CHECK(grid.width == 10);
  CHECK(grid.height == 4);  // 4.5, rounded down as in gdalcubes
  CHECK(grid.dy == 11.25);
  space.nx.reset();
  space.ny = 9;
  grid = make_grid(space, "/view/space");
  CHECK(grid.width == 20);
  CHECK(grid.height == 9);
  space.ny = 1;
  space.left = 98;
  grid = make_grid(space, "/view/space");
  CHECK(grid.width == 1);  // one at least
  space = {};
  space.tile = "0,0,0";
  space.nx = 100;
  CHECK(make_grid(space, "/view/space").height == 100);
}

TEST_CASE("impossible cells are told with their place") {
  CHECK(space_error([](SpaceView& s) { s = with_count(s, 5, 5); }) ==
        "/view/space/dx: both nx, ny and dx, dy are given (give one pair)");
  CHECK(space_error([](SpaceView& s) { s.dx.reset(), s.dy.reset(); }) ==
        "/view/space/dx: neither dx, dy nor nx, ny is given (cell sizes dx, dy or numbers of cells "
        "nx, ny)");
  CHECK(space_error([](SpaceView& s) { s.dx = 0; }) ==
        "/view/space/dx: the cell size is 0 (larger than 0)");
  CHECK(space_error([](SpaceView& s) { s.dy = -10; }) ==
        "/view/space/dy: the cell size is -10 (larger than 0)");
  CHECK(space_error([](SpaceView& s) { s = with_count(extent(0, 1, 0, 1), 5, 0); }) ==
        "/view/space/ny: the number of cells is 0 (1 or more)");
  CHECK(space_error([](SpaceView& s) {
          s = extent(0, 1, 0, 1e300);
          s.nx = -13;  // of which ny would follow, out of all integers
        }) == "/view/space/nx: the number of cells is -13 (1 or more)");
  CHECK(space_error([](SpaceView& s) { s.dx = 1e-9; }) ==
        "/view/space/dx: 1e+11 cells on one side are too many (at most 2147483647)");
  CHECK(space_error([](SpaceView& s) {
          s = with_size(extent(1e17, 1e17 + 1000, 0, 60), 5, 5);  // doubles there are 16 apart
        }) ==
        "/view/space: cells of 5 along x cannot be told apart between 1e+17 and 100000000000000992 "
        "(a "
        "double has about 16 digits)");
  CHECK(space_error([](SpaceView& s) { s = with_count(extent(-1e308, 1e308, 0, 60), 5, 5); }) ==
        "/view/space: cells of inf along x cannot be told apart between -1e+308 and 1e+308 (a "
        "double has about 16 digits)");
  CHECK(space_error([](SpaceView& s) {
          s = with_count(extent(0, 1, 0, 1), 5, 5);
          s.snap = true;
        }) == "/view/space/snap: snap needs cell sizes (give dx and dy, not nx, ny)");
}

TEST_CASE("like and tile stand alone") {
  CHECK(space_error([](SpaceView& s) { s.tile = "0,0,0"; }) ==
        "/view/space/left: 'left' contradicts 'tile' (leave one of them out)");
  CHECK(space_error([](SpaceView& s) { s = {}, s.like = "a.tif", s.snap = true; }) ==
        "/view/space/snap: 'snap' contradicts 'like' (leave one of them out)");
  CHECK(space_error([](SpaceView& s) { s = {}, s.like = "a.tif", s.tile = "0,0,0"; }) ==
        "/view/space/tile: 'tile' contradicts 'like' (leave one of them out)");
  CHECK(space_error([](SpaceView& s) { s = {}, s.like = "a.tif", s.nx = 5; }) ==
        "/view/space/nx: 'nx' contradicts 'like' (leave one of them out)");
  CHECK(space_error([](SpaceView& s) {
          s = {}, s.like = "/nowhere/a.tif";
        }).starts_with("/view/space/like: /nowhere/a.tif: "));
  for (const char* tile : {"1,2", "1,2,3,4", "a,b,c", "-1,0,0", "0.5,0,1", "0,0,31", ""}) {
    CHECK(space_error([&](SpaceView& s) { s = {}, s.tile = tile; }) ==
          "/view/space/tile: '" + std::string(tile) +
              "' is no tile (x,y,z in whole numbers, z at most 30)");
  }
  CHECK(space_error([](SpaceView& s) { s = {}, s.tile = "4,0,2"; }) ==
        "/view/space/tile: there is no tile 4,0,2 (x and y are below 4 at zoom 2)");
}

TEST_CASE("slices start at t0 rounded down and reach to the end of t1") {
  CHECK(axis_text(span("2018", "2018", "P1M")) == "2018-01 2018-12 12");
  CHECK(axis_text(span("2018-01-01", "2018-12-31", "P1M")) == "2018-01 2018-12 12");
  CHECK(axis_text(span("2018-01-15", "2018-02-01", "P1M")) == "2018-01 2018-02 2");
  CHECK(axis_text(span("2018-01-01", "2018-12-31", "P3M")) == "2018-01 2018-10 4");
  CHECK(axis_text(span("2018-02", "2018-02", "P1D")) == "2018-02-01 2018-02-28 28");
  CHECK(axis_text(span("2020", "2020", "P1D")) == "2020-01-01 2020-12-31 366");
  CHECK(axis_text(span("2018-01-05", "2018-01-20", "P16D")) == "2018-01-05 2018-01-05 1");
  CHECK(axis_text(span("2018-01-05", "2018-01-21", "P16D")) == "2018-01-05 2018-01-21 2");
  CHECK(axis_text(span("2018-01-03", "2018-01-17", "P1W")) == "2018-01-03 2018-01-17 3");
  CHECK(axis_text(span("2018-05-03", "2020", "P1Y")) == "2018 2020 3");
  CHECK(axis_text(span("2018-05-03", "2020", "P12M")) == "2018-05 2020-05 3");
  CHECK(axis_text(span("2018", "2020", "P1Y6M")) == "2018-01 2019-07 2");
  CHECK(axis_text(span("2018-01-01", "2018-01-01", "PT1H")) ==
        "2018-01-01T00:00:00 2018-01-01T23:00:00 24");
  CHECK(axis_text(span("2018-01-01T10:40:00+01:00", "2018-01-01T10", "PT1H")) ==
        "2018-01-01T09:00:00 2018-01-01T10:00:00 2");
  CHECK(axis_text(span("1899", "1900", "P1Y")) == "1899 1900 2");
}

TEST_CASE("nt without dt rounds the step up") {
  CHECK(steps("2018", "2018", 12) == "P1M 2018-01 12");
  CHECK(steps("2018-03", "2020-02", 2) == "P1Y 2018-03 2");
  CHECK(steps("2018", "2018", 7) == "P53D 2018-01-01 7");  // 365 / 7 = 52.1
  CHECK(steps("2018-01-01", "2018-01-10", 3) == "P4D 2018-01-01 3");
  CHECK(steps("2018-01-01T00", "2018-01-01T09", 4) == "PT3H 2018-01-01T00:00:00 4");
  CHECK(steps("2018-01-01T00:00", "2018-01-01T00:09", 4) == "PT3M 2018-01-01T00:00:00 4");
}

TEST_CASE("an impossible time axis is told with its place") {
  CHECK(time_error(span("03/2018", "2018", "P1M")) ==
        "/time/t0: '03/2018' is no date or time (ISO 8601, such as 2018, 2018-03, 2018-03-05 or "
        "2018-03-05T10:20:30Z)");
  CHECK(time_error(span("2018", "2018-02-30", "P1M")).starts_with("/time/t1: '2018-02-30' is no"));
  CHECK(time_error(span("2018-03", "2018-02", "P1M")) ==
        "/time/t1: t1 (2018-02) lies before t0 (2018-03)");
  CHECK(time_error(span("2018", "2018", "monthly")) ==
        "/time/dt: 'monthly' is no period (ISO 8601 in whole units, such as P1D, P16D, P1W, P1M, "
        "P3M, P1Y or PT1H)");
  CHECK(time_error({.t0 = "2018", .t1 = "2018", .dt = {}, .nt = {}}) ==
        "/time/dt: neither dt nor nt is given (a period such as P1D, P16D or P1M)");
  CHECK(time_error({.t0 = "2018", .t1 = "2018", .dt = {}, .nt = 0}) ==
        "/time/nt: the number of slices is 0 (from 1 to 10 million)");
  CHECK(time_error({.t0 = "2018", .t1 = "2018", .dt = "P1M", .nt = 11}) ==
        "/time/nt: nt is 11, but steps of P1M from t0 to t1 make 12 (give dt or nt)");
  CHECK(axis_text({.t0 = "2018", .t1 = "2018", .dt = "P1M", .nt = 12}) == "2018-01 2018-12 12");
  CHECK(time_error(span("1900", "2018", "PT1S")) ==
        "/time/dt: the time span has more than 10 million steps of PT1S");
}

TEST_CASE("a cube of more cells than can be counted is rejected") {
  View view;
  view.space = with_count(extent(0, 1, 0, 1), 2000000000, 2000000000);
  view.time = span("2018", "2018", "P1Y");
  CHECK(test::error_of([&] { make_axes(view, "/view"); }) ==
        "/view: a cube of 4e+18 cells is too large");
}

TEST_CASE("a resampling method a band, with a default") {
  ResamplingChoice choice;
  CHECK(*choice.short_form() == "near");
  choice.set_short_form("bilinear");
  CHECK(choice.of("B04") == "bilinear");
  choice.methods["SCL"] = "near";
  CHECK_FALSE(choice.short_form().has_value());
  CHECK(choice.of("SCL") == "near");
  CHECK(choice.of("B04") == "bilinear");
}

TEST_CASE("chunk sizes are positive") {
  CHECK_FALSE(make_chunk_shape({}, "/chunk_size").has_value());
  CHECK(*make_chunk_shape(ChunkSides{1, 2, 3}, "/chunk_size") == ChunkShape{1, 2, 3});
  CHECK(test::error_of([] {
          make_chunk_shape(ChunkSides{1, 0, 3}, "/chunk_size");
        }) == "/chunk_size/1: a chunk of 0 cells (1 or more)");
}
