#include "engine/gdal/hdf5_chunks.h"

#include <hdf5.h>

#include <cerrno>
#include <cstring>

#include "engine/gdal/output_file.h"

namespace cube {

template <class T>
T Hdf5Chunks::check(T status) const {
  if (status >= 0) return status;
  // HDF5's failures all look alike; the system's reason is still in errno.
  throw unwritable(name_, errno != 0 ? std::strerror(errno) : "HDF5 refuses");
}

Hdf5Chunks::Hdf5Chunks(const std::string& path, std::string name,
                       const std::vector<std::string>& datasets)
    : name_(std::move(name)) {
  static_assert(sizeof(hid_t) == sizeof(std::int64_t));
  file_ = check(open_hdf5(path, traffic_));
  errno = 0;
  for (const std::string& dataset : datasets) {
    datasets_.push_back(H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT));
    if (datasets_.back() >= 0) continue;
    const std::string reason = errno != 0 ? std::strerror(errno) : "HDF5 does not find " + dataset;
    datasets_.pop_back();
    abandon();
    throw unwritable(name_, reason);
  }
}

Hdf5Chunks::~Hdf5Chunks() { abandon(); }

void Hdf5Chunks::abandon() {
  traffic_->abandoned = true;
  if (file_ < 0) return;
  for (const std::int64_t dataset : datasets_) H5Dclose(dataset);
  H5Fclose(file_);
  file_ = -1;
}

std::uint64_t Hdf5Chunks::write(std::size_t dataset, const std::array<std::int64_t, 3>& start,
                                std::span<const std::byte> stored) {
  const std::array<hsize_t, 3> offset = {static_cast<hsize_t>(start[0]),
                                         static_cast<hsize_t>(start[1]),
                                         static_cast<hsize_t>(start[2])};
  constexpr std::uint32_t kAllFilters = 0;  // none was left out
  errno = 0;
  traffic_->bytes = 0;
  check(H5Dwrite_chunk(datasets_[dataset], H5P_DEFAULT, kAllFilters, offset.data(), stored.size(),
                       stored.data()));
  if (traffic_->bytes != stored.size()) {
    throw Error(ErrorCode::kInternal, "HDF5 did not write a chunk at once", name_);
  }
  return traffic_->offset;
}

void Hdf5Chunks::close() {
  errno = 0;
  check(H5Fflush(file_, H5F_SCOPE_GLOBAL));
  for (const std::int64_t dataset : datasets_) check(H5Dclose(dataset));
  datasets_.clear();
  const std::int64_t file = file_;
  file_ = -1;
  check(H5Fclose(file));
}

}  // namespace cube
