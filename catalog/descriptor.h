// Descriptors: how file names stand in a catalog.
//
// A file below the catalog's folder is stored relative to that folder, so that an archive and its
// catalog can be moved together; any other file is stored with its absolute path. /vsi paths, URLs
// and subdatasets (NETCDF:"file":variable) are kept as they are.
// Thread rule: pure functions.
#pragma once

#include <filesystem>
#include <string>

namespace cube {

// Whether `descriptor` names a file of this machine (not a /vsi path, URL, subdataset or XML).
bool is_file_name(const std::string& descriptor);

// A file name as an absolute path, anything else as it is. Formats match this, so that it does not
// matter where the program is started.
std::string absolute_name(const std::string& name);

// What GDAL opens for a descriptor of a catalog in `folder` (absolute).
std::string resolve_descriptor(const std::string& descriptor, const std::filesystem::path& folder);

// What a catalog in `folder` (absolute) stores for `name`.
std::string stored_descriptor(const std::string& name, const std::filesystem::path& folder);

}  // namespace cube
