// Collection: what a catalog is going to hold, before it is written.
// Thread rule: values.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/document_states.h"
#include "engine/packing.h"

namespace cube {

struct CollectedImage {
  struct Source {
    std::size_t file = 0;  // index into Collection::files
    int raster_band = 1;
    // Scale and offset; null = those of the band.
    std::optional<Packing> packing = {};
  };
  std::string name;
  Instant datetime;
  std::string crs;
  std::vector<Box> footprint;             // longitude/latitude; the union of its files'
  std::map<std::size_t, Source> sources;  // by index into Collection::bands
  std::map<std::string, std::string> metadata;
};

// Size and time of change of a file when it was indexed; null where it is no file of this machine.
struct FileState {
  std::optional<std::int64_t> size;   // bytes
  std::optional<std::int64_t> mtime;  // nanoseconds since 1970
};
FileState state_of(const std::string& file);
// Whether a file is as it was. Of times without a fraction, as older catalogs and some file systems
// and archivers have them, only the seconds are compared.
bool same_state(const FileState& a, const FileState& b);

struct Collection {
  std::vector<std::string> files;      // absolute names, /vsi paths, ... of what is indexed
  std::vector<BandInfo> bands;         // in the format's order, those that some image has
  std::vector<CollectedImage> images;  // by datetime, then name
  std::vector<IndexReport::Left> left_out;
  std::vector<FileState> states;                // of files; empty = as they are now
  std::map<std::string, std::string> settings;  // further rows of collection_md
  DocumentStates documents;                     // that it was read from
  // Of a part of a catalog: which bands images have that are not in it, whose scale and offset
  // therefore stay; empty = none.
  std::vector<bool> elsewhere;

  bool has_elsewhere(std::size_t band) const { return band < elsewhere.size() && elsewhere[band]; }
};

// Matches and opens `files` on several threads. The result is the same for any number of threads
// and any order of files. Throws Error when no file is left.
Collection collect(const CollectionFormat& format, std::vector<std::string> files,
                   const IndexOptions& options);

// A file of which a table says what it is; the bands are indices into the table's.
struct ListedFile {
  struct Band {
    std::size_t band = 0;
    int raster_band = 1;
  };
  std::string file;  // as given
  std::string name;  // absolute
  std::string image;
  Instant datetime;
  std::vector<Band> bands;
};

// The same for files that need no matching; `srs` as CollectionFormat::srs().
Collection collect_listed(const std::vector<FormatBand>& bands, std::vector<ListedFile> files,
                          const IndexOptions& options, const std::string& srs = {});

class WantedImages;

// Why an image of a document stays whose file is not there any more.
inline constexpr const char* kGoneButNamed =
    "is gone; its image stays as it is still named (catalog remove --missing drops it)";

// What STAC items say: of all, or of the images that are wanted, beside all that is known of the
// bands. Throws Error as create_catalog_from_stac().
Collection collect_stac(const StacOptions& stac, const IndexOptions& options, WantedImages* wanted);

// The same of the rows of a table; files are relative to a catalog in `folder`. `opened`: whether
// the bands are what the wanted files say, as the table has no extents. Throws Error as
// create_catalog_from_table(). A table on standard input cannot be asked for wanted images.
struct TableCollection {
  Collection collection;
  bool opened = false;
  std::set<std::string> asked;  // images that were wanted, if opened; some may not have been found
};
TableCollection collect_table(const TableOptions& table, const IndexOptions& options,
                              const std::filesystem::path& folder, WantedImages* wanted);

// Writes the tables into a new file, for a catalog in `folder`. Throws Error(kUnwritable).
void write_collection(const std::filesystem::path& file, const std::filesystem::path& folder,
                      const std::string& format_json, const Collection& collection);

}  // namespace cube
