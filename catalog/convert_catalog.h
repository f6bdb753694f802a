// A catalog that gdalcubes or an older version made, as one of ours, in flat memory.
// Thread rule: pure functions.
#pragma once

#include <filesystem>

#include "catalog/stored_collection.h"

namespace cube {

// Writes what `catalog` holds into `out`, for a catalog in `folder`; `outline` is what
// read_outline() gave. All of its metadata of images is held, if there is any (gdalcubes has it
// only where a format asks for it). Throws Error as open_catalog(), and Error(kUnwritable).
void convert_catalog(const std::filesystem::path& catalog, const StoredCollection& outline,
                     const std::filesystem::path& folder, const std::filesystem::path& out);

}  // namespace cube
