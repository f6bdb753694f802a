// CollectionFormat: how file names and contents become images, bands and times.
//
// JSON in gdalcubes' shape: description, tags, pattern, images.pattern, datetime.pattern/format,
// bands{name: {pattern, band, nodata, offset, scale, unit}}, and a band's "dtype", with which a
// table of files is indexed without opening one. Not yet: datetime.bands, subdatasets
// and srs are rejected, image_md_fields is accepted and nothing is stored for it. Patterns are
// ECMAScript regular expressions that match the whole (absolute) path; where a group is captured,
// it is what is taken. Without datetime.format times are ISO 8601.
// Thread rule: immutable once made; match() may be called from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  std::optional<DType> dtype;  // known without opening a file
};

class CollectionFormat {
 public:
  // By preset id, by path of a JSON file. Throws Error naming the presets, or the place in the
  // file ("FILE#/bands/B04/pattern"; line and column for syntax).
  // A format for a table of images, which says itself what its files are, needs only bands:
  // kBands.
  enum class Use : std::uint8_t { kPatterns, kBands };
  static CollectionFormat load(const std::string& name_or_path, Use use = Use::kPatterns);
  static CollectionFormat parse(std::string_view json, std::string_view name,
                                Use use = Use::kPatterns);

  const std::string& id() const;
  const std::string& description() const;
  const std::string& json() const;  // as given
  const std::vector<FormatBand>& bands() const;

  // What a path is in this format, or why it is nothing ("no band pattern matches ...").
  struct Match {
    std::string image;
    Instant datetime;
    std::vector<std::size_t> bands;  // indices into bands(); several for multi-band files
    std::string reason;              // not empty: the path does not belong, and why
    bool other = false;              // not even the overall pattern matches
  };
  Match match(const std::string& path) const;

  // The preset that fits most of `paths`; nullopt when none fits any.
  static std::optional<std::string> guess(const std::vector<std::string>& paths);

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cube
