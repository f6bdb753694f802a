// The grid that a view of raster files asks for, where it leaves out what the files can say.
// Thread rule: pure functions.
#pragma once

#include <optional>

#include "engine/raster_files.h"
#include "engine/view.h"

namespace cube {

// As make_grid(), but srs may be left out, which is the file's own CRS, and so may the extent or
// the size of cells or both, which are then those that gdalwarp would choose for the file: the
// suggested extent, with as many cells of a size that is given as fit best from its upper left
// corner on; the suggested cell size, but for what makes it divide an extent that is given.
// `overview`: of the file that is read. Throws Error with `where` (+ "/left", ...).
Grid raster_grid(const SpaceView& space, const RasterFile& file, std::optional<int> overview,
                 const std::string& where);

}  // namespace cube
