#include "engine/gdal/cf.h"

#include <cpl_conv.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <set>

#include "engine/error.h"
#include "engine/gdal/cf_crs.h"
#include "engine/gdal/run_record.h"
#include "engine/text.h"

namespace cube {

namespace {

struct TimeUnit {
  std::int64_t seconds;
  const char* name;
};
constexpr std::array kTimeUnits = {TimeUnit{86400, "days"}, TimeUnit{3600, "hours"},
                                   TimeUnit{60, "minutes"}, TimeUnit{1, "seconds"}};
constexpr const char* kGridMapping = "spatial_ref";

void add_times(const TimeAxis& time, CfCube& cube) {
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> bounds;
  for (std::int64_t i = 0; i < time.size(); ++i) {
    starts.push_back(time.start(i).time_since_epoch().count());
    if (!time.is_regular()) continue;
    bounds.push_back(starts.back());
    bounds.push_back(time.end(i).time_since_epoch().count());
  }
  const auto fits = [&](const TimeUnit& unit) {
    const auto whole = [&](std::int64_t seconds) { return seconds % unit.seconds == 0; };
    return std::all_of(starts.begin(), starts.end(), whole) &&
           std::all_of(bounds.begin(), bounds.end(), whole);
  };
  const TimeUnit unit = *std::find_if(kTimeUnits.begin(), kTimeUnits.end(), fits);
  for (std::int64_t& value : starts) value /= unit.seconds;
  for (std::int64_t& value : bounds) value /= unit.seconds;

  CfAttributes attributes = {{"standard_name", "time"},
                             {"long_name", "start of the time slice"},
                             {"axis", "T"},
                             {"units", std::string(unit.name) + " since 1970-01-01"},
                             {"calendar", "proleptic_gregorian"}};
  if (time.is_regular()) {
    attributes.emplace_back("bounds", "time_bnds");
    attributes.emplace_back(kTimeStep, time.step()->text());
  }
  cube.coordinates.push_back({cube.time, {cube.time}, std::move(starts), std::move(attributes)});
  if (time.is_regular()) {
    cube.coordinates.push_back({"time_bnds", {cube.time, "nv"}, std::move(bounds), {}});
  }
}

// Cell centres with the attributes of one horizontal axis.
CfVariable place(const Grid& grid, bool x, const std::string& name, bool geographic, bool rotated,
                 const std::string& unit) {
  const std::int64_t size = x ? grid.width : grid.height;
  std::vector<double> centers(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    centers[static_cast<std::size_t>(i)] = x ? grid.x_center(i) : grid.y_center(i);
  }
  const std::string axis = x ? "X" : "Y";
  CfAttributes attributes = {{"axis", axis}};
  if (rotated) {
    const std::string what = x ? "longitude" : "latitude";
    attributes = {{"axis", axis},
                  {"standard_name", "grid_" + what},
                  {"long_name", what + " in rotated pole grid"},
                  {"units", "degrees"}};
  } else if (geographic) {
    const std::string what = x ? "longitude" : "latitude";
    const std::string degrees = x ? "degrees_east" : "degrees_north";
    attributes = {{"axis", axis}, {"standard_name", what}, {"long_name", what}, {"units", degrees}};
  } else if (!grid.crs.empty()) {
    const std::string letter = lower(axis);
    attributes = {{"axis", axis},
                  {"standard_name", "projection_" + letter + "_coordinate"},
                  {"long_name", letter + " coordinate of projection"},
                  {"units", unit}};
  }
  return {name, {name}, std::move(centers), std::move(attributes)};
}

std::string linear_unit(const OGRSpatialReference& crs) {
  const char* name = nullptr;
  const double meters = crs.GetLinearUnits(&name);
  return meters == 1.0 || !name ? "m" : name;
}

CfAttributes describe_band(const BandInfo& band, const std::string& grid_mapping) {
  CfAttributes out = {{"long_name", band.name}};
  if (!band.unit.empty()) out.emplace_back("units", band.unit);
  if (band.scale != 1 || band.offset != 0) {
    out.emplace_back("scale_factor", band.scale);
    out.emplace_back("add_offset", band.offset);
  }
  const Flags flags = flags_of(band.classes);
  if (!flags.values.empty()) {
    out.emplace_back(kFlagValues, flags.values);
    out.emplace_back("flag_meanings", flags.meanings);
  }
  if (!flags.colours.empty()) out.emplace_back("flag_colors", flags.colours);
  if (!grid_mapping.empty()) out.emplace_back("grid_mapping", grid_mapping);
  return out;
}

}  // namespace

CfCube describe_cf(const CubeInfo& info, const Provenance& provenance) {
  CfCube cube;
  OGRSpatialReference crs;
  const bool has_crs = !info.grid.crs.empty();
  if (has_crs) crs.SetFromUserInput(info.grid.crs.c_str());
  const bool geographic = has_crs && crs.IsGeographic() != 0;
  cube.time = "time";
  const bool rotated = geographic && crs.IsDerivedGeographic() != 0;
  cube.y = geographic && !rotated ? "latitude" : "y";
  cube.x = geographic && !rotated ? "longitude" : "x";
  add_times(info.time, cube);
  const std::string unit = has_crs && !geographic ? linear_unit(crs) : "";
  cube.coordinates.push_back(place(info.grid, false, cube.y, geographic, rotated, unit));
  cube.coordinates.push_back(place(info.grid, true, cube.x, geographic, rotated, unit));
  if (has_crs) {
    cube.grid_mapping = kGridMapping;
    cube.crs = describe_crs(info.grid);
  }
  for (const BandInfo& band : info.bands) {
    cube.bands.push_back(describe_band(band, cube.grid_mapping));
  }
  const std::string images = images_text(provenance.sources);
  cube.global = {{"Conventions", "CF-1.8"},
                 {"source", images},
                 {"history", "written by cube"},
                 {kGraphAttribute, provenance.graph},
                 {kImagesAttribute, images}};
  const std::string record = record_text(provenance);
  if (!record.empty()) cube.global.emplace_back(kRecordAttribute, record);
  return cube;
}

void check_variable_names(const CubeInfo& info, const std::string& where) {
  static const std::set<std::string> kTaken = {"time", "time_bnds", "nv",        "y",
                                               "x",    "latitude",  "longitude", kGridMapping};
  for (const BandInfo& band : info.bands) {
    const std::string hint = "rename_bands gives it another name";
    if (kTaken.contains(band.name)) {
      throw Error(ErrorCode::kInvalid,
                  "band '" + band.name + "' would collide with a coordinate of that name", where,
                  hint);
    }
    const bool odd = band.name.empty() || band.name[0] == '.' || band.name.back() == ' ' ||
                     std::any_of(band.name.begin(), band.name.end(), [](char c) {
                       return c == '/' || static_cast<unsigned char>(c) < 0x20;
                     });
    if (odd) {
      throw Error(ErrorCode::kInvalid, "'" + band.name + "' cannot be the name of a variable",
                  where, hint);
    }
  }
}

}  // namespace cube
