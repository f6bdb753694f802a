#include "engine/features.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

std::vector<std::string> FeatureTable::field_names() const {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const FieldInfo& field : fields) names.push_back(field.name);
  return names;
}

std::int64_t FeatureTable::bytes() const {
  std::size_t bytes = features.size() * sizeof(Feature);
  for (const Feature& feature : features) {
    bytes += feature.wkb.size() + feature.values.size() * sizeof(FieldValue);
    for (const FieldValue& value : feature.values) {
      if (const auto* text = std::get_if<std::string>(&value)) bytes += text->capacity();
    }
  }
  return static_cast<std::int64_t>(bytes);
}

Grid feature_grid(std::shared_ptr<const FeatureTable> table) {
  Grid grid;
  grid.width = 1;
  grid.height = static_cast<std::int64_t>(table->features.size());
  grid.features = std::move(table);
  return grid;
}

std::optional<std::size_t> feature_of_row(const Grid& grid, std::int64_t row) {
  const std::int64_t index = row - std::llround(grid.top);
  if (index < 0 || index >= static_cast<std::int64_t>(grid.features->features.size())) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(index);
}

bool same_features(const FeatureTable* a, const FeatureTable* b) {
  if (a == b) return true;
  if (!a || !b) return false;
  return std::equal(
      a->features.begin(), a->features.end(), b->features.begin(), b->features.end(),
      [](const Feature& p, const Feature& q) { return p.id == q.id && p.wkb == q.wkb; });
}

void check_has_places(const Grid& grid, std::string_view where) {
  if (!grid.features) return;
  throw Error(ErrorCode::kInvalid, "the rows of the cube are features, which lie on no grid",
              std::string(where), "a cube that was not made by zonal or extract");
}

void keep_fields(FeatureTable& table, const std::vector<std::string>& names,
                 std::string_view where) {
  const std::vector<std::string> known = table.field_names();
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto index = find_name(known, names[i]);
    if (!index) {
      throw Error(ErrorCode::kNotFound, "the features have no attribute '" + names[i] + "'",
                  std::string(where) + pointer_step(i), suggest(known, names[i]));
    }
    kept.push_back(*index);
  }
  const auto pick = [&](auto& all) {
    std::remove_reference_t<decltype(all)> some;
    for (const std::size_t index : kept) some.push_back(all[index]);
    all = std::move(some);
  };
  pick(table.fields);
  for (Feature& feature : table.features) pick(feature.values);
}

void GeometryParams::fields(FieldVisitor& v) {
  v.field({.name = "wkt", .help = "The geometry as well-known text."}, wkt);
  v.field({.name = "srs",
           .help = "CRS of wkt, or of a file that does not say its own. Default: the cube's."},
          srs);
  v.field({.name = "file",
           .help = "Or a vector file (GeoPackage, GeoJSON, shapefile, anything that GDAL opens).",
           .aliases = {"ogr_dataset"},
           .path = true},
          file);
  v.field({.name = "layer",
           .help = "The layer of the file, where it has several.",
           .aliases = {"ogr_layer"}},
          layer);
}

}  // namespace cube
