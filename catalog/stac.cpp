#include "catalog/stac.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "catalog/footprint.h"
#include "catalog/stac_json.h"
#include "catalog/stac_place.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kLonLat = "EPSG:4326";

// STAC's types of cells that none of ours is: the smallest that holds most of their values.
std::optional<DType> dtype_of(const json& value) {
  const std::string text = lower(text_of(value));
  if (const auto type = parse_dtype(text)) return type;
  if (text == "int8") return DType::kInt16;
  if (text == "float16") return DType::kFloat32;
  if (text == "int64" || text == "uint64") return DType::kFloat64;
  return std::nullopt;
}

bool has_role(const json& asset, std::initializer_list<std::string_view> roles) {
  const json& said = member(asset, "roles");
  if (!said.is_array()) return false;
  return std::ranges::any_of(said, [&](const json& role) {
    return std::ranges::find(roles, std::string_view(text_of(role))) != roles.end();
  });
}

// "image/tiff" of "image/tiff; application=geotiff".
std::string media_type(const json& asset) {
  const std::string type = lower(text_of(member(asset, "type")));
  return type.substr(0, type.find_first_of("; "));
}

// ".tif" of "https://host/a/B04.TIF?sig=x".
std::string extension_of(const std::string& href) {
  const std::string path = href.substr(0, href.find('?'));
  return lower(fs::path(path).extension().string());
}

// Why an asset is no band; "" when it is. What is to be looked at is told by its role or, in items
// that have no roles, by its key.
std::string why_unusable(const std::string& key, const json& asset, const std::string& href) {
  if (href.empty()) return "has no href";
  const std::string name = lower(key.substr(0, key.find(':')));
  const bool shown = has_role(asset, {"thumbnail", "overview", "preview", "graphic", "tiles"});
  const bool roles = !member(asset, "roles").empty();
  if (shown || (!roles && (name == "thumbnail" || name == "overview" || name == "preview"))) {
    return "is to be looked at";
  }
  static const std::set<std::string> kRasters = {"image/tiff", "image/geotiff", "image/jp2",
                                                 "image/vnd.stac.geotiff"};
  static const std::set<std::string> kPictures = {"image/png", "image/jpeg", "image/webp"};
  const std::string type = media_type(asset);
  if (kPictures.contains(type)) return has_role(asset, {"data"}) ? "" : "is a picture";
  if (!type.empty()) return kRasters.contains(type) ? "" : "is " + type;
  static const std::set<std::string> kExtensions = {".tif", ".tiff", ".jp2", ".vrt"};
  return kExtensions.contains(extension_of(href)) ? "" : "is no raster by its name";
}

// "image/png; role thumbnail".
std::string kind_of(const json& asset) {
  std::vector<std::string> roles;
  const json& said = member(asset, "roles");
  if (said.is_array()) {
    for (const json& role : said) roles.push_back(text_of(role));
  }
  std::vector<std::string> parts;
  if (const std::string type = media_type(asset); !type.empty()) parts.push_back(type);
  if (!roles.empty()) parts.push_back((roles.size() > 1 ? "roles " : "role ") + join(roles));
  return join(parts, "; ");
}

StacBand read_band(const json& band, const json& raster, const json& asset,
                   const json& properties) {
  StacBand out;
  out.name = text_of(member(band, "name"));
  out.common_name = text_of(first_of({&band}, "common_name"));
  if (out.common_name.empty()) out.common_name = text_of(member(band, "eo:common_name"));
  // STAC 1.1 has these on the band, the asset or the item, 1.0 in raster:bands.
  const std::initializer_list<const json*> places = {&band, &raster, &asset, &properties};
  out.dtype = dtype_of(first_of(places, "data_type"));
  out.nodata = number_of(first_of(places, "nodata"));
  out.unit = text_of(first_of(places, "unit"));
  const auto scaling = [&](const char* key, const char* prefixed, double otherwise) {
    const auto own = number_of(member(raster, key));
    return own ? *own : number_of(first_of(places, prefixed)).value_or(otherwise);
  };
  out.scale = scaling("scale", "raster:scale", 1);
  const json& offset = member(raster, "offset");
  out.has_offset = number_of(offset) || number_of(first_of(places, "raster:offset"));
  out.offset = scaling("offset", "raster:offset", 0);
  return out;
}

constexpr double kSentinel2Offset = -1000;  // stored numbers, of all bands

// Whether a band is one of Sentinel-2's with reflectance: "B8A", "b04".
bool is_reflectance(const std::string& name) {
  static const std::set<std::string> kBands = {"b01", "b02", "b03", "b04", "b05", "b06", "b07",
                                               "b08", "b8a", "b09", "b10", "b11", "b12"};
  return kBands.contains(lower(name));
}

// Sentinel-2's processing baseline, as in "04.00" and in the names of products ("_N0400_"); nullopt
// of anything else.
std::optional<double> baseline_of(const json& properties) {
  for (const char* key : {"s2:processing_baseline", "sentinel:processing_baseline"}) {
    if (const auto baseline = number_of(member(properties, key))) return baseline;
  }
  constexpr std::size_t kDigits = 4;
  for (const char* key : {"s2:product_uri", "sentinel:product_id"}) {
    const std::string name = text_of(member(properties, key));
    const std::size_t at = name.find("_N");
    if (!name.starts_with("S2") || at == std::string::npos) continue;
    if (const auto number = parse_number(name.substr(at + 2, kDigits))) return *number / 100;
  }
  return std::nullopt;
}

bool is_true(const json& value) { return value.is_boolean() && value.get<bool>(); }

// What is to be added to Sentinel-2's reflectance, never twice.
void correct_offsets(const json& properties, StacItem& item) {
  constexpr double kSince = 4;  // the baseline
  const bool applied = is_true(member(properties, "earthsearch:boa_offset_applied")) ||
                       is_true(member(properties, "sentinel:boa_offset_applied"));
  const bool stored = !applied && baseline_of(properties).value_or(0) >= kSince;
  for (StacAsset& asset : item.assets) {
    for (StacBand& band : asset.bands) {
      const double offset = kSentinel2Offset * band.scale;
      const bool is_that = std::abs(band.offset - offset) <= std::abs(offset) * 1e-9;
      if (applied && is_that) band.offset = 0;
      const bool alone = asset.bands.size() == 1;  // a picture of several is scaled anew
      if (!stored || band.has_offset || !alone) continue;
      if (is_reflectance(asset.key) || is_reflectance(band.name)) band.offset = offset;
    }
  }
}

// The lists that say which bands the asset has: its own, else what the item says of a band of the
// asset's name.
void read_bands(const json& properties, const json& asset, StacAsset& out) {
  const json& bands = member(asset, "bands");
  const json& eo = bands.is_array() ? bands : member(asset, "eo:bands");
  const json& raster = member(asset, "raster:bands");
  const auto at = [](const json& list, std::size_t i) -> const json& {
    return list.is_array() && i < list.size() ? list[i] : null_json();
  };
  const std::size_t count = std::max(
      {eo.is_array() ? eo.size() : 0, raster.is_array() ? raster.size() : 0, std::size_t{1}});
  for (std::size_t i = 0; i < count; ++i) {
    out.bands.push_back(read_band(at(eo, i), at(raster, i), asset, properties));
  }
  if (eo.is_array() && !eo.empty()) return;
  for (const char* key : {"bands", "eo:bands"}) {
    const json& list = member(properties, key);
    if (!list.is_array()) continue;
    for (const json& band : list) {
      if (text_of(member(band, "name")) != out.key || count != 1) continue;
      out.bands[0] = read_band(band, at(raster, 0), asset, properties);
    }
  }
}

// The reference system that an asset or the item's properties state; "" = none.
std::string crs_text(const json& object) {
  const json& epsg = member(object, "proj:epsg");
  const json& projjson = member(object, "proj:projjson");
  std::string text = text_of(member(object, "proj:code"));
  if (text.empty() && epsg.is_number()) text = "EPSG:" + number_text(epsg.get<double>());
  if (text.empty()) text = text_of(member(object, "proj:wkt2"));
  return text.empty() && projjson.is_object() ? projjson.dump() : text;
}

Instant datetime_of(const json& properties) {
  for (const char* key : {"datetime", "start_datetime", "end_datetime"}) {
    const json& value = member(properties, key);
    if (value.is_null()) continue;
    const auto span = parse_time(text_of(value));
    if (span) return span->start;
    throw Error(ErrorCode::kInvalid, value.dump() + " is not a time",
                "/properties" + pointer_step(key));
  }
  throw Error(ErrorCode::kInvalid, "has neither datetime nor start_datetime", "/properties");
}

}  // namespace

std::string resolve_href(const std::string& href, const std::string& base) {
  if (href.find("://") != std::string::npos || href.starts_with("/")) return href;
  const std::size_t scheme = base.find("://");
  if (scheme == std::string::npos) return (fs::path(base) / href).lexically_normal().string();
  // Behind the folder of the URL; its query is not part of its path.
  const std::string url = base.substr(0, base.find('?'));
  const std::size_t path = std::min(url.find('/', scheme + 3), url.size());
  const std::size_t query = std::min(href.find('?'), href.size());
  const fs::path folder = fs::path(url.substr(path)).parent_path();
  const std::string name = (folder / href.substr(0, query)).lexically_normal().string();
  return url.substr(0, path) + (name.starts_with("/") ? "" : "/") + name + href.substr(query);
}

std::string gdal_name(const std::string& href, const std::string& base) {
  return gdal_name_of(resolve_href(href, base));
}

const std::string& StacReader::canonical(const std::string& text) {
  const auto known = crs_.find(text);
  if (known != crs_.end()) return known->second;
  return crs_[text] = canonical_crs(text, {});
}

void StacReader::read_projection(const json& properties, const json& asset, StacAsset& out) {
  std::string text = crs_text(asset);
  if (text.empty()) text = crs_text(properties);
  if (text.empty()) return;
  out.crs = canonical(text);
  // An asset's own place counts before any of the item's.
  out.extent =
      grid_extent(member(asset, "proj:transform"), first_of({&asset, &properties}, "proj:shape"),
                  member(asset, "proj:bbox"));
  if (!out.extent) {
    out.extent = grid_extent(member(properties, "proj:transform"), member(properties, "proj:shape"),
                             member(properties, "proj:bbox"));
  }
}

StacItem StacReader::read(const json& item, const std::string& base) {
  StacItem out;
  const json& id = member(item, "id");
  out.id = id.is_number() ? id.dump() : text_of(id);
  if (out.id.empty()) throw Error(ErrorCode::kInvalid, "the item has no id", "/id");
  const json& properties = member(item, "properties");
  out.datetime = datetime_of(properties);
  out.bounds = item_bounds(item);
  const json& assets = member(item, "assets");
  if (!assets.is_object()) throw Error(ErrorCode::kInvalid, "the item has no assets", "/assets");
  for (const auto& [key, asset] : assets.items()) {
    StacAsset read;
    read.key = key;
    const std::string href = text_of(member(asset, "href"));
    read.said = kind_of(asset);
    read.unusable = why_unusable(key, asset, href);
    read.descriptor = href.empty() ? "" : gdal_name(href, base);
    try {
      read_projection(properties, asset, read);
    } catch (const Error& error) {
      throw Error(error.code(), error.message(), "/assets" + pointer_step(key), error.hint());
    }
    read_bands(properties, asset, read);
    out.assets.push_back(std::move(read));
  }
  correct_offsets(properties, out);
  return out;
}

std::vector<Box> StacReader::footprint(const StacItem& item,
                                       std::span<const StacAsset* const> assets) {
  std::vector<Box> out;
  bool all_known = !assets.empty();
  for (const StacAsset* asset : assets) {
    if (!asset->extent) {
      all_known = false;
      continue;
    }
    const Box& box = *asset->extent;
    const Place place{asset->crs, box.left, box.bottom, box.right, box.top};
    auto known = outlines_.find(place);
    if (known == outlines_.end()) {
      constexpr std::size_t kMostOutlines = 100000;  // more than there are tiles on land
      if (outlines_.size() >= kMostOutlines) outlines_.clear();
      const auto boxes = wrap_longitudes(transform_box(box, asset->crs, kLonLat));
      known = outlines_.emplace(place, boxes).first;
    }
    all_known = all_known && !known->second.empty();
    out.insert(out.end(), known->second.begin(), known->second.end());
  }
  if (!all_known) out.insert(out.end(), item.bounds.begin(), item.bounds.end());
  merge_touching(out);
  return out;
}

}  // namespace cube
