#include "engine/gdal/netcdf_lock.h"

#include <hdf5.h>

namespace cube {

namespace {

// Shared by the whole process because the library's state is.
std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

}  // namespace

NetcdfLock::NetcdfLock() : lock_(library_mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

}  // namespace cube
