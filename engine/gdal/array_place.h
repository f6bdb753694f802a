// ArrayPlace: where the cells of a raster in an HDF4 or HDF5 file lie, by what the file says
// besides what GDAL's drivers look at: an HDF-EOS5 grid, coordinates of rows and columns as the CF
// conventions have them (dimension scales, or arrays of latitudes and longitudes beside), or an
// array of places for each cell.
// Thread rule: NetcdfLock held.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/gdal/handles.h"

namespace cube {

struct ArrayPlace {
  std::array<double, 6> geotransform{};  // GDAL's; rows may run along x
  std::string crs;                       // canonical; "" = not stated

  // Names for GDAL of the arrays that place each cell, in degrees: longitudes, latitudes. Empty
  // where the geotransform does.
  std::vector<std::string> geolocation;

  std::string reason;  // why the raster has no place: what was looked for; "" = it has one
};

// True of a raster that is one array of an HDF4 or HDF5 file.
bool is_hdf_image(GDALDatasetH dataset);

// REQUIRES: is_hdf_image(dataset).
ArrayPlace find_array_place(GDALDatasetH dataset);

}  // namespace cube
