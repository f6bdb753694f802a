#include "engine/gdal/library_versions.h"

#include <gdal.h>
#include <hdf5.h>
#include <netcdf.h>
#include <ogr_srs_api.h>

namespace cube {

namespace {

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> library_versions() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  OSRGetPROJVersion(&major, &minor, &patch);
  const std::string netcdf = nc_inq_libvers();  // "4.9.0 of Jan 1 2023 ..."
  // HDF5 ends a program that runs with another version than it was compiled with, and asking it
  // sets it up, which takes a millisecond.
  return {{"GDAL", GDALVersionInfo("RELEASE_NAME")},
          {"PROJ", dotted(major, minor, patch)},
          {"HDF5", dotted(H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE)},
          {"netCDF", netcdf.substr(0, netcdf.find(' '))}};
}

}  // namespace cube
