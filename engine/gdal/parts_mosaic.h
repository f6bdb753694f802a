// A mosaic of parts: a VRT that takes from the GeoTIFF of each part, which is as large as the whole
// and empty elsewhere, the chunks that are the part's. Tiles of files and chunks lie on each other.
// Thread rule: pure functions.
// Only files of engine/gdal include this.
#pragma once

#include <string>
#include <vector>

#include "engine/gdal/output_file.h"
#include "engine/tiling.h"

namespace cube {

struct MosaicPart {
  std::string path;  // of its file
  std::string name;  // by which the VRT calls it, as seen from its folder
  Range chunks;
};

// The fewest boxes that the chunks of a run are.
std::vector<Region> boxes_of(const Tiling& tiling, const Range& chunks);

// The text of the VRT; what it says of bands is what the first file says. Throws
// Error(kUnwritable). REQUIRES: `parts` are not empty, have cells of `file` each.
std::string mosaic_text(const std::vector<MosaicPart>& parts, const Tiling& tiling,
                        const FilePart& file);

}  // namespace cube
