// Descriptors: how file names stand in a catalog.
//
// A file below the catalog's folder is stored relative to that folder, so that an archive and its
// catalog can be moved together; any other file is stored with its absolute path. The same goes for
// the file in an archive's name (/vsizip/a.zip/b.tif, /vsitar/, /vsigzip/) and in a subdataset's,
// where it stands in quotes (NETCDF:"a.nc":v). Other /vsi paths, URLs and XML are kept as they are.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cube {

// Whether `descriptor` names a file of this machine (not a /vsi path, URL, subdataset or XML).
bool is_file_name(const std::string& descriptor);

// The name of a file of this machine in a descriptor, with what is below it in an archive; "" where
// there is none. Nothing is looked at.
std::string file_named(const std::string& descriptor);

// The file of this machine that a descriptor reads: itself, or the one within it; "" = none, or not
// there.
std::string file_of(const std::string& descriptor);

// Why a file that cannot be opened cannot: HDF and netCDF files within archives, of which GDAL only
// says that it does not know them, are told; else `reason`.
std::string why_unreadable(const std::string& name, const std::string& reason);

// File names, and those within descriptors, as absolute paths, anything else as it is. Formats
// match this, so that it does not matter where the program is started.
std::string absolute_name(const std::string& name);

// What GDAL opens for a descriptor of a catalog in `folder` (absolute).
std::string resolve_descriptor(const std::string& descriptor, const std::filesystem::path& folder);

// What a catalog in `folder` (absolute) stores for `name`.
std::string stored_descriptor(const std::string& name, const std::filesystem::path& folder);

// How many different descriptors there are, by their hashes: 8 bytes each.
class DescriptorCount {
 public:
  void add(std::string_view descriptor);
  std::int64_t distinct();

 private:
  std::vector<std::uint64_t> hashes_;
};

// stored_descriptor() for the many names of a table, relative to the table's folder: most need only
// a prefix. The result is good until the next call.
// Thread rule: one a thread.
class TableDescriptors {
 public:
  // Both folders absolute and normal.
  TableDescriptors(std::filesystem::path table_folder, std::filesystem::path catalog_folder);

  std::string_view stored(std::string_view name);
  // What GDAL opens.
  std::string absolute(std::string_view name) const;

 private:
  std::filesystem::path table_folder_;
  std::filesystem::path catalog_folder_;
  std::string prefix_;  // of relative names, with its slash
  std::string scratch_;
};

}  // namespace cube
