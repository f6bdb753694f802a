// Sizes and times of the files of a new catalog.
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>

#include "catalog/catalog_writer.h"

namespace cube {

// Notes what is known of the files that are on this machine, which none of them is opened for.
// Several are asked at a time, as some file systems are far away. `folder`: the catalog's,
// absolute. Throws Error(kUnwritable).
void write_states(CatalogWriter& writer, const std::filesystem::path& folder, int threads);

}  // namespace cube
