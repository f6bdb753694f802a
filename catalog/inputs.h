// What a catalog was made from, as a row of collection_md: an array of
// {"kind": "files", "names": ["archive", "more/*.tif"]}, {"kind": "stac", "names": [...],
// "bands": [...], "open": true} and {"kind": "table", "names": ["scenes.csv"], "bands": [...]}.
// Names below the catalog's folder are relative to it, as descriptors are.
// Thread rule: pure functions.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace cube {

// Adds an input to the settings of a catalog in `folder`: joined to one of the same kind, bands and
// way of opening, names sorted and without duplicates. Of files only folders and globs are kept,
// and nothing if there are none.
void add_input(std::map<std::string, std::string>& settings, const CatalogInput& input,
               const std::filesystem::path& folder);

// The inputs, their names absolute; empty where nothing is said.
std::vector<CatalogInput> inputs_of(const std::map<std::string, std::string>& settings,
                                    const std::filesystem::path& folder);

}  // namespace cube
