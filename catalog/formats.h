// CollectionFormat: how file names and contents become images, bands and times.
//
// JSON in gdalcubes' shape: description, tags, pattern, images.pattern, datetime.pattern/format,
// datetime.bands.dt, bands{name: {pattern, band, nodata, offset, scale, unit}}, subdatasets, srs,
// image_md_fields. Ours beside them: a band's "dtype", with which a table of files is indexed
// without opening one; "files", which names the files whose subdatasets are looked at (else all
// are opened); "aliases", other names of a preset; "stored_offset", which says where the offset of
// an image's values stands (StoredOffset), and in a band its number there; "note", a text for users
// of images "since" a time. Patterns are ECMAScript
// regular expressions that match the whole (absolute) path or subdataset; where a group is
// captured, it is what is taken. Without datetime.format times are ISO 8601. Thread rule: immutable
// once made; match() may be called from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/pattern.h"
#include "engine/dtype.h"
#include "engine/time_axis.h"

namespace cube {

// A format that comes with the program.
struct PresetFormat {
  std::string id;  // "L8_L1TP"
  std::string json;
};
std::vector<PresetFormat> preset_formats();

struct FormatBand {
  std::string name;
  std::optional<double> nodata;
  double offset = 0;
  double scale = 1;
  std::string unit;
  int raster_band = 1;
  std::optional<DType> dtype;        // known without opening a file
  std::optional<int> stored_offset;  // the band's number in the file of StoredOffset
};

// What is to be added to the stored values of an image before they are scaled, as Sentinel-2's
// products say since processing baseline 04.00: in a file beside them,
// <BOA_ADD_OFFSET band_id="3">-1000</BOA_ADD_OFFSET>, or, where that is not there, by a number in
// their names.
struct StoredOffset {
  Pattern folder;       // of an image's files: what is captured
  std::string file;     // in that folder
  std::string element;  // in that file
  Pattern number;       // in an image's files: what is captured
  double from = 0;      // from this number on ...
  double offset = 0;    // ... this is it, else 0
};

class CollectionFormat {
 public:
  // By preset id or alias, by path of a JSON file. Throws Error naming the presets, or the place in
  // the file ("FILE#/bands/B04/pattern"; line and column for syntax). A format for a table of
  // images, which says itself what its files are, needs only bands: kBands.
  enum class Use : std::uint8_t { kPatterns, kBands };
  static CollectionFormat load(const std::string& name_or_path, Use use = Use::kPatterns);
  static CollectionFormat parse(std::string_view json, std::string_view name,
                                Use use = Use::kPatterns);

  const std::string& id() const;
  const std::string& description() const;
  const std::string& json() const;  // as given
  const std::vector<FormatBand>& bands() const;

  // Whether images are made of the subdatasets of the files (HDF4, HDF5, netCDF).
  bool subdatasets() const;
  // Whether a file's subdatasets are to be looked at, by its name.
  bool holds_subdatasets(const std::string& path) const;
  // Where the bands of a file are times: from one to the next. The name and time of the first is
  // what match() gives.
  const std::optional<Period>& band_period() const;
  // What the files' coordinates are in, whatever they say; "" = what they say. Canonical.
  const std::string& srs() const;
  // nullptr = nothing is said.
  const StoredOffset* stored_offset() const;
  // What a user should know of images from a time on; "" = nothing.
  struct Note {
    std::string text;
    Instant since = Instant::min();
  };
  const Note& note() const;
  // GDAL's metadata to keep of each image: "KEY" or "DOMAIN:KEY".
  const std::vector<std::string>& metadata_fields() const;

  // What a path is in this format, or why it is nothing ("no band pattern matches ...").
  struct Match {
    std::string image;
    Instant datetime;
    std::vector<std::size_t> bands;  // indices into bands(); several for multi-band files
    std::string reason;              // not empty: the path does not belong, and why
    bool other = false;              // not even the overall pattern matches
  };
  Match match(const std::string& path) const;

  // The preset that fits most of `paths`, by their names alone; nullopt when none fits any.
  static std::optional<std::string> guess(const std::vector<std::string>& paths);

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cube
