// The STAC documents and tables of a catalog, read again: what they say now is what is.
// Thread rule: pure functions.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "catalog/catalog_change.h"

namespace cube {

// Takes from the documents among `inputs` the images that they say otherwise than the catalog, or
// of which a file has changed, and drops those that they do not name any more, where they are all
// that the catalog was made from. Gives the names of images whose files have changed. Memory
// follows what has changed, beside 32 bytes an image of the catalog and what reading a document
// takes (see ImageTable and StacFiles); all of a document is held where it is read with --open, or
// a table without extents says another scale, nodata or unit than the catalog. Throws Error as
// create_catalog_from_table() and create_catalog_from_stac().
std::set<std::string> reread_documents(CatalogChange& change,
                                       const std::vector<CatalogInput>& inputs,
                                       const ChangeOptions& options);

}  // namespace cube
