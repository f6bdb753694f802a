// cube sample: a small synthetic archive and graphs to try.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <span>

#include "cli/commands.h"
#include "cli/common.h"
#include "cli/sample_scene.h"
#include "engine/block.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/write_tiff.h"
#include "engine/time_axis.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCells = 512;  // rows and columns of a 10 m band
constexpr double kCellSize = 10;      // metres
constexpr std::uint64_t kSeed = 20230615;
const char* const kSceneCrs = "EPSG:32631";  // the landscape is laid out in these metres

// One a month of 2023, all on days when Sentinel-2 might have passed.
constexpr std::array<const char*, 12> kDates = {"20230114", "20230218", "20230315", "20230419",
                                                "20230514", "20230608", "20230713", "20230812",
                                                "20230906", "20231011", "20231115", "20231220"};

// Two tiles that overlap by 1.6 km, in two UTM zones that are turned by 4.6 degrees.
struct Tile {
  const char* name;
  const char* crs;
  double left;
  double top;
};
constexpr std::array<Tile, 2> kTiles = {Tile{"31UGR", "EPSG:32631", 711000, 5543000},
                                        Tile{"32ULA", "EPSG:32632", 284540, 5543040}};

const char* const kMedianGraph = R"json({
  "cube_type": "reduce_time",
  "description": "The median NDVI of 2023, clouds and their shadows masked.",
  "reducer_bands": [["median", "NDVI"]],
  "in_cube": {
    "cube_type": "apply_pixel",
    "expr": ["(B08 - B04) / (B08 + B04)"],
    "band_names": ["NDVI"],
    "in_cube": {
      "cube_type": "image_collection",
      "file": "s2.db",
      "mask_band": "SCL",
      "mask": {"values": [3, 8, 9, 10]},
      "view": {
        "aggregation": "median",
        "resampling": {"SCL": "near", "*": "bilinear"},
        "space": {"left": 711000, "right": 719600, "bottom": 5537800, "top": 5543000,
                  "dx": 10, "dy": 10, "srs": "EPSG:32631"},
        "time": {"t0": "2023-01", "t1": "2023-12", "dt": "P1M"}
      }
    }
  }
}
)json";

const char* const kMonthlyGraph = R"json({
  "version": 1,
  "description": "NDVI month by month; try --set year=2022 to see an empty year.",
  "parameters": {"year": "2023"},
  "cubes": {
    "s2": {
      "cube_type": "image_collection",
      "file": "s2.db",
      "mask_band": "SCL",
      "mask": {"values": [3, 8, 9, 10]},
      "view": {
        "aggregation": "median",
        "resampling": {"SCL": "near", "*": "bilinear"},
        "space": {"left": 711000, "right": 719600, "bottom": 5537800, "top": 5543000,
                  "dx": 20, "dy": 20, "srs": "EPSG:32631"},
        "time": {"t0": "${year}-01", "t1": "${year}-12", "dt": "P1M"}
      }
    },
    "ndvi": {
      "cube_type": "apply_pixel",
      "expr": ["(B08 - B04) / (B08 + B04)"],
      "band_names": ["NDVI"],
      "in_cube": "s2"
    }
  },
  "result": "ndvi"
}
)json";

Grid tile_grid(const Tile& tile, std::int64_t factor) {
  return {tile.crs,
          tile.left,
          tile.top,
          kCellSize * static_cast<double>(factor),
          kCellSize * static_cast<double>(factor),
          kCells / factor,
          kCells / factor};
}

// Cell centres of a tile in the metres of the landscape, and what is on the ground there.
struct Place {
  double x;
  double y;
  SampleScene::Ground ground;
};

std::vector<Place> places(const Grid& grid, const SampleScene& scene) {
  const CrsTransform transform(grid.crs, kSceneCrs);
  std::vector<Place> out;
  std::vector<double> x(static_cast<std::size_t>(grid.width));
  std::vector<double> y(x.size());
  for (std::int64_t row = 0; row < grid.height; ++row) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = grid.x_center(static_cast<std::int64_t>(i));
      y[i] = grid.y_center(row);
    }
    transform.apply(x, y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      out.push_back({x[i], y[i], scene.ground(x[i], y[i])});
    }
  }
  return out;
}

int day_of_year(Instant instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const auto year = std::chrono::year_month_day(day).year();
  return static_cast<int>((day - std::chrono::sys_days(year / 1 / 1)).count()) + 1;
}

// The edge of the swath cuts a corner off every other image.
bool seen(const Grid& grid, std::int64_t row, std::int64_t column, int image) {
  const double down = (static_cast<double>(row) + 0.5) / static_cast<double>(grid.height);
  const double right = (static_cast<double>(column) + 0.5) / static_cast<double>(grid.width);
  if (image % 2 == 0) return true;
  return image % 4 == 1 ? right + 0.4 * down > 0.3 : right + 0.4 * down < 1.1;
}

// A band of an image; `value` takes it from what was observed.
struct SampleBand {
  const char* file;
  DType dtype;
  double (*value)(const Observation&);
};

// Writes bands that share a grid into `folder`.
void write_bands(const fs::path& folder, const Grid& grid, const std::vector<Place>& cells,
                 const SampleScene& scene, int day, int image, std::span<const SampleBand> bands) {
  const Region region{{0, 1}, {0, grid.height}, {0, grid.width}};
  std::vector<Block> blocks;
  for (const SampleBand& band : bands) blocks.emplace_back(region, Storage{band.dtype, 0});
  std::size_t next = 0;
  for (std::int64_t y = 0; y < grid.height; ++y) {
    for (std::int64_t x = 0; x < grid.width; ++x, ++next) {
      if (!seen(grid, y, x, image)) continue;  // stays missing
      const Place& place = cells[next];
      const Observation observed = scene.observe(place.ground, place.x, place.y, day, image);
      for (std::size_t i = 0; i < bands.size(); ++i) {
        blocks[i].set_row(0, y, x, std::array{bands[i].value(observed)});
      }
    }
  }
  for (std::size_t i = 0; i < bands.size(); ++i) {
    write_tiff((folder / bands[i].file).string(), blocks[i], grid);
  }
}

double reflectance(double value) { return std::clamp(value, 1.0, 16000.0); }

constexpr std::array<SampleBand, 2> kFineBands = {
    SampleBand{"B04.tif", DType::kUInt16, [](const Observation& o) { return reflectance(o.red); }},
    SampleBand{"B08.tif", DType::kUInt16, [](const Observation& o) { return reflectance(o.nir); }}};
constexpr std::array<SampleBand, 1> kCoarseBands = {SampleBand{
    "SCL.tif", DType::kUInt8, [](const Observation& o) { return static_cast<double>(o.scl); }}};

// Writes all images of one tile below `folder`; the number of files.
int write_tile(const fs::path& folder, const Tile& tile, const SampleScene& scene) {
  const Grid fine = tile_grid(tile, 1);
  const Grid coarse = tile_grid(tile, 2);
  const auto fine_places = places(fine, scene);
  const auto coarse_places = places(coarse, scene);
  for (int image = 0; image < static_cast<int>(kDates.size()); ++image) {
    const std::string date = kDates[static_cast<std::size_t>(image)];
    const int day = day_of_year(*parse_time(date, "%Y%m%d"));
    const fs::path scene_folder = folder / (std::string(image % 2 == 0 ? "S2A_" : "S2B_") +
                                            tile.name + "_" + date + "_0_L2A");
    fs::create_directories(scene_folder);
    write_bands(scene_folder, fine, fine_places, scene, day, image, kFineBands);
    write_bands(scene_folder, coarse, coarse_places, scene, day, image, kCoarseBands);
  }
  return static_cast<int>((kFineBands.size() + kCoarseBands.size()) * kDates.size());
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text << std::flush;
  if (!out) throw Error(ErrorCode::kUnwritable, "cannot be written", file.string());
}

void prepare(const fs::path& folder, bool overwrite) {
  std::error_code failed;
  if (fs::exists(folder) && !fs::is_directory(folder)) {
    throw Error(ErrorCode::kUnwritable, "is a file, not a folder", folder.string());
  }
  if (!overwrite && fs::is_directory(folder) && !fs::is_empty(folder)) {
    throw Error(ErrorCode::kUnwritable, "is not empty", folder.string(),
                "--overwrite writes into it all the same");
  }
  fs::create_directories(folder / "archive", failed);
  if (failed) throw Error(ErrorCode::kUnwritable, failed.message(), folder.string());
}

void write_sample(const fs::path& folder, bool overwrite) {
  prepare(folder, overwrite);
  const SampleScene scene(kSeed);
  int files = 0;
  for (const Tile& tile : kTiles) files += write_tile(folder / "archive", tile, scene);
  write_text(folder / "ndvi.json", kMedianGraph);
  write_text(folder / "monthly.json", kMonthlyGraph);
  const std::string name = folder.string();
  std::cout << name << "/archive: " << files << " files, " << kTiles.size() * kDates.size()
            << " images of 2 tiles in 2 UTM zones (B04, B08: 10 m; SCL: 20 m)\n"
            << name << "/ndvi.json: the median NDVI of a year, clouds masked\n"
            << name << "/monthly.json: NDVI month by month\n\n"
            << "Try:\n"
            << "  cube catalog create " << name << "/s2.db " << name << "/archive\n"
            << "  cube plan " << name << "/ndvi.json\n"
            << "  cube run " << name << "/ndvi.json -o " << name << "/ndvi.tif -o " << name
            << "/ndvi.png\n"
            << "  cube run " << name << "/monthly.json -o " << name << "/monthly.nc\n";
}

}  // namespace

void add_sample(CLI::App& app, Program&) {
  struct Options {
    std::string folder;
    bool overwrite = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* sample =
      app.add_subcommand("sample", "Write a small synthetic archive and graphs to try");
  add_operand(*sample, "DIR", options->folder, "The folder to write into; made if absent");
  sample->add_flag("--overwrite", options->overwrite, "Write into a folder that is not empty");
  sample->footer(
      "The same files every time: a made-up landscape, 12 dates, two tiles.\n\n"
      "Example:\n  cube sample demo");
  sample->callback([options] {
    write_sample(fs::path(options->folder).lexically_normal(), options->overwrite);
  });
}

}  // namespace cube
