// Catalog: an image collection in an SQLite file.
//
// Tables are gdalcubes' (collection_md, bands, band_md, images, image_md, gdalrefs), so that its
// files open as they are; beside them an R*Tree over footprints, an index on time, and file size
// and modification time. Descriptors that are relative paths are relative to the catalog's folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/formats.h"
#include "engine/image_index.h"

namespace cube {

// Opens a catalog for reading. Throws Error(kNotFound) when there is no such file and
// Error(kUnreadable) when it is no collection. The result is an ImageIndex whose find() may be
// called from any thread.
std::shared_ptr<const ImageIndex> open_catalog(const std::filesystem::path& file);

// What a catalog knows of its images beside that (gdalcubes' image_md), by image name and key.
// Throws as open_catalog().
std::map<std::string, std::map<std::string, std::string>> image_metadata(
    const std::filesystem::path& file);

struct IndexOptions {
  int threads = 0;         // files opened at a time; 0 = all cores
  bool overwrite = false;  // replace an existing catalog (else it is an error)
  // Called after each file, one call at a time.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

struct IndexReport {
  struct Left {
    std::string file;
    std::string reason;
    bool failed = false;  // it is of the format, but cannot be opened or used
    bool other = false;   // not even the format's overall pattern matches its name
  };
  std::int64_t images = 0;     // in the catalog afterwards
  std::int64_t files = 0;      // indexed in this call
  std::vector<Left> left_out;  // files that do not match or cannot be opened
  std::string layout;          // of a table: what its columns were taken for
};

// Indexes `files` into a new catalog. The catalog appears under its name only when complete.
// Bands of one name that differ in type among files get the smallest common type and a note.
// Ids and rows do not depend on the order of `files` or on threads. A file below the catalog's
// folder is stored relative to it, so that both can be moved together; others by absolute path.
// Throws Error when no file matches or can be opened, or the catalog cannot be written.
IndexReport create_catalog(const std::filesystem::path& catalog, const CollectionFormat& format,
                           const std::vector<std::string>& files, const IndexOptions& options);

// A table of images (CSV) instead of files; what its columns may be is said in table_columns.h.
struct TableOptions {
  std::string file;                        // "-" = standard input
  std::vector<std::string> bands;          // only these, or the names of the bands of each file
  std::optional<CollectionFormat> format;  // what is known of the bands (Use::kBands will do)
};

// Writes the images of a table into a new catalog, in the order of the table. Relative names of
// files are relative to the table's folder. Where the table has extents (degrees) and reference
// systems, no file is opened but the first of each band, and not even that where the band's type is
// known; the catalog then holds no sizes and times of files. Else all are opened, as above.
// `progress` counts bytes of the table, or files. Throws Error naming the line and the column.
IndexReport create_catalog_from_table(const std::filesystem::path& catalog,
                                      const TableOptions& table, const IndexOptions& options);

struct FileList {
  std::vector<std::string> files;  // sorted, without duplicates
  std::set<std::string> named;     // those that were named themselves, not found in a folder
};

// Files named by arguments: files as they are, folders recursively, globs ("*", "?", "**")
// expanded, "-" a list on standard input, one name a line.
// Zip and tar archives among them are looked into: the files in them stand in their place, as
// /vsizip and /vsitar paths, and single .gz files as /vsigzip paths. /vsi paths and subdatasets are
// taken as they are.
// Throws Error(kNotFound) for a name that gives nothing.
FileList expand_files(const std::vector<std::string>& arguments);

}  // namespace cube
