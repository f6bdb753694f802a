// What a file is, by its first bytes, or, where it is not on this machine, by its name: for
// messages to who has given it to a source that reads another kind, and for "cube info". Thread
// rule: pure functions of the file system.
#pragma once

#include <string>
#include <string_view>

namespace cube {

enum class FileKind {
  kUnknown,  // nothing of the following, or not there
  kFolder,
  kZarr,
  kNetcdf,   // HDF5 too
  kCatalog,  // any SQLite database but a GeoPackage
  kTiff,
  kElf,  // libraries and programs of Linux
  kGraph,
  kStac,
  kFeatures,   // GeoJSON, GeoPackage
  kOtherJson,  // begins with a brace
};

FileKind kind_of_file(const std::string& file);

// The first bytes of a file, at most so many; "" of what cannot be read. A pipe is not waited for.
std::string file_head(const std::string& file, std::size_t most);

// Whether it is a pipe, a socket or a device, which nobody can read at any place, and where a
// reader may wait for ever.
bool is_stream(const std::string& file);

// "it is a TIFF file, which cube_type raster reads, ...", as a hint; "" where the file is of no
// known kind, or of one that `cube_type` (or what else is said there, such as "features") reads.
std::string what_reads(const std::string& file, std::string_view cube_type);

// The hint of an error about a file: that one, or `otherwise`.
std::string hint_for(const std::string& file, std::string_view cube_type,
                     const std::string& otherwise);

}  // namespace cube
