// The tables of a catalog: gdalcubes', and ours beside them.
#pragma once

namespace cube {

// Our R*Tree of footprints: longitude/latitude boxes, rounded outwards to 32-bit floats by SQLite;
// the exact ones are in `images`. An image that crosses the antimeridian has two rows here and
// left > right there.
inline constexpr const char* kFootprintTable = "image_footprints";

}  // namespace cube
