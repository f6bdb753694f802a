// Upright: netCDF arrays that are stored [longitude][latitude], as NASA's often are.
//
// GDAL takes an array's last dimension for x whatever it is, and so gives such a raster latitudes
// along its rows as if they were longitudes. The cells are right, only the geotransform is not:
// the data set is put into a virtual one whose geotransform says that columns run along y.
// Thread rule: as the data set's.
#pragma once

#include "engine/gdal/handles.h"

namespace cube {

// The data set itself, or one that has it inside. Costs an extra opening where a netCDF raster's
// x could be latitudes.
Dataset upright(Dataset dataset);

}  // namespace cube
