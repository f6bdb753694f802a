// Upright: rasters whose place GDAL's drivers do not see, or see wrong.
//
// GDAL takes an array's last dimension for x whatever it is, and so gives netCDF arrays that are
// stored [longitude][latitude], as NASA's often are, latitudes along their rows as if they were
// longitudes. Of HDF4 and HDF5 it sees no coordinates (see array_place.h). The cells are right in
// both: the data set is put into a virtual one that says where they lie.
// Thread rule: as the data set's.
#pragma once

#include "engine/gdal/handles.h"

namespace cube {

// The data set itself, or one that has it inside. Costs an extra opening where a netCDF raster's
// x could be latitudes, and where HDF4 or HDF5 has no place.
Dataset upright(Dataset dataset);

}  // namespace cube
