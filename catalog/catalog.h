// Catalog: an image collection in an SQLite file.
//
// Tables are gdalcubes' (collection_md, bands, band_md, images, image_md, gdalrefs), so that its
// files open as they are; beside them an R*Tree over footprints, an index on time, and file size
// and modification time. Descriptors that are relative paths are relative to the catalog's folder.
#pragma once

#include <chrono>
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

// The images that find() gives, by the text of their times, then names, one after another: any
// number in little memory. Throws as open_catalog().
void for_each_image(const std::filesystem::path& file, const ImageQuery& query,
                    const std::function<void(const Image&)>& use);

// What a catalog knows of its images beside that (gdalcubes' image_md), by image name and key.
// Throws as open_catalog().
std::map<std::string, std::map<std::string, std::string>> image_metadata(
    const std::filesystem::path& file);

// What a user should know of its images, as its format says; "" = nothing. Throws as
// open_catalog().
std::string catalog_note(const std::filesystem::path& file);

// What a catalog is made from, which it remembers for `update`.
struct CatalogInput {
  enum class Kind : std::uint8_t { kFiles, kStac, kTable };
  Kind kind = Kind::kFiles;
  // Files: folders and globs, in which new files may come; else documents, or the table. Standard
  // input ("-") is remembered as such, and cannot be read again.
  std::vector<std::string> names;
  std::vector<std::string> bands;  // asked for
  bool open_unknown = false;       // see StacOptions
  friend bool operator==(const CatalogInput&, const CatalogInput&) = default;
};

struct IndexOptions {
  int threads = 0;         // files opened at a time; 0 = all cores
  bool overwrite = false;  // replace an existing catalog (else it is an error)
  // Called after each file, one call at a time.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
  CatalogInput input = {};  // of files; of tables and STAC it is known
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

// STAC items instead of files (stac_files.h says what documents may be).
struct StacOptions {
  std::vector<std::string> documents;      // files, folders, globs, "-" = standard input
  std::vector<std::string> bands;          // only these assets or bands; empty = all raster data
  std::optional<CollectionFormat> format;  // what is known of the bands (Use::kBands will do)
  bool open_unknown = false;  // open the first file of each band whose type the items do not say
};

// Writes the images of STAC items into a new catalog; no asset is opened but as open_unknown says.
// Items that cannot be used are left out. `progress` counts documents.
// Throws Error for documents that are not what they should be, when no item is left, and for bands
// whose nodata differs among items.
IndexReport create_catalog_from_stac(const std::filesystem::path& catalog, const StacOptions& stac,
                                     const IndexOptions& options);

// What a catalog would be made of, without writing one.
struct PlannedImage {
  std::string where;  // "scenes.csv, line 5", "items.json#/features/3"
  std::string name;
  Instant datetime;
  std::vector<std::string> bands;
  // Of an item, a line for each asset: the band that it is, or why it is none.
  std::vector<std::string> assets = {};
};

// Calls `use`, if there is one, for each row or item that would be an image or part of one. No file
// is looked at but, of a table that does not name its bands, the first. Documents of items are read
// twice then, as what a band is called follows from all of them. The report has no files that
// cannot be opened. Throws as the functions above.
IndexReport plan_from_table(const TableOptions& table,
                            const std::function<void(const PlannedImage&)>& use);
IndexReport plan_from_stac(const StacOptions& stac,
                           const std::function<void(const PlannedImage&)>& use);

struct ChangeOptions {
  int threads = 0;       // files opened at a time; 0 = all cores
  bool dry_run = false;  // say what would be done; write nothing
  bool restore = false;  // of updates: images that were removed come back
  // For another process that changes the catalog.
  std::chrono::milliseconds wait = std::chrono::seconds(10);
  // Called when work has begun that a failure ends: after each file or document, of a removal once
  // the images are known.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

struct ChangeReport {
  std::int64_t images = 0;  // in the catalog afterwards
  std::int64_t files = 0;
  std::vector<std::string> added;  // names of images, in their order
  std::vector<std::string> changed;
  std::vector<std::string> removed;
  std::vector<IndexReport::Left> left_out;
  std::int64_t away = 0;  // images that were removed, now or earlier, and stay away
};

// Changes to a catalog, ours or gdalcubes', which becomes ours. A copy of the file is changed and
// takes its place, so that a change that fails leaves it as it was and who has it open goes on
// reading the old; memory follows the change, not the catalog. Answers are those of a catalog made
// anew from the same files. Throws Error, also where no image would be left, or another process is
// changing the catalog.

// What to add: one of these.
struct Additions {
  std::vector<std::string> files;  // arguments as of expand_files()
  std::optional<StacOptions> stac;
  std::optional<TableOptions> table;
  std::optional<CollectionFormat> format;  // of files, where the catalog has none
};
// Adds images. Of a file that is in the catalog already nothing is read unless its size or time of
// change is another; an image that is there already gets what is new, and is not doubled.
ChangeReport add_to_catalog(const std::filesystem::path& catalog, const Additions& additions,
                            const ChangeOptions& options);

// Reads again what has changed: files of another size or time of change, new files below the
// folders and globs that the catalog was made from, its STAC documents and tables; drops images
// whose files are gone, unless `keep_missing`. Of files that documents name it tells which have
// changed or are gone, but their images are as the documents say. Images that were removed stay
// away, unless `restore`.
ChangeReport update_catalog(const std::filesystem::path& catalog, bool keep_missing,
                            const ChangeOptions& options);

// Images to remove: those that fit all that is given. The catalog remembers their names, so that an
// update does not bring them back; adding them does. Only `missing` ones of files that are found in
// folders are not remembered: when the files are there again the images are.
struct Removal {
  std::vector<std::string> images;  // names, or patterns with "*", "?" and "[]"
  std::optional<ImageQuery> where;  // time and area
  bool missing = false;             // those of whose local files one is gone
};
ChangeReport remove_from_catalog(const std::filesystem::path& catalog, const Removal& removal,
                                 const ChangeOptions& options);

// Whether a file looks like a STAC document: JSON by its name that speaks of a stac_version.
bool is_stac_file(const std::string& file);

struct FileList {
  std::vector<std::string> files;  // sorted, without duplicates
  std::set<std::string> named;     // those that were named themselves, not found in a folder
};

// Files named by arguments: files as they are, folders recursively, globs ("*", "?", "[a-z]", "**",
// "{a,b}") expanded, "-" a list on standard input, one name a line or each before a zero byte.
// Zip and tar archives among them are looked into, and archives within these: the files in them
// stand in their place, as /vsizip and /vsitar paths, and single .gz files as /vsigzip paths. /vsi paths and subdatasets are
// taken as they are.
// Throws Error(kNotFound) for a name that gives nothing.
FileList expand_files(const std::vector<std::string>& arguments);

}  // namespace cube
