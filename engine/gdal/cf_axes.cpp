#include "engine/gdal/cf_axes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/error.h"
#include "engine/gdal/cf_crs.h"
#include "engine/gdal/cf_time.h"
#include "engine/gdal/crs.h"
#include "engine/text.h"

namespace cube {

namespace {

// A coordinate may be this much of a cell off its place: some are written with few digits.
constexpr double kTolerance = 0.02;

bool is_one_of(const std::string& text, std::initializer_list<std::string_view> known) {
  return std::ranges::find(known, text) != known.end();
}

bool is_degrees_east(const std::string& units) {
  return is_one_of(units,
                   {"degrees_east", "degree_east", "degree_E", "degrees_E", "degreeE", "degreesE"});
}

bool is_degrees_north(const std::string& units) {
  return is_one_of(
      units, {"degrees_north", "degree_north", "degree_N", "degrees_N", "degreeN", "degreesN"});
}

AxisRole role_by_name(const std::string& dimension) {
  const std::string name = lower(base_name(dimension));
  if (is_one_of(name, {"time", "t", "date", "datetime"})) return AxisRole::kTime;
  if (is_one_of(name, {"y", "lat", "latitude", "northing", "nav_lat", "ygeo", "rlat", "ydim"})) {
    return AxisRole::kY;
  }
  if (is_one_of(name,
                {"x", "lon", "long", "longitude", "easting", "nav_lon", "xgeo", "rlon", "xdim"})) {
    return AxisRole::kX;
  }
  return AxisRole::kNone;
}

AxisRole role_by_attributes(const CfAttributes& attributes) {
  std::string axis = text_attribute(attributes, "axis");
  if (is_one_of(axis, {"t", "y", "x"})) axis[0] -= 'a' - 'A';
  const std::string name = text_attribute(attributes, "standard_name");
  const std::string units = text_attribute(attributes, "units");
  if (axis == "T" || name == "time" || is_time_unit(units)) return AxisRole::kTime;
  if (axis == "Y" || is_degrees_north(units) ||
      is_one_of(name, {"latitude", "projection_y_coordinate", "grid_latitude"})) {
    return AxisRole::kY;
  }
  if (axis == "X" || is_degrees_east(units) ||
      is_one_of(name, {"longitude", "projection_x_coordinate", "grid_longitude"})) {
    return AxisRole::kX;
  }
  return AxisRole::kNone;
}

// The coordinate variable of a dimension: the array of its name that has no other, else the only
// one on it that holds places, as of lat(j) and lon(i).
const ArrayInfo* coordinate_of(const ArrayStore& store, const std::string& dimension,
                               std::vector<double>* values = nullptr) {
  const auto lies_on_it = [&](const ArrayInfo& info) {
    return info.dimensions.size() == 1 && info.dimensions[0] == dimension &&
           info.type != ArrayType::kOther;
  };
  const std::vector<ArrayInfo>& arrays = store.arrays();
  const ArrayInfo* found = nullptr;
  if (const auto index = find_array(store, dimension); index && lies_on_it(arrays[*index])) {
    found = &arrays[*index];
  }
  const auto places = [&](const ArrayInfo& info) {
    const AxisRole role = lies_on_it(info) ? role_of(info) : AxisRole::kNone;
    return role == AxisRole::kY || role == AxisRole::kX;
  };
  if (!found && std::ranges::count_if(arrays, places) == 1) {
    found = &*std::ranges::find_if(arrays, places);
  }
  if (found && values) *values = values_of(store, static_cast<std::size_t>(found - arrays.data()));
  return found;
}

// Where cells begin and how far apart they are; in steps that may be negative.
struct Line {
  double first_edge = 0;
  double step = 0;
};

std::string axis_text(const std::string& dimension) {
  return "the coordinates of '" + dimension + "'";
}

// Longitudes that jump by a turn, as of 170, 180, -170: on, without the jump.
void unroll(std::vector<double>& longitudes) {
  constexpr double kTurn = 360;
  const std::vector<double> stated = longitudes;
  double turns = 0;
  for (std::size_t i = 1; i < stated.size(); ++i) {
    const double step = stated[i] - stated[i - 1];
    if (std::abs(step) > kTurn / 2 && std::abs(step) < kTurn) turns += step < 0 ? kTurn : -kTurn;
    longitudes[i] = stated[i] + turns;
  }
  if (turns == 0) return;
  const auto [least, most] = std::ranges::minmax_element(longitudes);
  const double shift = *most > kTurn ? -kTurn : *least < -kTurn / 2 ? kTurn : 0;
  for (double& longitude : longitudes) longitude += shift;
}

Line line_of(const std::string& dimension, const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double step = (values.back() - values.front()) / (n - 1);
  if (!(std::abs(step) > 0) || !std::isfinite(step)) {
    throw invalid(axis_text(dimension) + " do not tell cells apart");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = values.front() + static_cast<double>(i) * step;
    if (std::abs(values[i] - expected) <= kTolerance * std::abs(step)) continue;
    throw invalid(axis_text(dimension) + " are not evenly spaced: number " + std::to_string(i) +
                      " is " + number_text(values[i]) + ", where " + number_text(expected) +
                      " would be even",
                  "", "xarray's interp or cdo's remapping brings them onto a plain grid");
  }
  return {values.front() - step / 2, step};
}

// The GeoTransform of a grid mapping as lines of x and y.
std::optional<std::array<Line, 2>> geotransform(const CfAttributes& mapping) {
  std::vector<double> numbers;
  for (const std::string& part : split(text_attribute(mapping, "GeoTransform"), ' ')) {
    if (part.empty()) continue;
    if (const auto number = parse_number(part)) numbers.push_back(*number);
  }
  if (numbers.size() != 6 || numbers[2] != 0 || numbers[4] != 0) return std::nullopt;
  if (numbers[1] == 0 || numbers[5] == 0) return std::nullopt;
  return std::array<Line, 2>{Line{numbers[0], numbers[1]}, Line{numbers[3], numbers[5]}};
}

// The same cells from the other end.
Line turned(const Line& line, std::int64_t size) {
  return {line.first_edge + static_cast<double>(size) * line.step, -line.step};
}

bool agree(const Line& a, const Line& b, std::int64_t size) {
  const double tolerance = kTolerance * std::abs(b.step);
  const auto last = [&](const Line& line) {
    return line.first_edge + static_cast<double>(size) * line.step;
  };
  return std::abs(a.first_edge - b.first_edge) <= tolerance &&
         std::abs(last(a) - last(b)) <= tolerance;
}

// Coordinates count metres times this.
double unit_factor(const ArrayInfo& coordinate, const CfAttributes& mapping) {
  const std::string units = lower(text_attribute(coordinate.attributes, "units"));
  if (is_one_of(units, {"km", "kilometer", "kilometers", "kilometre", "kilometres"})) return 1000;
  const bool angle = is_one_of(units, {"rad", "radian", "radians"});
  if (!angle) return 1;
  return number_attribute(mapping, "perspective_point_height").value_or(1);
}

// The line of the only cell of an axis: its bounds.
std::optional<Line> bounds_line(const ArrayStore& store, const ArrayInfo& coordinate) {
  const auto index = find_array(store, text_attribute(coordinate.attributes, "bounds"), coordinate);
  if (!index) return std::nullopt;
  const std::vector<double> values = values_of(store, *index);
  if (values.size() != 2 || values[0] == values[1]) return std::nullopt;
  return Line{values[0], values[1] - values[0]};
}

bool is_longitude(const ArrayStore& store, const std::string& x) {
  const ArrayInfo* coordinate = coordinate_of(store, x);
  if (!coordinate) return false;
  const std::string units = text_attribute(coordinate->attributes, "units");
  return is_degrees_east(units) ||
         text_attribute(coordinate->attributes, "standard_name") == "longitude" ||
         (units.empty() && is_one_of(lower(base_name(coordinate->name)), {"lon", "longitude"}));
}

// The cells of one axis of a variable.
Line decode_line(const ArrayStore& store, const ArrayInfo& variable, const std::string& dimension,
                 std::int64_t size, const CfAttributes& mapping,
                 const std::optional<Line>& stated) {
  if (size == 0) throw invalid("'" + dimension + "' has no cells");
  std::vector<double> values;
  const ArrayInfo* coordinate = coordinate_of(store, dimension, &values);
  if (!coordinate) {
    if (stated) return *stated;
    const std::string places = curved_places(store, variable);
    if (!places.empty()) throw on_curved_grid(places);
    throw invalid("'" + dimension +
                  "' has no coordinates, and no GeoTransform says where cells lie");
  }
  const double factor = unit_factor(*coordinate, mapping);
  for (double& value : values) value *= factor;
  std::optional<Line> line;
  if (size > 1) {
    if (is_longitude(store, dimension)) unroll(values);
    line = line_of(dimension, values);
  } else if (!stated) {
    line = bounds_line(store, *coordinate);
    if (!line) {
      throw invalid("'" + dimension + "' has one cell, and nothing says how large it is", "",
                    "bounds or a GeoTransform would");
    }
  }
  if (!stated) return *line;
  if (!line) return *stated;
  for (const Line& exact : {*stated, turned(*stated, size)}) {
    if (agree(exact, *line, size)) return exact;
  }
  return *line;  // e.g. of a part of the file that the GeoTransform was written for
}

// The name of the grid mapping that a variable has on a dimension: "crs", or the right one of
// "wgs84: lat lon utm: y x" (CF 1.8, 5.6).
std::string mapping_name(const ArrayInfo& variable, const std::string& dimension) {
  const std::string all = text_attribute(variable.attributes, "grid_mapping");
  std::string first;
  std::string current;
  for (const std::string& word : split(all, ' ')) {
    if (word.ends_with(':')) {
      current = word.substr(0, word.size() - 1);
      if (first.empty()) first = current;
    } else if (word == base_name(dimension) && !current.empty()) {
      return current;
    }
  }
  return first.empty() ? all : first;
}

// The attributes of a variable's grid mapping; those that Zarr's users write beside them.
CfAttributes mapping_of(const ArrayStore& store, const ArrayInfo& variable,
                        const std::string& dimension) {
  auto index = find_array(store, mapping_name(variable, dimension), variable);
  for (const char* usual : {"spatial_ref", "crs"}) {
    if (!index) index = find_array(store, usual, variable);
  }
  if (index) return store.arrays()[*index].attributes;
  const std::string wkt = text_attribute(variable.attributes, "_CRS");
  return wkt.empty() ? CfAttributes{} : CfAttributes{{"crs_wkt", wkt}};
}

}  // namespace

AxisRole role_of(const ArrayInfo& coordinate) {
  const AxisRole role = role_by_attributes(coordinate.attributes);
  return role == AxisRole::kNone ? role_by_name(coordinate.name) : role;
}

AxisRole role_of(const ArrayStore& store, const std::string& dimension) {
  const ArrayInfo* coordinate = coordinate_of(store, dimension);
  const AxisRole role = coordinate ? role_of(*coordinate) : AxisRole::kNone;
  return role == AxisRole::kNone ? role_by_name(dimension) : role;
}

bool same_axis(const ArrayStore& store, const std::string& a, const std::string& b) {
  if (a == b) return true;
  std::vector<double> one;
  std::vector<double> other;
  return base_name(a) == base_name(b) && coordinate_of(store, a, &one) &&
         coordinate_of(store, b, &other) && one == other;
}

std::string curved_places(const ArrayStore& store, const ArrayInfo& variable) {
  std::string latitudes;
  std::string longitudes;
  for (const ArrayInfo& array : store.arrays()) {
    if (array.dimensions.size() != 2 || array.type == ArrayType::kOther) continue;
    const bool beside = std::ranges::all_of(array.dimensions, [&](const std::string& dimension) {
      return std::ranges::find(variable.dimensions, dimension) != variable.dimensions.end();
    });
    if (!beside) continue;
    const AxisRole role = role_of(array);
    if (role != AxisRole::kY && role != AxisRole::kX) continue;
    (role == AxisRole::kY ? latitudes : longitudes) =
        array.name + "(" + join(array.dimensions) + ")";
  }
  if (latitudes.empty() || longitudes.empty()) return {};
  return latitudes + " and " + longitudes;
}

Error on_curved_grid(const std::string& places) {
  return invalid("cells lie on a curved grid, each where " + places + " say", "",
                 "an image collection reads such files, as gdalwarp -geoloc does, onto the grid of "
                 "a view");
}

CfGrid decode_grid(const ArrayStore& store, const ArrayInfo& variable, const std::string& y,
                   const std::string& x) {
  const CfAttributes mapping = mapping_of(store, variable, x);
  const auto size = [&](const std::string& dimension) {
    const auto at = std::ranges::find(variable.dimensions, dimension);
    return variable.shape[static_cast<std::size_t>(at - variable.dimensions.begin())];
  };
  const auto stated = geotransform(mapping);
  CfGrid out;
  const auto line = [&](const std::string& dimension, std::size_t which) {
    return decode_line(store, variable, dimension, size(dimension), mapping,
                       stated ? std::optional((*stated)[which]) : std::nullopt);
  };
  Line lx = line(x, 0);
  Line ly = line(y, 1);
  out.flip_x = lx.step < 0;
  out.flip_y = ly.step > 0;
  if (out.flip_x) lx = turned(lx, size(x));
  if (out.flip_y) ly = turned(ly, size(y));
  out.grid = {.crs = decode_crs(mapping),
              .left = lx.first_edge,
              .top = ly.first_edge,
              .dx = lx.step,
              .dy = -ly.step,
              .width = size(x),
              .height = size(y)};
  if (out.grid.crs.empty() && is_longitude(store, x)) {
    out.grid.crs = canonical_crs("EPSG:4326", "");
  }
  return out;
}

}  // namespace cube
