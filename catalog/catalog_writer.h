// CatalogWriter: the rows of a new catalog, as they come, in memory that hardly grows.
//
// Rows go in first; indexes, the R*Tree and the summary are made by finish(). Nothing is safe on
// disk before finish(), and a power cut may still lose it: the file is meant to be renamed then.
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/descriptor.h"
#include "catalog/extent_tree.h"
#include "catalog/sqlite.h"
#include "engine/image_index.h"
#include "engine/packing.h"

namespace cube {

struct CatalogImage {
  std::string_view name;
  Instant datetime;
  std::string_view crs;
  std::span<const Box> footprint;  // longitude/latitude within -180 .. 180, not empty
};

class CatalogWriter {
 public:
  // Makes the file and its tables. Throws Error(kUnwritable), as everything here.
  explicit CatalogWriter(const std::filesystem::path& file);

  // Gives the image's id: 1, 2, ...
  std::int64_t add_image(const CatalogImage& image);
  // What else is known of it (gdalcubes' image_md). REQUIRES: one value a key.
  void add_metadata(std::int64_t image, std::string_view key, std::string_view value);
  // Where the image has a band; false when it has the band already.
  bool add_reference(std::int64_t image, std::size_t band, std::string_view descriptor,
                     int raster_band);
  // The scale and offset of a band of an image, where they are not those of the band.
  void add_packing(std::int64_t image, std::size_t band, const Packing& packing);
  // Size and time of change of a file when it was opened.
  void add_file(std::string_view descriptor, std::optional<std::int64_t> size,
                std::optional<std::int64_t> mtime);

  // The files of all references, each once, by name. `use` may call add_file().
  void for_each_file(const std::function<void(const std::string&)>& use);

  // A row of collection_md.
  void add_setting(std::string_view key, std::string_view value);

  std::int64_t images() const { return summary_.images; }
  std::int64_t files() const { return summary_.files; }  // distinct; counted by finish()

  // Bands by the indices that add_reference() was given.
  void finish(std::span<const BandInfo> bands, const std::string& format_json);

 private:
  void write_bands(std::span<const BandInfo> bands);

  Database database_;
  Statement image_row_;
  Statement reference_;
  Statement file_row_;
  Statement metadata_;
  Statement packing_row_;
  std::map<std::size_t, std::vector<Packing>> packings_;  // seen, by band
  ExtentTree tree_;
  CollectionSummary summary_;
  DescriptorCount descriptors_;
};

}  // namespace cube
