// Hdf5Chunks: chunks of the datasets of an HDF5 file, written as they are stored.
// Thread rule: NetcdfLock held in every call, the destructor included; libhdf5 is not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/gdal/hdf5_driver.h"

namespace cube {

class Hdf5Chunks {
 public:
  // Opens datasets of a file that is closed; `name` is that of the file in errors. Throws
  // Error(kUnwritable).
  Hdf5Chunks(const std::string& path, std::string name, const std::vector<std::string>& datasets);
  // A file that was not closed is abandoned.
  ~Hdf5Chunks();
  Hdf5Chunks(const Hdf5Chunks&) = delete;
  Hdf5Chunks& operator=(const Hdf5Chunks&) = delete;

  // The chunk that begins at `start`, after all filters of the dataset. Each chunk once. Returns
  // where in the file it lies from now on, also if the file is never closed.
  std::uint64_t write(std::size_t dataset, const std::array<std::int64_t, 3>& start,
                      std::span<const std::byte> stored);

  void close();

 private:
  // `status` of the library: negative = it failed.
  template <class T>
  T check(T status) const;
  void abandon();

  std::string name_;
  std::shared_ptr<Hdf5Traffic> traffic_ = std::make_shared<Hdf5Traffic>();
  std::int64_t file_ = -1;
  std::vector<std::int64_t> datasets_;
};

}  // namespace cube
