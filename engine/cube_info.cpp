#include "engine/cube_info.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/features.h"
#include "engine/gdal/crs.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

Region CubeInfo::extent() const { return {{0, time.size()}, {0, grid.height}, {0, grid.width}}; }

std::vector<std::string> CubeInfo::band_names() const {
  std::vector<std::string> names;
  names.reserve(bands.size());
  for (const BandInfo& band : bands) names.push_back(band.name);
  return names;
}

std::vector<std::string> CubeInfo::band_aliases() const {
  std::vector<std::string> aliases;
  aliases.reserve(bands.size());
  for (const BandInfo& band : bands) aliases.push_back(band.alias);
  return aliases;
}

std::size_t CubeInfo::band(std::string_view name, std::string_view where) const {
  const std::vector<std::string> names = band_names();
  if (const auto index = find_name(names, name)) return *index;
  if (const auto index = find_alias(band_aliases(), name)) return *index;
  throw Error(ErrorCode::kNotFound, "there is no band '" + std::string(name) + "'",
              std::string(where), suggest(names, name));
}

BandInfo with_gaps(BandInfo band, std::string_view reason) {
  const Storage storage = with_missing(band.dtype, band.nodata);
  if (storage.dtype != band.dtype) {
    band.note = "widened from " + std::string(name(band.dtype)) + ": " + std::string(reason);
  }
  band.dtype = storage.dtype;
  band.nodata = storage.nodata;
  return band;
}

std::string note_of_signed_bytes(std::span<const BandInfo> bands) {
  std::vector<std::string> names;
  for (const BandInfo& band : bands) {
    if (band.note.starts_with(kSignedBytes)) names.push_back("'" + band.name + "'");
  }
  if (names.empty()) return {};
  return "int8 in the file is int16 in the cube, which has no bytes with signs: " + join(names);
}

void set_computed(BandInfo& band) {
  band.dtype = arithmetic_dtype(band.dtype);
  band.nodata = kMissing;
  band.classes.clear();
}

void check_holds(const BandInfo& band, double value, std::string_view where) {
  if (can_hold(band.dtype, value)) return;
  throw Error(ErrorCode::kInvalid,
              "band '" + band.name + "', " + std::string(name(band.dtype)) + ", cannot hold " +
                  number_text(value),
              std::string(where),
              "a whole number from " + number_text(lowest(band.dtype)) + " to " +
                  number_text(highest(band.dtype)));
}

void check_unique_bands(std::span<const BandInfo> bands, std::string_view where) {
  for (std::size_t i = 0; i < bands.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (bands[i].name == bands[j].name) {
        throw Error(ErrorCode::kInvalid, "two bands are named '" + bands[i].name + "'",
                    std::string(where));
      }
    }
  }
}

std::optional<std::size_t> find_alias(std::span<const std::string> aliases, std::string_view name) {
  const auto first = std::find(aliases.begin(), aliases.end(), name);
  if (name.empty() || first == aliases.end()) return std::nullopt;
  if (std::find(first + 1, aliases.end(), name) != aliases.end()) return std::nullopt;
  return static_cast<std::size_t>(first - aliases.begin());
}

std::string grid_difference(const Grid& a, const Grid& b) {
  if (!same_features(a.features.get(), b.features.get())) {
    return "what their rows are: features, or not the same ones";
  }
  if (!same_crs(a.crs, b.crs)) {
    const auto crs = [](const Grid& g) { return g.crs.empty() ? "none" : g.crs; };
    return "their CRS: " + crs(a) + " and " + crs(b);
  }
  if (a.width != b.width || a.height != b.height) {
    const auto shape = [](const Grid& g) {
      return std::to_string(g.width) + " x " + std::to_string(g.height);
    };
    return "their size: " + shape(a) + " and " + shape(b) + " cells";
  }
  if (aligned(a, b)) return {};
  const auto corner = [](const Grid& g) {
    return number_text(g.left) + ", " + number_text(g.top) + " in steps of " + number_text(g.dx) +
           ", " + number_text(g.dy);
  };
  return "their grid: " + corner(a) + " and " + corner(b);
}

void check_same_axes(const CubeInfo& a, const CubeInfo& b, std::string_view where) {
  const auto differ = [&](const std::string& what) {
    throw Error(ErrorCode::kInvalid, "the cubes differ in " + what, std::string(where));
  };
  if (const std::string what = grid_difference(a.grid, b.grid); !what.empty()) differ(what);
  if (a.time.size() != b.time.size()) {
    differ("their number of slices: " + std::to_string(a.time.size()) + " and " +
           std::to_string(b.time.size()));
  }
  for (std::int64_t i = 0; i < a.time.size(); ++i) {
    if (a.time.start(i) == b.time.start(i)) continue;
    differ("the time of slice " + std::to_string(i) + ": " + a.time.label(i) + " and " +
           b.time.label(i));
  }
}

}  // namespace cube
