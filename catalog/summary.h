// Summaries: what a catalog says of itself without being read through.
// Thread rule: pure functions.
#pragma once

#include <string>

#include "catalog/sqlite.h"
#include "engine/image_index.h"

namespace cube {

// Counts the images; `files` and `dates` are left as they are. Throws Error(kUnreadable) naming
// the file where a time cannot be read.
CollectionSummary count_images(Database& database, const std::string& file);

// As it is kept in a catalog (without dates).
std::string summary_json(const CollectionSummary& summary);

}  // namespace cube
