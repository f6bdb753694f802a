// How long the image reader takes: nanoseconds of processor time a target cell by view and method,
// in windows of 256 x 256 cells of two bands of one image in separate files. Decoding is timed
// apart. Built with -DCUBE_BENCH=ON; prints a checksum of all cells, which no change of speed may
// move.
// usage: [BENCH_VIEW=part of a title] [BENCH_METHODS="near cubic ..."] [BENCH_REPEATS=n]
//        [BENCH_HOLES=n: each n-th cell is nodata, 0: none] bench_reader
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>

#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr int kSide = 2048;           // of the image, in cells of 10 m
constexpr std::int64_t kView = 1792;  // of the view
constexpr std::int64_t kWindow = 256;

struct View {
  const char* title;
  const char* crs;
  double dx, dy;
  double shift;  // of the view against its own cells
};

constexpr View kViews[] = {
    {"aligned", "EPSG:32631", 10, 10, 0},        {"same CRS, shifted", "EPSG:32631", 10, 10, 0.33},
    {"same CRS, 20 m", "EPSG:32631", 20, 20, 0}, {"same CRS, 2.5 m", "EPSG:32631", 2.5, 2.5, 0},
    {"same CRS, 40 m", "EPSG:32631", 40, 40, 0}, {"zone 32", "EPSG:32632", 10, 10, 0},
    {"EPSG:3857", "EPSG:3857", 14, 14, 0},       {"EPSG:4326", "EPSG:4326", 1.2e-4, 9e-5, 0},
    {"EPSG:3035", "EPSG:3035", 10, 10, 0},
};

// Cells in a repeated pattern of fields with noise; one in `holes` is nodata.
std::vector<double> image(unsigned seed, unsigned holes) {
  std::vector<double> cells(static_cast<std::size_t>(kSide) * kSide);
  std::uint32_t state = seed;
  for (double& cell : cells) {
    state = state * 1664525U + 1013904223U;
    cell = holes && state % holes == 0 ? 0 : 1000 + (state >> 20);
  }
  return cells;
}

// The view around the image's centre; a grid in the image's CRS starts on its cells.
Grid grid_of(const View& view) {
  constexpr double kLeft = 700000;
  constexpr double kTop = 5000000;
  double x = kLeft + kSide * 5;
  double y = kTop - kSide * 5;
  OGRSpatialReference from, to;
  from.SetFromUserInput("EPSG:32631");
  to.SetFromUserInput(view.crs);
  from.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  to.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  const std::unique_ptr<OGRCoordinateTransformation> way(
      OGRCreateCoordinateTransformation(&from, &to));
  way->Transform(1, &x, &y);
  const auto snap = [&](double v, double d) { return (std::floor(v / d) + view.shift) * d; };
  return {view.crs,
          snap(x - kView / 2 * view.dx, view.dx),
          snap(y + kView / 2 * view.dy, view.dy),
          view.dx,
          view.dy,
          kView,
          kView};
}

void add(std::uint64_t& sum, const BlockPtr& block) {
  if (!block) return;
  for (const std::byte b : block->raw())
    sum = (sum ^ static_cast<std::uint64_t>(b)) * 1099511628211U;
}

struct Times {
  double total = 1e9;
  double decode = 0;
  std::uint64_t sum = 0;
};

Times run(const std::vector<std::string>& files, const Grid& grid, Resampling method,
          Storage storage, int repeats) {
  const auto reader = make_image_reader();
  Times best;
  for (int k = 0; k <= repeats; ++k) {
    double seconds = 0;
    const double decoded = reader->stats().seconds_read;
    std::uint64_t sum = 14695981039346656037U;
    for (std::int64_t y = 0; y < kView; y += kWindow) {
      for (std::int64_t x = 0; x < kView; x += kWindow) {
        for (const std::string& file : files) {
          const std::clock_t start = std::clock();
          const BlockPtr block = reader->read(
              {file, 1, {}}, {&grid, {y, y + kWindow}, {x, x + kWindow}, method, storage}, nullptr);
          seconds += static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
          if (k == 0) add(sum, block);
        }
      }
    }
    if (k == 0) {
      best.sum = sum;  // the first round fills GDAL's cache and is not timed
    } else if (seconds < best.total) {
      best.total = seconds;
      best.decode = reader->stats().seconds_read - decoded;
    }
  }
  const double scale = 1e9 / static_cast<double>(kView * kView * 2);
  return {best.total * scale, best.decode * scale, best.sum};
}

}  // namespace

TEST_CASE("time the image reader") {
  const char* wanted = std::getenv("BENCH_VIEW");
  const char* repeats = std::getenv("BENCH_REPEATS");
  const char* chosen = std::getenv("BENCH_METHODS");
  std::istringstream methods(chosen ? chosen : "near bilinear cubic average");
  std::vector<Resampling> wanted_methods;
  for (std::string text; methods >> text;) wanted_methods.push_back(parse_resampling(text, ""));
  const char* holes_text = std::getenv("BENCH_HOLES");
  const unsigned holes = holes_text ? static_cast<unsigned>(std::atoi(holes_text)) : 100;
  test::TempDir dir;
  std::vector<std::string> files;
  for (unsigned band = 1; band <= 2; ++band) {
    files.push_back(dir.file(std::to_string(band) + ".tif"));
    test::write_raster(files.back(),
                       {.transform = {700000, 10, 0, 5000000, 0, -10},
                        .width = kSide,
                        .height = kSide,
                        .nodata = 0},
                       image(band, holes));
  }
  std::printf("%-18s %-8s %8s %8s  %s\n", "view", "method", "ns/cell", "decode", "checksum");
  for (const View& view : kViews) {
    if (wanted && !std::strstr(view.title, wanted)) continue;
    const Grid grid = grid_of(view);
    for (const Resampling method : wanted_methods) {
      const Storage storage =
          keeps_values(method) ? Storage{DType::kUInt16, 0} : with_missing(DType::kFloat32, {});
      const Times t = run(files, grid, method, storage, repeats ? std::atoi(repeats) : 5);
      std::printf("%-18s %-8s %8.2f %8.2f  %016llx\n", view.title,
                  std::string(name(method)).c_str(), t.total, t.decode,
                  static_cast<unsigned long long>(t.sum));
    }
  }
}
