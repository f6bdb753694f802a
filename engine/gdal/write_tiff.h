// write_tiff: a block as a small GeoTIFF, for made-up archives and tests. Outputs of runs go
// through the sinks.
#pragma once

#include <string>

#include "engine/block.h"
#include "engine/grid.h"

namespace cube {

// Writes one slice as a tiled DEFLATE GeoTIFF with the block's type and nodata value.
// REQUIRES: the block's region is one slice of the whole grid.
// Throws Error(kUnwritable) with GDAL's reason.
void write_tiff(const std::string& file, const Block& block, const Grid& grid);

}  // namespace cube
