// Placing: images without a grid of their own, which ground control points or RPCs place, and the
// grid that GDAL suggests for an image in another CRS.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/grid.h"

namespace cube {

// Ways in which a raster says where it lies besides a geotransform.
struct PlacedBy {
  bool points = false;  // ground control points
  bool rpcs = false;    // rational polynomial coefficients
};
PlacedBy placed_by(const std::string& descriptor);

// The grid in `crs` onto which gdalwarp would bring the image, or its overview, if nobody says
// otherwise: all of the image, with cells of about the image's size. `placing` as RasterBand has
// it. Throws Error(kUnreadable) with GDAL's reason.
Grid suggested_grid(const std::string& descriptor, std::optional<int> overview,
                    const std::string& crs, const std::vector<std::string>& placing);

}  // namespace cube
