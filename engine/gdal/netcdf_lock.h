// NetcdfLock: one thread of the process uses libnetcdf at a time, because it is not thread-safe.
#pragma once

#include <mutex>

namespace cube {

// Held by everything that calls libnetcdf, directly or through a GDAL driver. It also keeps HDF5
// from printing its errors on this thread, for good: libnetcdf does the same, but only on the
// thread that happens to come first.
class NetcdfLock {
 public:
  NetcdfLock();

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

}  // namespace cube
