// The reader on real imagery, nearest and bilinear, held against gdalwarp and against a slow exact
// implementation.
#include "tests/warp_oracles.h"

using namespace cube;
using namespace cube::test;

namespace {

const std::vector<Resampling> kMethods = {Resampling::kNearest, Resampling::kBilinear};

void against_slow(const Case& c) {
  const auto reader = make_image_reader();
  for (const Resampling method : kMethods) {
    CAPTURE(c.name);
    CAPTURE(std::string(name(method)));
    const Expected want = Slow(c, method).run(c.grid);
    check_close(read_cells(*reader, c.band, c.grid, method), want.cells, want.tie, method);
  }
}

void against_gdalwarp(const Case& c) {
  for (const Resampling method : kMethods) against_gdalwarp(c, method);
}

}  // namespace

TEST_CASE("Landsat onto other grids equals gdalwarp") {
  for (const Case& c : landsat_cases({100, 230})) against_gdalwarp(c);
}

TEST_CASE("Landsat equals the slow exact reading, finer and coarser") {
  for (const Case& c : landsat_cases({19, 31, 100, 230})) against_slow(c);
}

TEST_CASE("ground control points, rotated and geographic images equal the slow exact reading") {
  for (const Case& c : other_cases(150)) against_slow(c);
}

TEST_CASE("a 10 m scene across UTM zones equals both") {
  const TempDir dir;
  against_gdalwarp(two_zones(dir, 10, 510));
  against_slow(two_zones(dir, 10, 510));
  against_slow(two_zones(dir, 37, 140));
}

TEST_CASE("any window of the target has the bits of the whole") {
  const TempDir dir;
  check_windows(two_zones(dir, 10, 300), 60, kMethods);
  for (const Case& c : landsat_cases({90})) check_windows(c, 40, kMethods);
  for (const Case& c : other_cases(90)) check_windows(c, 40, kMethods);
}
