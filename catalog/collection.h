// Collection: what a catalog is going to hold, before it is written.
// Thread rule: values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace cube {

struct CollectedImage {
  struct Source {
    std::size_t file = 0;  // index into Collection::files
    int raster_band = 1;
  };
  std::string name;
  Instant datetime;
  std::string crs;
  std::vector<Box> footprint;             // longitude/latitude; the union of its files'
  std::map<std::size_t, Source> sources;  // by index into Collection::bands
  std::map<std::string, std::string> metadata;
};

struct Collection {
  std::vector<std::string> files;      // absolute names, /vsi paths, ... of what is indexed
  std::vector<BandInfo> bands;         // in the format's order, those that some image has
  std::vector<CollectedImage> images;  // by datetime, then name
  std::vector<IndexReport::Left> left_out;
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

// The same for files that need no matching.
Collection collect_listed(const std::vector<FormatBand>& bands, std::vector<ListedFile> files,
                          const IndexOptions& options);

// Writes the tables into a new file, for a catalog in `folder`. Throws Error(kUnwritable).
void write_collection(const std::filesystem::path& file, const std::filesystem::path& folder,
                      const std::string& format_json, const Collection& collection);

}  // namespace cube
