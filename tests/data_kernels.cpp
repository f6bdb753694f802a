// The resampling methods beyond nearest and bilinear on real imagery, held against gdalwarp and
// against a slow exact implementation.
#include "tests/warp_oracles.h"

using namespace cube;
using namespace cube::test;

namespace {

const std::vector<Resampling> kMethods = {
    Resampling::kCubic, Resampling::kCubicSpline, Resampling::kLanczos, Resampling::kAverage,
    Resampling::kRms,   Resampling::kSum,         Resampling::kMode,    Resampling::kMin,
    Resampling::kMax,   Resampling::kMedian,      Resampling::kQ1,      Resampling::kQ3};

void against_slow(const Case& c) {
  for (const Resampling method : kMethods) {
    CAPTURE(c.name);
    CAPTURE(std::string(name(method)));
    const Expected want = Slow(c, method).run(c.grid);
    check_close(read_cells(*make_image_reader(), c.band, c.grid, method), want.cells, want.tie,
                method);
  }
}

}  // namespace

TEST_CASE("Landsat equals the slow exact reading, finer and coarser, by every method") {
  for (const Case& c : landsat_cases({31, 130})) against_slow(c);
}

TEST_CASE("Landsat onto other grids equals gdalwarp, by every method") {
  for (const Case& c : landsat_cases({100})) {
    for (const Resampling method : kMethods) against_gdalwarp(c, method);
  }
}

TEST_CASE("ground control points, rotated and geographic images equal the slow exact reading") {
  for (const Case& c : other_cases(60)) against_slow(c);
}

TEST_CASE("any window of real imagery has the bits of the whole, by every method") {
  for (const Case& c : landsat_cases({90})) check_windows(c, 4, kMethods);
  for (const Case& c : other_cases(60)) check_windows(c, 4, kMethods);
}
