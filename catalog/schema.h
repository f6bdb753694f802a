// The tables of a catalog: gdalcubes', and ours beside them.
// Thread rule: pure functions.
#pragma once

#include <string>

namespace cube {

// Our key in `collection_md`, and its value for the tables as they are now.
inline constexpr const char* kVersionKey = "CUBE_CATALOG_VERSION";
inline constexpr const char* kVersion = "1";

// Our key in `band_md` for what a user should know of a band.
inline constexpr const char* kNoteKey = "note";

// Our R*Tree of footprints: longitude/latitude boxes, rounded outwards to 32-bit floats by SQLite;
// the exact ones are in `images`. An image that crosses the antimeridian has two rows here and
// left > right there.
inline constexpr const char* kFootprintTable = "image_footprints";

// Size in bytes and modification time (seconds since 1970) of files when they were indexed; null
// for what is no file of this machine.
inline constexpr const char* kFileTable = "files";

// The statements that make all tables.
std::string schema_sql();

}  // namespace cube
