// Features: geometries with attributes, as vector files hold them, and how a user names them.
// Thread rule: values; a table that is shared is immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/params.h"
#include "engine/shape.h"

namespace cube {

// An attribute; monostate = null. Dates and times are ISO 8601 texts.
using FieldValue = std::variant<std::monostate, std::int64_t, double, std::string>;

struct FieldInfo {
  enum class Type : std::uint8_t { kInteger, kReal, kText };
  std::string name;
  Type type = Type::kText;
};

struct Feature {
  std::int64_t id = 0;             // in its layer
  std::vector<FieldValue> values;  // one a field
  std::string wkb;                 // the geometry in two dimensions, "" = none
};

struct FeatureTable {
  std::string crs;  // of the geometries, canonical; "" = not known
  std::vector<FieldInfo> fields;
  std::vector<Feature> features;
  // One a feature, where each has a time of its own instead of the cube's; "" = none.
  std::vector<std::string> times = {};

  std::vector<std::string> field_names() const;
  std::int64_t bytes() const;  // of memory
};

// The grid of a cube whose rows are the features of a table.
Grid feature_grid(std::shared_ptr<const FeatureTable> table);

// Which feature a row of such a grid is; nullopt for rows beyond the table.
std::optional<std::size_t> feature_of_row(const Grid& grid, std::int64_t row);

// Whether two tables hold the same features; null is no table.
bool same_features(const FeatureTable* a, const FeatureTable* b);

// Throws Error(kInvalid) with `where` when the rows of a cube are features, for operators that need
// cells with a place.
void check_has_places(const Grid& grid, std::string_view where);

// The parameters by which operators take geometries.
struct GeometryParams {
  std::optional<std::string> wkt, srs, file, layer;

  void fields(FieldVisitor& v);
};

// Reads what the parameters name. Throws Error whose `where` is "/wkt", "/file", ...: nothing or
// two things given, a file or layer that does not exist, a text that is no geometry or CRS.
FeatureTable read_features(const GeometryParams& params);

// Drops all attributes but these. Throws Error(kNotFound) with `where` + "/0", ... for one that is
// not there.
void keep_fields(FeatureTable& table, const std::vector<std::string>& names,
                 std::string_view where);

// The area of each feature, in the table's CRS; empty where a feature has no geometry. Outlines
// that cross themselves are repaired. Throws Error(kInvalid) with `where` for a feature that is a
// point or line.
std::vector<Shape> areas_of(const FeatureTable& table, std::string_view where);

// The area that lies in any of the features.
Shape united_area(const FeatureTable& table, std::string_view where);

// Geometries of several features as one.
std::string united_wkb(const FeatureTable& table, std::string_view where);

// What a feature's geometry is: 0 points, 1 lines, 2 areas, -1 none.
int dimension_of(const Feature& feature);

// The points of a point or several.
std::vector<Vertex> points_of(const Feature& feature);

std::string point_wkb(const Vertex& point);

// Points in cells of a grid, as in_cells() does; NaN where one cannot be transformed. On grids in
// degrees, other longitudes of the same place are found (see engine/longitudes.h).
std::vector<Vertex> points_in_cells(const std::vector<Vertex>& points, const std::string& crs,
                                    const Grid& grid, std::string_view where);

// A shape in cells of a grid: x = column, y = row downwards, both fractional, 0 at the outer edge
// of the first cell. Where the CRS differ, edges are divided until what is straight in one is
// straight in the other to a hundredth of a cell. On grids in degrees, rings lie where the grid has
// them, those across its edges twice (see engine/longitudes.h). Throws Error(kInvalid) with `where` when the
// shape cannot be transformed.
Shape in_cells(const Shape& shape, const std::string& crs, const Grid& grid,
               std::string_view where);

}  // namespace cube
