// Reading vector files and texts.
#include "engine/features.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/network.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/remote_file.h"
#include "engine/gdal/vector_handles.h"
#include "engine/gdal/watched_file.h"
#include "engine/text.h"

namespace cube {

namespace {

// Straight lines instead of arcs, without heights and measures.
Geometry flat(Geometry geometry) {
  if (OGR_G_HasCurveGeometry(geometry.get(), FALSE)) {
    geometry.reset(OGR_G_GetLinearGeometry(geometry.get(), 0, nullptr));
  }
  OGR_G_FlattenTo2D(geometry.get());
  return geometry;
}

FieldInfo field_info(OGRFieldDefnH field) {
  using Type = FieldInfo::Type;
  const OGRFieldType type = OGR_Fld_GetType(field);
  const bool whole = type == OFTInteger || type == OFTInteger64;
  return {OGR_Fld_GetNameRef(field), whole             ? Type::kInteger
                                     : type == OFTReal ? Type::kReal
                                                       : Type::kText};
}

// A date, time of day or both in ISO 8601.
std::string time_text(OGRFeatureH feature, int index, OGRFieldType type) {
  constexpr int kUtc = 100;  // and 1 more for each quarter of an hour to the east
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  float second = 0;
  int zone = 0;
  OGR_F_GetFieldAsDateTimeEx(feature, index, &year, &month, &day, &hour, &minute, &second, &zone);
  std::array<char, 64> date{};
  std::array<char, 64> time{};
  std::snprintf(date.data(), date.size(), "%04d-%02d-%02d", year, month, day);
  if (type == OFTDate) return date.data();
  std::snprintf(time.data(), time.size(), "%02d:%02d:%02d", hour, minute, static_cast<int>(second));
  if (type == OFTTime) return time.data();
  std::string text = std::string(date.data()) + "T" + time.data();
  if (zone <= 1) return text;
  const int quarters = std::abs(zone - kUtc);
  if (quarters == 0) return text + "Z";
  std::snprintf(time.data(), time.size(), "%c%02d:%02d", zone < kUtc ? '-' : '+', quarters / 4,
                quarters % 4 * 15);
  return text + time.data();
}

FieldValue field_value(OGRFeatureH feature, int index) {
  if (!OGR_F_IsFieldSetAndNotNull(feature, index)) return {};
  const OGRFieldType type = OGR_Fld_GetType(OGR_F_GetFieldDefnRef(feature, index));
  switch (type) {
    case OFTInteger:
    case OFTInteger64:
      return std::int64_t{OGR_F_GetFieldAsInteger64(feature, index)};
    case OFTReal:
      return OGR_F_GetFieldAsDouble(feature, index);
    case OFTDate:
    case OFTTime:
    case OFTDateTime:
      return time_text(feature, index, type);
    default:
      return std::string(OGR_F_GetFieldAsString(feature, index));
  }
}

constexpr const char* kWanted = "features are wanted, such as of GeoJSON or GeoPackage";

Error unreadable(const std::string& file, const GdalErrors& errors) {
  return Error(ErrorCode::kUnreadable, file + ": cannot be read: " + errors.reason(file), "/file");
}

Dataset open_vector(const std::string& file) {
  register_gdal();
  if (is_stream(file)) throw invalid(file + " is a pipe or a device, not a file", "/file");
  const GdalErrors errors;
  const Opening opening;
  const std::string name = watched_features(network_name(file));
  Dataset dataset(GDALOpenEx(name.c_str(),
                             GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr,
                             nullptr, nullptr));
  if (errors.lost()) throw unreadable(file, errors);
  if (dataset) return dataset;
  if (opening.refusal()) {
    const Error error = opening.refusal()->error(file);
    throw Error(error.code(), file + ": " + error.message(), "/file", error.hint());
  }
  const std::string other = what_reads(file, "features");
  throw Error(ErrorCode::kUnreadable,
              file + " cannot be opened as a vector file: " + errors.first(), "/file",
              (other.empty() ? "" : other + "; here ") + kWanted);
}

// Owned by the dataset.
OGRLayerH find_layer(const Dataset& dataset, const std::string& file,
                     const std::optional<std::string>& name) {
  std::vector<std::string> names;
  for (int i = 0; i < GDALDatasetGetLayerCount(dataset.get()); ++i) {
    names.emplace_back(OGR_L_GetName(GDALDatasetGetLayer(dataset.get(), i)));
  }
  if (names.empty()) throw invalid(file + " has no layer", "/file");
  if (name) {
    if (const auto index = find_name(names, *name)) {
      return GDALDatasetGetLayer(dataset.get(), static_cast<int>(*index));
    }
    throw Error(ErrorCode::kNotFound, file + " has no layer '" + *name + "'", "/layer",
                suggest(names, *name));
  }
  if (names.size() == 1) return GDALDatasetGetLayer(dataset.get(), 0);
  throw invalid(file + " has " + counted(names.size(), "layer") + ", and 'layer' is not given",
                "/file", "one of " + join(names));
}

std::string layer_crs(OGRLayerH layer, const std::optional<std::string>& srs) {
  OGRSpatialReferenceH own = OGR_L_GetSpatialRef(layer);
  if (!own) return srs ? canonical_crs(*srs, "/srs") : std::string();
  char* text = nullptr;
  OSRExportToWkt(own, &text);
  const std::string wkt = text ? text : "";
  CPLFree(text);
  return wkt.empty() ? std::string() : canonical_crs(wkt, "/file");
}

FeatureTable read_file(const GeometryParams& params) {
  const Dataset dataset = open_vector(*params.file);
  const GdalErrors errors;
  OGRLayerH layer = find_layer(dataset, *params.file, params.layer);
  FeatureTable table;
  table.crs = layer_crs(layer, params.srs);
  OGRFeatureDefnH definition = OGR_L_GetLayerDefn(layer);
  const int fields = OGR_FD_GetFieldCount(definition);
  for (int i = 0; i < fields; ++i) {
    table.fields.push_back(field_info(OGR_FD_GetFieldDefn(definition, i)));
  }
  OGR_L_ResetReading(layer);
  while (const FeatureHandle handle{OGR_L_GetNextFeature(layer)}) {
    Feature feature{OGR_F_GetFID(handle.get()), {}, {}};
    for (int i = 0; i < fields; ++i) feature.values.push_back(field_value(handle.get(), i));
    Geometry geometry(OGR_F_StealGeometry(handle.get()));
    if (geometry) feature.wkb = wkb_of(flat(std::move(geometry)).get());
    table.features.push_back(std::move(feature));
  }
  if (errors.any()) throw unreadable(*params.file, errors);
  if (table.features.empty()) throw invalid(*params.file + " has no features", "/file");
  return table;
}

FeatureTable read_text(const GeometryParams& params) {
  const GdalErrors errors;
  std::string text = *params.wkt;
  char* rest = text.data();
  OGRGeometryH made = nullptr;
  const OGRErr status = OGR_G_CreateFromWkt(&rest, nullptr, &made);
  Geometry geometry(made);
  const bool whole = std::string_view(rest).find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (status != OGRERR_NONE || !geometry || !whole) {
    throw invalid("is no geometry in well-known text", "/wkt",
                  "such as POLYGON((0 0,1 0,1 1,0 0))");
  }
  FeatureTable table;
  if (params.srs) table.crs = canonical_crs(*params.srs, "/srs");
  table.features.push_back({0, {}, wkb_of(flat(std::move(geometry)).get())});
  return table;
}

void add_ring(OGRGeometryH ring, bool shell, Shape& shape) {
  Ring out;
  const int points = OGR_G_GetPointCount(ring);
  for (int i = 0; i < points; ++i) {
    const Vertex vertex{OGR_G_GetX(ring, i), OGR_G_GetY(ring, i)};
    if (out.empty() || vertex != out.back()) out.push_back(vertex);
  }
  if (out.size() > 1 && out.front() == out.back()) out.pop_back();
  if (out.size() < 3) return;
  // Twice the area, from the first vertex, so that large coordinates do not cancel digits.
  double area = 0;
  for (std::size_t i = 1; i + 1 < out.size(); ++i) {
    area += (out[i].x - out[0].x) * (out[i + 1].y - out[0].y) -
            (out[i + 1].x - out[0].x) * (out[i].y - out[0].y);
  }
  if ((area > 0) != shell) std::reverse(out.begin(), out.end());
  shape.rings.push_back(std::move(out));
}

// The rings of a polygon, multipolygon or collection.
void add_rings(OGRGeometryH geometry, Shape& shape) {
  const OGRwkbGeometryType type = wkbFlatten(OGR_G_GetGeometryType(geometry));
  if (type == wkbPoint || type == wkbLineString || type == wkbMultiPoint ||
      type == wkbMultiLineString) {
    return;  // what repairing left of an area without width
  }
  for (int i = 0; i < OGR_G_GetGeometryCount(geometry); ++i) {
    OGRGeometryH part = OGR_G_GetGeometryRef(geometry, i);
    if (type == wkbPolygon || type == wkbTriangle) {
      add_ring(part, i == 0, shape);
    } else {
      add_rings(part, shape);
    }
  }
}

// Of a feature, valid; null when it has none.
Geometry area_geometry(const Feature& feature, std::string_view where) {
  Geometry geometry = geometry_of(feature.wkb);
  if (!geometry) return nullptr;
  const std::string name = "feature " + std::to_string(feature.id);
  const int dimension = OGR_G_GetDimension(geometry.get());
  if (dimension != 2) {
    throw invalid(name + " is a " + OGR_G_GetGeometryName(geometry.get()) + ", which has no area",
                  std::string(where), "polygons and multipolygons");
  }
  if (OGR_G_IsValid(geometry.get())) return geometry;
  geometry.reset(OGR_G_MakeValid(geometry.get()));
  if (geometry) return geometry;
  throw invalid("the outline of " + name + " is not valid and cannot be repaired",
                std::string(where), "a ring has 4 points or more and ends where it begins");
}

Geometry united(const FeatureTable& table, std::string_view where) {
  Geometry all(OGR_G_CreateGeometry(wkbMultiPolygon));
  for (const Feature& feature : table.features) {
    Geometry geometry = area_geometry(feature, where);
    if (!geometry) continue;
    if (table.features.size() == 1) return geometry;
    geometry.reset(OGR_G_ForceToMultiPolygon(geometry.release()));
    for (int i = 0; i < OGR_G_GetGeometryCount(geometry.get()); ++i) {
      OGR_G_AddGeometry(all.get(), OGR_G_GetGeometryRef(geometry.get(), i));
    }
  }
  if (OGR_G_IsEmpty(all.get())) return nullptr;
  Geometry out(OGR_G_UnionCascaded(all.get()));
  if (out) return out;
  throw invalid("the features cannot be united", std::string(where));
}

void add_points(OGRGeometryH geometry, std::vector<Vertex>& points) {
  if (wkbFlatten(OGR_G_GetGeometryType(geometry)) == wkbPoint) {
    if (!OGR_G_IsEmpty(geometry))
      points.push_back({OGR_G_GetX(geometry, 0), OGR_G_GetY(geometry, 0)});
    return;
  }
  for (int i = 0; i < OGR_G_GetGeometryCount(geometry); ++i) {
    add_points(OGR_G_GetGeometryRef(geometry, i), points);
  }
}

}  // namespace

Geometry geometry_of(const std::string& wkb) {
  OGRGeometryH made = nullptr;
  if (wkb.empty() || OGR_G_CreateFromWkb(wkb.data(), nullptr, &made,
                                         static_cast<int>(wkb.size())) != OGRERR_NONE) {
    return nullptr;
  }
  return Geometry(made);
}

std::string wkb_of(OGRGeometryH geometry) {
  if (OGR_G_IsEmpty(geometry)) return {};
  std::string wkb(static_cast<std::size_t>(OGR_G_WkbSize(geometry)), '\0');
  OGR_G_ExportToIsoWkb(geometry, wkbNDR, reinterpret_cast<unsigned char*>(wkb.data()));
  return wkb;
}

FeatureTable read_features(const GeometryParams& given) {
  GeometryParams params = given;
  // gdalcubes writes "" for what is not given.
  for (auto* text : {&params.srs, &params.layer}) {
    if (*text && (*text)->empty()) text->reset();
  }
  if (params.wkt && params.file) {
    throw invalid("'wkt' and 'file' are both given", "/wkt", "leave one of them out");
  }
  if (params.file) return read_file(params);
  if (!params.wkt) throw invalid("no geometry is given", "", "wkt, or file");
  if (params.layer) throw invalid("a layer is given without a file", "/layer");
  return read_text(params);
}

std::vector<Shape> areas_of(const FeatureTable& table, std::string_view where) {
  const GdalErrors errors;
  std::vector<Shape> shapes(table.features.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Geometry geometry = area_geometry(table.features[i], where);
    if (geometry) add_rings(geometry.get(), shapes[i]);
  }
  return shapes;
}

Shape united_area(const FeatureTable& table, std::string_view where) {
  const GdalErrors errors;
  Shape shape;
  if (const Geometry geometry = united(table, where)) add_rings(geometry.get(), shape);
  return shape;
}

int dimension_of(const Feature& feature) {
  const Geometry geometry = geometry_of(feature.wkb);
  return geometry ? OGR_G_GetDimension(geometry.get()) : -1;
}

std::vector<Vertex> points_of(const Feature& feature) {
  std::vector<Vertex> points;
  if (const Geometry geometry = geometry_of(feature.wkb)) add_points(geometry.get(), points);
  return points;
}

std::string point_wkb(const Vertex& point) {
  const Geometry geometry(OGR_G_CreateGeometry(wkbPoint));
  OGR_G_SetPoint_2D(geometry.get(), 0, point.x, point.y);
  return wkb_of(geometry.get());
}

std::string united_wkb(const FeatureTable& table, std::string_view where) {
  const GdalErrors errors;
  const Geometry geometry = united(table, where);
  return geometry ? wkb_of(geometry.get()) : std::string();
}

}  // namespace cube
