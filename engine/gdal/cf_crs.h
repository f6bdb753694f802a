// Coordinate reference systems in the words of the CF conventions, both ways.
// Thread rule: pure functions.
#pragma once

#include <string>

#include "engine/gdal/cf.h"
#include "engine/grid.h"

namespace cube {

// The attributes of the grid mapping of a grid that has a CRS: CF's parameters where it has words
// for the projection, and crs_wkt, spatial_ref and GeoTransform, which are complete.
CfAttributes describe_crs(const Grid& grid);

// The CRS, canonical, that the attributes of a grid mapping state: as a text, else by CF's
// parameters (CF 1.8, appendix F); "" when they state none. Throws Error(kInvalid) for a projection
// that is not known.
std::string decode_crs(const CfAttributes& mapping);

}  // namespace cube
