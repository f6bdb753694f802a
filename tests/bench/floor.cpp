// The floor of the benchmark's jobs: the least that any program has to do. Only decodes the needed
// blocks, computes the one formula or median, and encodes the output, with GDAL and nothing else.
// No operator, plan, mask rule or grid is interpreted; the shapes of the inputs are taken for
// granted. Built with -DCUBE_BENCH=ON and run by tests/bench/run. The usage is below.
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "tests/bench/floor_io.h"

namespace cube::floor {

namespace {

constexpr const char* kUsage =
    "usage: bench_floor decode THREADS FOLDER               decode all blocks of FOLDER/*.tif\n"
    "       bench_floor ndvi THREADS RED NIR OUT COMPRESS   NDVI; COMPRESS: none or deflate\n"
    "       bench_floor median THREADS FOLDER OUT           median NDVI of FOLDER's cloudless "
    "cells\n"
    "       bench_floor scale THREADS FILE OUT COLUMNS ROWS TYPE   repeat or drop cells;"
    "                                                   TYPE: uint16 or float32\n"
    "       bench_floor pixel FOLDER X Y                    decode the blocks at X, Y in "
    "FOLDER/*.tif\n";

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

float ndvi(std::uint16_t red, std::uint16_t nir) {
  const auto a = static_cast<float>(red);
  const auto b = static_cast<float>(nir);
  return red == 0 || nir == 0 ? kMissing : (b - a) / (b + a);
}

void decode_block(GDALDataset& dataset, int x, int y) {
  for (auto* band : dataset.GetBands()) {
    int columns = 0;
    int rows = 0;
    band->GetBlockSize(&columns, &rows);
    std::vector<std::byte> cells(
        static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows) *
        static_cast<std::size_t>(GDALGetDataTypeSizeBytes(band->GetRasterDataType())));
    require(band->ReadBlock(x / columns, y / rows, cells.data()));
  }
}

void run_decode(int threads, const std::string& folder) {
  struct Task {
    std::string file;
    Window window;
  };
  std::vector<Task> tasks;
  for (const std::string& file : rasters_in(folder, ".tif")) {
    const auto dataset = open_raster(file);
    int columns = 0;
    int rows = 0;
    dataset->GetRasterBand(1)->GetBlockSize(&columns, &rows);
    for (const Window& w :
         tiles(dataset->GetRasterXSize(), dataset->GetRasterYSize(), columns, rows)) {
      tasks.push_back({file, w});
    }
  }
  parallel(threads, tasks.size(), [&](std::size_t i, Files& files) {
    decode_block(files.get(tasks[i].file), tasks[i].window.x, tasks[i].window.y);
  });
}

void run_ndvi(int threads, const std::string& red, const std::string& nir, const std::string& out,
              const std::string& compress) {
  constexpr int kSide = 1024;  // the blocks of the inputs
  const auto like = open_raster(red);
  const int columns = like->GetRasterXSize();
  const int rows = like->GetRasterYSize();
  Output output(out, columns, rows, 1, GDT_Float32, kSide, compress, threads);
  output.copy_place(*like);
  const auto windows = tiles(columns, rows, kSide, kSide);
  parallel(threads, windows.size(), [&](std::size_t i, Files& files) {
    thread_local std::vector<std::uint16_t> a;
    thread_local std::vector<std::uint16_t> b;
    thread_local std::vector<float> result;
    read(*files.get(red).GetRasterBand(1), windows[i], GDT_UInt16, a);
    read(*files.get(nir).GetRasterBand(1), windows[i], GDT_UInt16, b);
    result.resize(a.size());
    std::transform(a.begin(), a.end(), b.begin(), result.begin(), ndvi);
    output.write(1, windows[i], result);
  });
}

// One date of the archive: its three files and where it lies in the common grid of 10 m.
struct Scene {
  std::string red, nir, classes;
  Window place;
};

constexpr int kScale = 2;  // cells of 10 m along one of the scene classification
constexpr double kCell = 10;

std::vector<Scene> scenes_in(const std::string& folder) {
  std::vector<Scene> scenes;
  double left = std::numeric_limits<double>::infinity();
  double top = -left;
  std::vector<std::array<double, 6>> transforms;
  for (const std::string& red : rasters_in(folder, "_B04.tif")) {
    const std::string stem = red.substr(0, red.size() - std::string("B04.tif").size());
    const auto dataset = open_raster(red);
    dataset->GetGeoTransform(transforms.emplace_back().data());
    scenes.push_back({red,
                      stem + "B08.tif",
                      stem + "SCL.tif",
                      {0, 0, dataset->GetRasterXSize(), dataset->GetRasterYSize()}});
    left = std::min(left, transforms.back()[0]);
    top = std::max(top, transforms.back()[3]);
  }
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    scenes[i].place.x = static_cast<int>(std::lround((transforms[i][0] - left) / kCell));
    scenes[i].place.y = static_cast<int>(std::lround((top - transforms[i][3]) / kCell));
  }
  return scenes;
}

Window intersection(const Window& a, const Window& b) {
  const int x = std::max(a.x, b.x);
  const int y = std::max(a.y, b.y);
  return {x, y, std::min(a.x + a.columns, b.x + b.columns) - x,
          std::min(a.y + a.rows, b.y + b.rows) - y};
}

// Series of NDVI for the cells of one window, and their medians.
class Medians {
 public:
  void begin(const Window& window, std::size_t most) {
    window_ = window;
    most_ = most;
    values_.resize(window.cells() * most);
    counts_.assign(window.cells(), 0);
  }

  void add(const Scene& scene, Files& files) {
    const Window w = intersection(window_, scene.place);
    if (w.columns <= 0 || w.rows <= 0) return;
    const Window own{w.x - scene.place.x, w.y - scene.place.y, w.columns, w.rows};
    const Window coarse{own.x / kScale, own.y / kScale, own.columns / kScale, own.rows / kScale};
    read(*files.get(scene.red).GetRasterBand(1), own, GDT_UInt16, red_);
    read(*files.get(scene.nir).GetRasterBand(1), own, GDT_UInt16, nir_);
    read(*files.get(scene.classes).GetRasterBand(1), coarse, GDT_Byte, classes_);
    for (int y = 0; y < w.rows; ++y) {
      for (int x = 0; x < w.columns; ++x) {
        const std::size_t from = index(y, w.columns, x);
        if (cloudy(classes_[index(y / kScale, coarse.columns, x / kScale)])) continue;
        if (red_[from] == 0 || nir_[from] == 0) continue;
        const std::size_t to = index(w.y - window_.y + y, window_.columns, w.x - window_.x + x);
        values_[to * most_ + counts_[to]++] = ndvi(red_[from], nir_[from]);
      }
    }
  }

  std::vector<float>& finish() {
    result_.resize(counts_.size());
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      result_[i] = median(values_.data() + i * most_, counts_[i]);
    }
    return result_;
  }

 private:
  static std::size_t index(int y, int columns, int x) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(columns) +
           static_cast<std::size_t>(x);
  }
  static bool cloudy(std::uint8_t c) { return c == 3 || c == 8 || c == 9 || c == 10; }

  static float median(float* values, std::size_t count) {
    if (count == 0) return kMissing;
    float* middle = values + count / 2;
    std::nth_element(values, middle, values + count);
    return count % 2 == 1 ? *middle : (*middle + *std::max_element(values, middle)) / 2;
  }

  Window window_;
  std::size_t most_ = 0;
  std::vector<float> values_;
  std::vector<std::size_t> counts_;
  std::vector<std::uint16_t> red_, nir_;
  std::vector<std::uint8_t> classes_;
  std::vector<float> result_;
};

void run_median(int threads, const std::string& folder, const std::string& out) {
  constexpr int kSide = 512;  // the blocks of the inputs
  const std::vector<Scene> scenes = scenes_in(folder);
  Window all;
  const Scene* whole = nullptr;
  for (const Scene& scene : scenes) {
    if (!whole || scene.place.cells() > whole->place.cells()) whole = &scene;
    all.columns = std::max(all.columns, scene.place.x + scene.place.columns);
    all.rows = std::max(all.rows, scene.place.y + scene.place.rows);
  }
  if (!whole) throw std::runtime_error("no *_B04.tif in " + folder);
  Output output(out, all.columns, all.rows, 1, GDT_Float32, kSide, "none", threads);
  output.copy_place(*open_raster(whole->red));
  const auto windows = tiles(all.columns, all.rows, kSide, kSide);
  parallel(threads, windows.size(), [&](std::size_t i, Files& files) {
    thread_local Medians medians;
    medians.begin(windows[i], scenes.size());
    for (const Scene& scene : scenes) medians.add(scene, files);
    output.write(1, windows[i], medians.finish());
  });
}

// Every output tile takes the cells under it from the file, dropped or repeated.
template <class T>
void run_scale(int threads, const std::string& file, const std::string& out, int columns, int rows,
               GDALDataType type) {
  constexpr int kSide = 512;
  const auto like = open_raster(file);
  const double step_x = like->GetRasterXSize() / static_cast<double>(columns);
  const double step_y = like->GetRasterYSize() / static_cast<double>(rows);
  const int bands = like->GetRasterCount();
  Output output(out, columns, rows, bands, type, kSide, "none", threads);
  const auto windows = tiles(columns, rows, kSide, kSide);
  parallel(threads, windows.size(), [&](std::size_t i, Files& files) {
    const Window& w = windows[i];
    thread_local std::vector<T> source;
    thread_local std::vector<T> cells;
    const Window from{static_cast<int>(w.x * step_x), static_cast<int>(w.y * step_y),
                      std::max(1, static_cast<int>(w.columns * step_x)),
                      std::max(1, static_cast<int>(w.rows * step_y))};
    for (int band = 1; band <= bands; ++band) {
      read(*files.get(file).GetRasterBand(band), from, type, source);
      cells.clear();
      for (int y = 0; y < w.rows; ++y) {
        const int row = static_cast<int>(y * step_y) * from.columns;
        for (int x = 0; x < w.columns; ++x) {
          cells.push_back(source[static_cast<std::size_t>(row + static_cast<int>(x * step_x))]);
        }
      }
      output.write(band, w, cells);
    }
  });
}

void run_pixel(const std::string& folder, double x, double y) {
  for (const std::string& file : rasters_in(folder, ".tif")) {
    const auto dataset = open_raster(file);
    std::array<double, 6> transform{};
    dataset->GetGeoTransform(transform.data());
    const int column = static_cast<int>(std::floor((x - transform[0]) / transform[1]));
    const int row = static_cast<int>(std::floor((y - transform[3]) / transform[5]));
    const bool inside = column >= 0 && row >= 0 && column < dataset->GetRasterXSize() &&
                        row < dataset->GetRasterYSize();
    if (inside) decode_block(*dataset, column, row);
  }
}

bool run(const std::vector<std::string>& a) {
  const std::string job = a.empty() ? "" : a[0];
  const std::size_t n = a.size();
  if (job == "decode" && n == 3) {
    run_decode(std::stoi(a[1]), a[2]);
  } else if (job == "ndvi" && n == 6) {
    run_ndvi(std::stoi(a[1]), a[2], a[3], a[4], a[5]);
  } else if (job == "median" && n == 4) {
    run_median(std::stoi(a[1]), a[2], a[3]);
  } else if (job == "scale" && n == 7) {
    const bool whole = a[6] == "uint16";
    (whole ? run_scale<std::uint16_t> : run_scale<float>)(std::stoi(a[1]), a[2], a[3],
                                                          std::stoi(a[4]), std::stoi(a[5]),
                                                          whole ? GDT_UInt16 : GDT_Float32);
  } else if (job == "pixel" && n == 4) {
    run_pixel(a[1], std::stod(a[2]), std::stod(a[3]));
  } else {
    return false;
  }
  return true;
}

}  // namespace

}  // namespace cube::floor

int main(int argc, char** argv) {
  GDALAllRegister();
  try {
    if (cube::floor::run({argv + 1, argv + argc})) return 0;
    std::fputs(cube::floor::kUsage, stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_floor: %s\n", error.what());
  }
  return 1;
}
