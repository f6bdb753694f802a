// StoredCollection: a catalog, or some of its images, in memory, to be changed.
// Thread rule: values.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "catalog/collection.h"
#include "catalog/sqlite.h"

namespace cube {

struct StoredCollection {
  Collection collection;    // files by absolute name, with their states and all settings
  std::string format_json;  // "" = none
  bool has_states = false;  // sizes and times of files are in it, where they were opened
  bool ours = false;        // its tables are those that we write
};

// Reads a catalog, ours or gdalcubes'. Throws Error as open_catalog().
StoredCollection read_collection(const std::filesystem::path& catalog);

// The same without images and files.
StoredCollection read_outline(const std::filesystem::path& catalog);

// The format that a catalog holds; nullopt where it has none of this use.
std::optional<CollectionFormat> stored_format(const StoredCollection& stored,
                                              CollectionFormat::Use use);

// Adds the images of these names, as far as there are any, of a catalog of ours in `folder`.
// REQUIRES: part.ours; none of them is in `part`.
void read_images(Database& database, const std::filesystem::path& folder,
                 const std::set<std::string>& names, Collection& part);

// Size and time of a file in two columns of a row.
FileState state_in(const Statement& row, int column);

// Puts the images of `fresh` into `base`. An image of a name that is there already takes what
// `fresh` says and keeps only the bands that `fresh` lacks (none, when they were cleared before).
// Bands are told by their names; those of `order` come first, in that order, then those of `base`.
// Where a band has another scale or offset in the two its images keep their own.
void merge_collection(Collection& base, Collection fresh, const std::vector<std::string>& order);

// Drops files and bands that no image has, and puts files by name and images by time and name, as
// they are in a new catalog.
void tidy(Collection& collection);

}  // namespace cube
