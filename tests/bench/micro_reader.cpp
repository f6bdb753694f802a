// The image reader: one band of 2048 x 2048 cells onto a view of 1792 x 1792, in windows of
// 256 x 256, by view, method and type of the cells. The image is decoded once and stays in GDAL's
// cache. Each line ends with a checksum of all cells, which no change of speed may move.
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "tests/bench/micro.h"
#include "tests/rasters.h"

namespace cube {

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

constexpr View kAligned = {"aligned", "EPSG:32631", 10, 10, 0};
constexpr View kShifted = {"shifted", "EPSG:32631", 10, 10, 0.33};
constexpr View kZone = {"zone_32", "EPSG:32632", 10, 10, 0};
constexpr View kCoarse = {"zone_32_25m", "EPSG:32632", 25, 25, 0};
constexpr View kViews[] = {
    kAligned,
    kShifted,
    {"2.5m", "EPSG:32631", 2.5, 2.5, 0},
    {"20m", "EPSG:32631", 20, 20, 0},
    {"40m", "EPSG:32631", 40, 40, 0},
    kZone,
    kCoarse,
    {"EPSG:3857", "EPSG:3857", 14, 14, 0},
    {"EPSG:4326", "EPSG:4326", 1.2e-4, 9e-5, 0},
    {"EPSG:3035", "EPSG:3035", 10, 10, 0},
};

// An image in GDAL's memory, of which one cell in `gap` is missing (0 = none); made once.
const std::string& image(DType type, std::size_t gap) {
  static std::map<std::pair<DType, std::size_t>, std::string> made;
  std::string& file = made[{type, gap}];
  if (!file.empty()) return file;
  file = "/vsimem/" + std::string(name(type)) + "-" + std::to_string(gap) + ".tif";
  std::vector<double> cells = bench::reflectances(static_cast<std::size_t>(kSide) * kSide, 1, gap);
  for (double& cell : cells) {
    if (std::isnan(cell)) cell = 0;
    if (type == DType::kUInt8) cell = std::ceil(cell / 64);
  }
  test::write_raster(file,
                     {.transform = {700000, 10, 0, 5000000, 0, -10},
                      .width = kSide,
                      .height = kSide,
                      .type = type == DType::kUInt8     ? GDT_Byte
                              : type == DType::kFloat32 ? GDT_Float32
                                                        : GDT_UInt16,
                      .nodata = 0},
                     cells);
  return file;
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

void add(std::uint32_t& sum, const BlockPtr& block) {
  if (!block) return;
  for (const std::byte b : block->raw()) sum = (sum ^ static_cast<std::uint32_t>(b)) * 16777619U;
}

// Reads the view window by window and hands each block to `use`.
template <class Use>
void read_view(ImageReader& reader, const std::string& file, const Grid& grid, Resampling method,
               Storage storage, const Use& use) {
  for (std::int64_t y = 0; y < kView; y += kWindow) {
    for (std::int64_t x = 0; x < kView; x += kWindow) {
      use(reader.read({file, 1, {}}, {&grid, {y, y + kWindow}, {x, x + kWindow}, method, storage},
                      nullptr));
    }
  }
}

void read(benchmark::State& state, const View& view, Resampling method, DType type,
          std::size_t gap) {
  const std::string& file = image(type, gap);
  const Grid grid = grid_of(view);
  const Storage storage =
      keeps_values(method) ? Storage{type, 0} : with_missing(arithmetic_dtype(type), std::nullopt);
  const auto reader = make_image_reader();
  std::uint32_t sum = 2166136261U;
  read_view(*reader, file, grid, method, storage,
            [&](const BlockPtr& block) { add(sum, block); });  // also fills GDAL's cache
  for ([[maybe_unused]] auto _ : state) {
    read_view(*reader, file, grid, method, storage,
              [](const BlockPtr& block) { benchmark::DoNotOptimize(block.get()); });
  }
  bench::set_cells(state, kView * kView);
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08x", sum);
  state.SetLabel(text.data());
}

constexpr std::size_t kGap = 100;

void add_case(const View& view, Resampling method, DType type, std::size_t gap = kGap) {
  const std::string title = "read/" + std::string(view.title) + "/" + std::string(name(method)) +
                            "/" + std::string(name(type)) + (gap == 0 ? "/gapless" : "");
  benchmark::RegisterBenchmark(title.c_str(), read, view, method, type, gap)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

namespace bench {

// Every view with four methods, every method on one more view, every type across zones.
void register_reader() {
  register_gdal();
  for (const View& view : kViews) {
    for (const Resampling method :
         {Resampling::kNearest, Resampling::kBilinear, Resampling::kCubic, Resampling::kAverage}) {
      add_case(view, method, DType::kUInt16);
    }
  }
  for (int m = static_cast<int>(Resampling::kCubic); m <= static_cast<int>(Resampling::kQ3); ++m) {
    const auto method = static_cast<Resampling>(m);
    add_case(is_area_method(method) ? kCoarse : kZone, method, DType::kUInt16, 0);
  }
  for (const Resampling method : {Resampling::kNearest, Resampling::kBilinear}) {
    for (const DType type : {DType::kUInt8, DType::kFloat32}) add_case(kZone, method, type);
    add_case(kZone, method, DType::kUInt16, 0);
  }
}

}  // namespace bench

}  // namespace cube
