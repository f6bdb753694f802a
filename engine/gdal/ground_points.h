// Ground control points whose longitudes begin again at -180 where the image crosses the
// antimeridian (as those of Sentinel-1 do): GDAL would lay its polynomials through both ends of the
// world. Here they count on.
// Thread rule: as the dataset's.
#pragma once

#include <gdal.h>

#include <vector>

#include "engine/gdal/handles.h"

namespace cube {

// The image's points, counting on across the antimeridian if they are in degrees and lie on both
// sides of it. Their texts are the dataset's.
std::vector<GDAL_GCP> points_of(GDALDatasetH dataset);

// An image of the same size without bands whose points count on, to make a transformer from; null
// where those of the image itself do.
Dataset with_points_counting_on(GDALDatasetH dataset);

}  // namespace cube
