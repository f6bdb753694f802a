#include "engine/gdal/cf_crs.h"

#include <cpl_conv.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/gdal/array_store.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/handles.h"
#include "engine/text.h"

namespace cube {

namespace {

// How CF calls a projection and its parameters.
struct CfProjection {
  const char* wkt;
  const char* cf;
  std::vector<std::pair<const char*, const char*>> parameters;  // WKT, CF
};

const std::vector<CfProjection>& projections() {
  static const std::pair<const char*, const char*> kEast = {SRS_PP_FALSE_EASTING, "false_easting"};
  static const std::pair<const char*, const char*> kNorth = {SRS_PP_FALSE_NORTHING,
                                                             "false_northing"};
  static const char* const kOriginLat = "latitude_of_projection_origin";
  static const char* const kOriginLon = "longitude_of_projection_origin";
  static const char* const kMeridian = "longitude_of_central_meridian";
  static const std::vector<CfProjection> kAll = {
      {SRS_PT_TRANSVERSE_MERCATOR,
       "transverse_mercator",
       {{SRS_PP_SCALE_FACTOR, "scale_factor_at_central_meridian"},
        {SRS_PP_CENTRAL_MERIDIAN, kMeridian},
        {SRS_PP_LATITUDE_OF_ORIGIN, kOriginLat},
        kEast,
        kNorth}},
      {SRS_PT_MERCATOR_1SP,
       "mercator",
       {{SRS_PP_CENTRAL_MERIDIAN, kOriginLon},
        {SRS_PP_SCALE_FACTOR, "scale_factor_at_projection_origin"},
        kEast,
        kNorth}},
      {SRS_PT_MERCATOR_2SP,
       "mercator",
       {{SRS_PP_CENTRAL_MERIDIAN, kOriginLon},
        {SRS_PP_STANDARD_PARALLEL_1, "standard_parallel"},
        kEast,
        kNorth}},
      {SRS_PT_LAMBERT_AZIMUTHAL_EQUAL_AREA,
       "lambert_azimuthal_equal_area",
       {{SRS_PP_LATITUDE_OF_CENTER, kOriginLat},
        {SRS_PP_LONGITUDE_OF_CENTER, kOriginLon},
        kEast,
        kNorth}},
      {SRS_PT_ALBERS_CONIC_EQUAL_AREA,
       "albers_conical_equal_area",
       {{SRS_PP_STANDARD_PARALLEL_1, "standard_parallel"},
        {SRS_PP_STANDARD_PARALLEL_2, "standard_parallel"},
        {SRS_PP_LATITUDE_OF_CENTER, kOriginLat},
        {SRS_PP_LONGITUDE_OF_CENTER, kMeridian},
        kEast,
        kNorth}},
      {SRS_PT_LAMBERT_CONFORMAL_CONIC_2SP,
       "lambert_conformal_conic",
       {{SRS_PP_STANDARD_PARALLEL_1, "standard_parallel"},
        {SRS_PP_STANDARD_PARALLEL_2, "standard_parallel"},
        {SRS_PP_LATITUDE_OF_ORIGIN, kOriginLat},
        {SRS_PP_CENTRAL_MERIDIAN, kMeridian},
        kEast,
        kNorth}},
      {SRS_PT_SINUSOIDAL, "sinusoidal", {{SRS_PP_LONGITUDE_OF_CENTER, kMeridian}, kEast, kNorth}},
  };
  return kAll;
}

// The projection's parameters where CF has a name for it; crs_wkt is complete in any case.
void add_projection(const OGRSpatialReference& crs, CfAttributes& out) {
  const char* name = crs.GetAttrValue("PROJECTION");
  if (!name) return;
  for (const CfProjection& projection : projections()) {
    if (std::string(projection.wkt) != name) continue;
    out.emplace_back("grid_mapping_name", projection.cf);
    std::vector<double> parallels;
    for (const auto& [wkt, cf] : projection.parameters) {
      const double value = crs.GetNormProjParm(wkt, 0);
      if (std::string(cf) == "standard_parallel") {
        parallels.push_back(value);
      } else {
        out.emplace_back(cf, value);
      }
    }
    if (!parallels.empty()) out.emplace_back("standard_parallel", parallels);
    return;
  }
}

// A value of an attribute, else a default.
double number_or(const CfAttributes& attributes, const char* name, double value) {
  return number_attribute(attributes, name).value_or(value);
}

void set_geographic(const CfAttributes& mapping, OGRSpatialReference& crs) {
  constexpr double kRoundEarth = 6370997;
  constexpr double kTiny = 1e-6;
  const double sphere = number_or(mapping, "earth_radius", 0);
  const double major = number_or(mapping, "semi_major_axis", sphere);
  double flattening = number_or(mapping, "inverse_flattening", 0);
  const double minor = number_or(mapping, "semi_minor_axis", 0);
  if (flattening == 0 && minor > 0 && minor < major) flattening = major / (major - minor);
  const double meridian = number_or(mapping, "longitude_of_prime_meridian", 0);
  const bool wgs84 = std::abs(major - SRS_WGS84_SEMIMAJOR) < kTiny &&
                     std::abs(flattening - SRS_WGS84_INVFLATTENING) < kTiny;
  if ((major == 0 || wgs84) && meridian == 0) {
    crs.SetWellKnownGeogCS("WGS84");
  } else {
    crs.SetGeogCS("unknown", "unknown", "unknown", major > 0 ? major : kRoundEarth, flattening,
                  "unknown", meridian);
  }
}

// WKT has no word for the axis that a geostationary satellite sweeps along; PROJ's default is y.
void sweep_along_x(OGRSpatialReference& crs) {
  char* text = nullptr;
  crs.exportToProj4(&text);
  const std::string proj = std::string(text ? text : "") + " +sweep=x";
  CPLFree(text);
  crs.importFromProj4(proj.c_str());
}

// Projections whose CF parameters are not one to one those of WKT.
bool set_special(const std::string& name, const CfAttributes& mapping, OGRSpatialReference& crs) {
  const double lat = number_or(mapping, "latitude_of_projection_origin", 0);
  const double lon = number_or(mapping, "longitude_of_projection_origin", 0);
  const double east = number_or(mapping, "false_easting", 0);
  const double north = number_or(mapping, "false_northing", 0);
  const double parallel = number_or(mapping, "standard_parallel", lat);
  if (name == "polar_stereographic") {
    const double scale = number_or(mapping, "scale_factor_at_projection_origin", 1);
    crs.SetPS(parallel, number_or(mapping, "straight_vertical_longitude_from_pole", lon), scale,
              east, north);
  } else if (name == "geostationary") {
    crs.SetGEOS(lon, number_or(mapping, "perspective_point_height", 0), east, north);
    if (text_attribute(mapping, "sweep_angle_axis") == "x") sweep_along_x(crs);
  } else if (name == "stereographic") {
    crs.SetStereographic(lat, lon, number_or(mapping, "scale_factor_at_projection_origin", 1), east,
                         north);
  } else if (name == "azimuthal_equidistant") {
    crs.SetAE(lat, lon, east, north);
  } else if (name == "orthographic") {
    crs.SetOrthographic(lat, lon, east, north);
  } else if (name == "lambert_cylindrical_equal_area") {
    crs.SetCEA(parallel, number_or(mapping, "longitude_of_central_meridian", lon), east, north);
  } else {
    return false;
  }
  return true;
}

bool set_projection(const std::string& name, const CfAttributes& mapping,
                    OGRSpatialReference& crs) {
  if (set_special(name, mapping, crs)) return true;
  const std::vector<double> parallels = numbers_attribute(mapping, "standard_parallel");
  for (const CfProjection& projection : projections()) {
    if (name != projection.cf) continue;
    const bool by_parallel = std::string_view(projection.wkt) == SRS_PT_MERCATOR_2SP;
    if (name == "mercator" && by_parallel == parallels.empty()) continue;
    crs.SetProjection(projection.wkt);
    std::size_t parallel = 0;
    for (const auto& [wkt, cf] : projection.parameters) {
      const bool is_scale = std::string_view(cf).starts_with("scale_factor");
      double value = number_or(mapping, cf, is_scale ? 1 : 0);
      if (std::string_view(cf) == "standard_parallel" && !parallels.empty()) {
        value = parallels[std::min(parallel++, parallels.size() - 1)];
      }
      crs.SetNormProjParm(wkt, value);
    }
    return true;
  }
  return false;
}

// CF's names of what says where the pole of a rotated grid lies, and PROJ's.
constexpr const char* kRotated = "rotated_latitude_longitude";
constexpr const char* kPoleLatitude = "grid_north_pole_latitude";
constexpr const char* kPoleLongitude = "grid_north_pole_longitude";
constexpr const char* kPoleGridLongitude = "north_pole_grid_longitude";

std::string from_rotated_pole(const CfAttributes& mapping) {
  for (const char* key : {kPoleLatitude, kPoleLongitude}) {
    if (number_attribute(mapping, key)) continue;
    throw Error(ErrorCode::kInvalid,
                "the grid mapping says that its pole is rotated, but not its " + std::string(key));
  }
  const GdalErrors errors;
  OGRSpatialReference crs;
  set_geographic(mapping, crs);
  crs.SetDerivedGeogCRSWithPoleRotationNetCDFCFConvention(
      "rotated pole", number_or(mapping, kPoleLatitude, 0), number_or(mapping, kPoleLongitude, 0),
      number_or(mapping, kPoleGridLongitude, 0));
  static constexpr const char* kOptions[] = {"FORMAT=WKT2_2019", nullptr};
  char* wkt = nullptr;
  crs.exportToWkt(&wkt, kOptions);
  const std::string text = wkt ? wkt : "";
  CPLFree(wkt);
  return canonical_crs(text, "");
}

// The other way round: +proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=39.25 +lon_0=18.
void add_rotated_pole(const OGRSpatialReference& crs, CfAttributes& out) {
  char* text = nullptr;
  crs.exportToProj4(&text);
  const std::string proj = text ? text : "";
  CPLFree(text);
  const auto parameter = [&](const std::string& name) -> double {
    for (const std::string& word : split(proj, ' ')) {
      if (word.starts_with("+" + name + "=")) {
        return parse_number(word.substr(name.size() + 2)).value_or(0);
      }
    }
    return 0;
  };
  constexpr double kHalfTurn = 180;
  const double meridian = parameter("lon_0");
  out.emplace_back("grid_mapping_name", kRotated);
  out.emplace_back(kPoleLatitude, parameter("o_lat_p"));
  out.emplace_back(kPoleLongitude, meridian > 0 ? meridian - kHalfTurn : meridian + kHalfTurn);
  out.emplace_back(kPoleGridLongitude, parameter("o_lon_p"));
}

std::string from_parameters(const CfAttributes& mapping, const std::string& name) {
  if (name == kRotated) return from_rotated_pole(mapping);
  const GdalErrors errors;
  OGRSpatialReference crs;
  const bool projected = name != "latitude_longitude";
  if (projected) crs.SetProjCS("unknown");
  set_geographic(mapping, crs);
  if (projected && !set_projection(name, mapping, crs)) {
    throw Error(ErrorCode::kInvalid, "the projection '" + name + "' is not supported", "",
                "cdo's remapping or, where the file has latitudes and longitudes of all cells, "
                "gdalwarp -geoloc brings it onto a plain grid");
  }
  if (projected) crs.SetLinearUnits(SRS_UL_METER, 1);
  crs.AutoIdentifyEPSG();
  char* wkt = nullptr;
  crs.exportToWkt(&wkt);
  const std::string text = wkt ? wkt : "";
  CPLFree(wkt);
  return canonical_crs(text, "");
}

}  // namespace

CfAttributes describe_crs(const Grid& grid) {
  OGRSpatialReference crs;
  crs.SetFromUserInput(grid.crs.c_str());
  CfAttributes out;
  if (crs.IsDerivedGeographic()) {
    add_rotated_pole(crs, out);
  } else if (crs.IsGeographic()) {
    out.emplace_back("grid_mapping_name", "latitude_longitude");
  }
  add_projection(crs, out);
  out.emplace_back("semi_major_axis", crs.GetSemiMajor());
  out.emplace_back("semi_minor_axis", crs.GetSemiMinor());
  out.emplace_back("inverse_flattening", crs.GetInvFlattening());
  out.emplace_back("longitude_of_prime_meridian", crs.GetPrimeMeridian());
  const std::string wkt = crs_wkt(grid.crs);
  out.emplace_back("crs_wkt", wkt);
  out.emplace_back("spatial_ref", wkt);
  out.emplace_back("GeoTransform", number_text(grid.left) + " " + number_text(grid.dx) + " 0 " +
                                       number_text(grid.top) + " 0 " + number_text(-grid.dy));
  return out;
}

std::string decode_crs(const CfAttributes& mapping) {
  for (const char* key : {"crs_wkt", "spatial_ref", "esri_pe_string", "proj4", "proj4text",
                          "proj4_params", "epsg_code"}) {
    const std::string text = text_attribute(mapping, key);
    if (text.empty()) continue;
    try {
      return canonical_crs(text, "");
    } catch (const Error&) {  // CF's own attributes, or another one, may do
    }
  }
  const std::string name = text_attribute(mapping, "grid_mapping_name");
  return name.empty() ? "" : from_parameters(mapping, name);
}

}  // namespace cube
