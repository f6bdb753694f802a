// StacReader: what STAC items say of images and their bands; no asset is opened.
//
// Versions 1.0.0-beta.1 to 1.1, with the extensions eo, raster (1 and 2) and projection (1 and 2),
// each on the item or on the asset, of which the asset's word counts. Properties are those of the
// specifications at https://github.com/radiantearth/stac-spec and
// https://stac-extensions.github.io. The offset of Sentinel-2's reflectance, which its stored
// values have since processing baseline 04.00, is what the items say in raster:bands; without that
// it follows from the baseline; and it is none where the provider has applied it already, whatever
// raster:bands says (boa_offset_applied, github.com/Element84/earth-search/issues/9).
// Thread rule: one a thread.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "engine/cube_info.h"
#include "engine/grid.h"

namespace cube {

// What is said of a band of an asset. Where nothing is said scale is 1 and offset 0.
struct StacBand {
  std::string name;         // "" = none
  std::string common_name;  // "red"; "" = none
  std::optional<DType> dtype;
  std::optional<double> nodata;
  double scale = 1;
  double offset = 0;
  bool has_offset = false;  // it is said
  std::string unit;
};

struct StacAsset {
  std::string key;
  std::string descriptor;       // what GDAL opens
  std::string said;             // its media type and roles, for people
  std::string unusable;         // why it is not taken unless asked for: a thumbnail, no raster, ...
  std::string crs;              // canonical; "" = not said
  std::optional<Box> extent;    // in `crs`
  std::vector<StacBand> bands;  // one at least
};

struct StacItem {
  std::string id;
  Instant datetime;
  std::vector<Box> bounds;        // longitude/latitude, of bbox or geometry; may be empty
  std::vector<StacAsset> assets;  // in the document's order
};

class StacReader {
 public:
  // `base`: what relative names are relative to: an absolute folder or the URL of the item.
  // Throws Error(kInvalid) for an item that lacks what STAC requires; where() is a JSON pointer in
  // the item.
  StacItem read(const nlohmann::ordered_json& item, const std::string& base);

  // Where the assets lie (longitude/latitude), from their extents, else from the item's bounds,
  // which may be those of the valid cells only. Empty when neither is said.
  std::vector<Box> footprint(const StacItem& item, std::span<const StacAsset* const> assets);

 private:
  void read_projection(const nlohmann::ordered_json& properties,
                       const nlohmann::ordered_json& asset, StacAsset& out);
  const std::string& canonical(const std::string& text);

  using Place = std::tuple<std::string, double, double, double, double>;
  std::map<std::string, std::string> crs_;      // canonical, by their texts
  std::map<Place, std::vector<Box>> outlines_;  // tiles come again and again
};

// What GDAL opens for a link: s3://, gs://, az://, http(s):// and file:// names as GDAL's, relative
// names put behind `base`. Queries, which may hold signatures, are kept.
std::string gdal_name(const std::string& href, const std::string& base);

// The name behind a base, before it becomes GDAL's.
std::string resolve_href(const std::string& href, const std::string& base);

}  // namespace cube
