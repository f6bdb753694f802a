// Reading and writing of the floor's jobs (floor.cpp), with GDAL and nothing else.
// Thread rule: Files belongs to one thread; Output may be written to by several.
#pragma once

#include <cpl_conv.h>
#include <gdal_priv.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace cube::floor {

struct Window {
  int x = 0, y = 0, columns = 0, rows = 0;

  std::size_t cells() const {
    return static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows);
  }
};

inline void require(CPLErr status) {
  if (status != CE_None) throw std::runtime_error(CPLGetLastErrorMsg());
}

inline GDALDatasetUniquePtr open_raster(const std::string& file) {
  GDALDatasetUniquePtr dataset(GDALDataset::Open(file.c_str(), GDAL_OF_RASTER));
  if (!dataset) throw std::runtime_error(CPLGetLastErrorMsg());
  return dataset;
}

// The datasets of one thread.
class Files {
 public:
  GDALDataset& get(const std::string& file) {
    GDALDatasetUniquePtr& dataset = open_[file];
    if (!dataset) dataset = open_raster(file);
    return *dataset;
  }

 private:
  std::map<std::string, GDALDatasetUniquePtr> open_;
};

inline std::vector<std::string> rasters_in(const std::string& folder, const std::string& ending) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().string().ends_with(ending)) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Cuts a raster into windows of at most `side` x `side` cells.
inline std::vector<Window> tiles(int columns, int rows, int side_x, int side_y) {
  std::vector<Window> windows;
  for (int y = 0; y < rows; y += side_y) {
    for (int x = 0; x < columns; x += side_x) {
      windows.push_back({x, y, std::min(side_x, columns - x), std::min(side_y, rows - y)});
    }
  }
  return windows;
}

// Reads a window; a whole block without going through GDAL's cache.
template <class T>
void read(GDALRasterBand& band, const Window& w, GDALDataType type, std::vector<T>& cells) {
  cells.resize(w.cells());
  int block_x = 0;
  int block_y = 0;
  band.GetBlockSize(&block_x, &block_y);
  const bool block = w.columns == block_x && w.rows == block_y && w.x % block_x == 0 &&
                     w.y % block_y == 0 && band.GetRasterDataType() == type;
  require(block ? band.ReadBlock(w.x / block_x, w.y / block_y, cells.data())
                : band.RasterIO(GF_Read, w.x, w.y, w.columns, w.rows, cells.data(), w.columns,
                                w.rows, type, 0, 0, nullptr));
}

// A tiled GeoTIFF that several threads write to.
class Output {
 public:
  Output(const std::string& file, int columns, int rows, int bands, GDALDataType type, int side,
         const std::string& compress, int threads)
      : side_(side) {
    CPLStringList options;
    options.SetNameValue("TILED", "YES");
    options.SetNameValue("BLOCKXSIZE", std::to_string(side).c_str());
    options.SetNameValue("BLOCKYSIZE", std::to_string(side).c_str());
    options.SetNameValue("INTERLEAVE", "BAND");
    if (compress == "deflate") {
      options.SetNameValue("COMPRESS", "DEFLATE");
      options.SetNameValue("PREDICTOR", "3");
      options.SetNameValue("NUM_THREADS", std::to_string(threads).c_str());
    }
    dataset_.reset(GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
        file.c_str(), columns, rows, bands, type, options.List()));
    if (!dataset_) throw std::runtime_error(CPLGetLastErrorMsg());
  }

  void copy_place(GDALDataset& from) {
    std::array<double, 6> transform{};
    from.GetGeoTransform(transform.data());
    dataset_->SetGeoTransform(transform.data());
    dataset_->SetSpatialRef(from.GetSpatialRef());
    dataset_->GetRasterBand(1)->SetNoDataValue(std::numeric_limits<double>::quiet_NaN());
  }

  // REQUIRES: the window is a tile (less at the far edges) and T the type of the cells. Tiles are
  // written whole, past GDAL's cache.
  template <class T>
  void write(int band, const Window& w, std::vector<T>& cells) {
    thread_local std::vector<T> tile;
    const bool whole = w.columns == side_ && w.rows == side_;
    if (!whole) {
      tile.assign(static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_), T{});
      for (int y = 0; y < w.rows; ++y) {
        std::copy_n(cells.begin() + std::ptrdiff_t{y} * w.columns, w.columns,
                    tile.begin() + std::ptrdiff_t{y} * side_);
      }
    }
    const std::lock_guard lock(mutex_);
    require(dataset_->GetRasterBand(band)->WriteBlock(w.x / side_, w.y / side_,
                                                      whole ? cells.data() : tile.data()));
  }

 private:
  int side_;
  std::mutex mutex_;
  GDALDatasetUniquePtr dataset_;
};

// Runs work(task, files) for all tasks; every thread has its own files.
inline void parallel(int threads, std::size_t tasks,
                     const std::function<void(std::size_t, Files&)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto worker = [&] {
    try {
      Files files;
      for (std::size_t task = next++; task < tasks; task = next++) work(task, files);
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  };
  std::vector<std::thread> pool;
  for (int i = 0; i < threads; ++i) pool.emplace_back(worker);
  for (std::thread& thread : pool) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace cube::floor
