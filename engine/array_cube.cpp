#include "engine/array_cube.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/array_variables.h"
#include "engine/error.h"
#include "engine/gdal/cf_axes.h"
#include "engine/gdal/cf_time.h"
#include "engine/gdal/crs.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::size_t kMostBands = 10000;

std::string crs_text(const std::string& crs) { return crs.empty() ? "none" : crs; }

Error invalid(const std::string& message, const std::string& where, const std::string& hint = {}) {
  return Error(ErrorCode::kInvalid, message, where, hint);
}

DType cube_type(ArrayType type, std::string& note) {
  switch (type) {
    case ArrayType::kInt8:
      note = "int8 as int16";
      return DType::kInt16;
    case ArrayType::kUInt8:
      return DType::kUInt8;
    case ArrayType::kInt16:
      return DType::kInt16;
    case ArrayType::kUInt16:
      return DType::kUInt16;
    case ArrayType::kInt32:
      return DType::kInt32;
    case ArrayType::kUInt32:
      return DType::kUInt32;
    case ArrayType::kFloat32:
      return DType::kFloat32;
    case ArrayType::kInt64:
    case ArrayType::kUInt64:
      note = "64-bit integers as float64, exact up to 2^53";
      return DType::kFloat64;
    default:
      return DType::kFloat64;
  }
}

// The value that an attribute states in the signed type stands for this one of the unsigned type,
// or the other way round.
double in_type(double value, ArrayType type) {
  return dispatch_array(type, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T>) {
      const double span = std::ldexp(1.0, 8 * static_cast<int>(sizeof(T)));
      if (value < static_cast<double>(std::numeric_limits<T>::lowest())) return value + span;
      if (value > static_cast<double>(std::numeric_limits<T>::max())) return value - span;
    }
    return value;
  });
}

std::vector<double> missing_values(const ArrayInfo& array, ArrayType type) {
  std::vector<double> out;
  const bool relabelled = type != array.type;
  const auto add = [&](double value) {
    if (relabelled) value = in_type(value, type);
    if (std::isnan(value) || std::ranges::find(out, value) != out.end()) return;
    out.push_back(value);
  };
  const std::vector<double> fill = numbers_attribute(array.attributes, "_FillValue");
  for (const double value : fill) add(value);
  // What Zarr calls its fill value is what xarray takes for missing.
  if (fill.empty() && array.fill) add(*array.fill);
  for (const double value : numbers_attribute(array.attributes, "missing_value")) add(value);
  return out;
}

// Reads valid_range, or valid_min and valid_max (CF 1.8, 2.5.1).
void set_range(const ArrayInfo& array, const Packing& packing, ArrayCube::Band& band) {
  const std::vector<double> range = numbers_attribute(array.attributes, "valid_range");
  auto low = number_attribute(array.attributes, "valid_min");
  auto high = number_attribute(array.attributes, "valid_max");
  if (range.size() == 2) {
    low = range[0];
    high = range[1];
  }
  for (auto* bound : {&low, &high}) {
    if (*bound && std::isnan(**bound)) bound->reset();
    if (!*bound) continue;
    if (array.unpacked_range) {
      // What the packing rounded is still within.
      constexpr double kRounding = 1e-3;
      const bool rounds_up = (bound == &high) == (packing.scale > 0);
      **bound = (**bound - packing.offset) / packing.scale + (rounds_up ? kRounding : -kRounding);
    } else if (band.type != array.type) {
      **bound = in_type(**bound, band.type);
    } else if (band.type == ArrayType::kFloat32) {
      **bound = static_cast<float>(**bound);
    }
  }
  if (array.unpacked_range && packing.scale < 0) std::swap(low, high);
  if (low && high && *low > *high) return;  // says nothing that can be meant
  if (low) band.low = *low;
  if (high) band.high = *high;
}

// "valid from 0 to 100".
std::string range_note(const ArrayCube::Band& band, const Packing& packing) {
  std::string out = "valid";
  const auto add = [&](const char* word, double stored) {
    if (std::isfinite(stored)) out += std::string(" ") + word + " " + number_text(stored);
  };
  add("from", band.low);
  add("to", band.high);
  return packing.any() ? out + " as stored" : out;
}

// Gives an integer band that has values beyond its valid range, and none that is missing, a nodata
// value: one of those.
void set_gaps(const ArrayCube::Band& band, BandInfo& info) {
  if (is_float(info.dtype) || info.nodata) return;
  for (const double value : {highest(info.dtype), lowest(info.dtype)}) {
    if (value >= band.low && value <= band.high) continue;
    info.nodata = value;
    return;
  }
}

bool stored_alike(ArrayType type, DType dtype) {
  std::string note;
  return type != ArrayType::kInt64 && type != ArrayType::kUInt64 && type != ArrayType::kInt8 &&
         cube_type(type, note) == dtype;
}

bool fill_is_missing(const ArrayInfo& array, const ArrayCube::Band& band) {
  double fill = array.fill.value_or(0);
  if (band.type != array.type) fill = in_type(fill, band.type);
  return std::isnan(fill) || fill < band.low || fill > band.high ||
         std::ranges::find(band.missing, fill) != band.missing.end();
}

struct DescribedBand {
  BandInfo info;
  ArrayCube::Band band;
};

DescribedBand describe(const ArrayStore& store, const Variable& variable, bool unpack) {
  const ArrayInfo& array = store.arrays()[variable.array];
  if (!array.unreadable.empty()) {
    throw invalid("'" + array.name + "' " + array.unreadable + ", which cannot be read", "/file",
                  "band_selection takes other variables");
  }
  DescribedBand out;
  out.band = {.arrays = {variable.array},
              .type = stored_type(array),
              .t = variable.t,
              .y = variable.y,
              .x = variable.x,
              .fixed = std::vector<std::int64_t>(array.shape.size(), 0),
              .missing = {}};
  BandInfo& info = out.info;
  info.name = array.name;
  if (array.name.find('/') != std::string::npos) info.alias = base_name(array.name);
  info.dtype = cube_type(out.band.type, info.note);
  info.unit = text_attribute(array.attributes, "units");
  const double scale = number_attribute(array.attributes, "scale_factor").value_or(1);
  if (scale != 0 && std::isfinite(scale)) info.scale = scale;
  info.offset = number_attribute(array.attributes, "add_offset").value_or(0);
  const Packing packing{info.scale, info.offset};
  set_range(array, packing, out.band);
  out.band.missing = missing_values(array, out.band.type);
  if (is_float(info.dtype)) {
    info.nodata = kMissing;
  } else {
    std::erase_if(out.band.missing, [&](double value) { return !can_hold(info.dtype, value); });
    if (!out.band.missing.empty()) info.nodata = out.band.missing.front();
  }
  out.band.fill_is_missing = fill_is_missing(array, out.band);
  if (out.band.has_range()) set_gaps(out.band, info);
  if (unpack) out.band.packing = take_packing(info);
  if (out.band.has_range()) {
    info.note += (info.note.empty() ? "" : "; ") + range_note(out.band, packing);
  }
  const std::size_t plain_values = is_float(info.dtype) ? 0 : 1;
  out.band.plain = !out.band.packing.any() && stored_alike(out.band.type, info.dtype) &&
                   out.band.missing.size() <= plain_values && !out.band.has_range();
  return out;
}

// "temperature_850": a level is called by its coordinate, else by its index.
std::string level_name(const ArrayStore& store, const std::string& dimension, std::int64_t index) {
  const auto at = static_cast<std::size_t>(index);
  if (const auto coordinate = find_array(store, dimension)) {
    const std::vector<double> values = values_of(store, *coordinate);
    if (at < values.size()) return number_text(values[at]);
    const std::vector<std::string> texts = store.texts(*coordinate);
    if (at < texts.size() && !texts[at].empty()) return texts[at];
  }
  return std::to_string(index);
}

// The bands of a variable: one a level of each dimension that is none of time, rows and columns.
std::vector<DescribedBand> bands_of(const ArrayStore& store, const Variable& variable,
                                    bool unpack) {
  const ArrayInfo& array = store.arrays()[variable.array];
  std::vector<DescribedBand> bands = {describe(store, variable, unpack)};
  for (std::size_t d = 0; d < array.shape.size(); ++d) {
    if (d == variable.t || d == variable.y || d == variable.x || array.shape[d] == 1) continue;
    std::vector<DescribedBand> levels;
    for (const DescribedBand& band : bands) {
      for (std::int64_t i = 0; i < array.shape[d]; ++i) {
        if (levels.size() >= kMostBands) {
          throw invalid(
              "'" + array.name + "' has more than " + std::to_string(kMostBands) + " levels",
              "/file", "band_selection takes other variables");
        }
        levels.push_back(band);
        levels.back().band.fixed[d] = i;
        levels.back().info.name.append("_").append(level_name(store, array.dimensions[d], i));
      }
    }
    bands = std::move(levels);
  }
  return bands;
}

// The bands of all variables become slices of one.
DescribedBand as_series(std::vector<DescribedBand> bands, const std::string& name) {
  if (name.empty()) throw invalid("a band needs a name", "/series");
  DescribedBand out = bands.front();
  out.band.arrays.clear();
  for (const DescribedBand& one : bands) {
    const auto differ = [&](const std::string& what) {
      return invalid("'" + out.info.name + "' and '" + one.info.name + "' differ in " + what +
                         ", so that they are no series",
                     "/series", "band_selection takes those that are alike");
    };
    if (one.band.t) {
      throw invalid("'" + one.info.name + "' has times of its own", "/series",
                    "only variables without are made a series");
    }
    if (one.info.dtype != out.info.dtype || one.band.type != out.band.type) throw differ("type");
    if (one.band.missing != out.band.missing) throw differ("missing values");
    if (one.band.packing != out.band.packing || one.info.scale != out.info.scale ||
        one.info.offset != out.info.offset) {
      throw differ("scale or offset");
    }
    if (one.band.y != out.band.y || one.band.x != out.band.x || one.band.fixed != out.band.fixed) {
      throw differ("dimensions");
    }
    out.band.arrays.push_back(one.band.arrays.front());
  }
  out.info.name = name;
  return out;
}

// Times that the user states.
TimeAxis stated_times(const ArrayParams& params, std::int64_t slices) {
  std::vector<Instant> labels;
  for (std::size_t i = 0; i < params.datetime.size(); ++i) {
    const auto span = parse_time(params.datetime[i]);
    const std::string where = "/datetime" + pointer_step(i);
    if (!span) {
      throw invalid("'" + params.datetime[i] + "' is no time", where,
                    "such as 2023-06-15 or 2023-06-15T10:50:31");
    }
    if (!labels.empty() && span->start <= labels.back()) {
      throw invalid("'" + params.datetime[i] + "' is not after the time before it", where);
    }
    labels.push_back(span->start);
  }
  if (params.dt) {
    const auto step = Period::parse(*params.dt);
    if (!step) throw invalid("'" + *params.dt + "' is no period", "/dt", "such as P1D or P1M");
    if (labels.size() != 1) {
      throw invalid("dt counts from one datetime, " + std::to_string(labels.size()) + " are given",
                    "/dt");
    }
    return TimeAxis::regular(labels.front(), *step, slices);
  }
  if (static_cast<std::int64_t>(labels.size()) == slices) return TimeAxis::labelled(labels);
  throw invalid(std::to_string(labels.size()) + " times for " + std::to_string(slices) + " slices",
                "/datetime", "one a slice, or the first and dt");
}

// The axis that gdalcubes states in attributes of the file.
std::optional<TimeAxis> gdalcubes_times(const CfAttributes& file, std::int64_t slices) {
  if (text_attribute(file, "gdalcubes_datetime_type") != "regular") return std::nullopt;
  const auto start = parse_time(text_attribute(file, "gdalcubes_datetime_t0"));
  const auto step = Period::parse(text_attribute(file, "gdalcubes_datetime_dt"));
  if (!start || !step) return std::nullopt;
  return TimeAxis::regular(start->start, *step, slices);
}

CfTimes times_of(const ArrayStore& store, std::size_t coordinate) {
  const ArrayInfo& array = store.arrays()[coordinate];
  CfTimes times{.values = values_of(store, coordinate),
                .bounds = {},
                .units = text_attribute(array.attributes, "units"),
                .bounds_units = {},
                .calendar = text_attribute(array.attributes, "calendar"),
                .step = text_attribute(array.attributes, kTimeStep)};
  if (const auto bounds = find_array(store, text_attribute(array.attributes, "bounds"), array)) {
    times.bounds = values_of(store, *bounds);
    const std::string units = text_attribute(store.arrays()[*bounds].attributes, "units");
    if (is_time_unit(units)) times.bounds_units = units;
  }
  return times;
}

TimeAxis time_axis(const ArrayParams& params, const ArrayStore& store,
                   const std::vector<DescribedBand>& bands) {
  std::int64_t slices = static_cast<std::int64_t>(bands.front().band.arrays.size());
  std::string dimension;
  for (const DescribedBand& band : bands) {
    if (!band.band.t) continue;
    const ArrayInfo& array = store.arrays()[band.band.arrays.front()];
    slices = array.shape[*band.band.t];
    dimension = array.dimensions[*band.band.t];
  }
  if (!params.datetime.empty() || params.dt) return stated_times(params, slices);
  if (params.series) {
    throw invalid("the times of the series are not given", "/series",
                  "datetime, one a variable, or the first and dt");
  }
  if (!dimension.empty()) {
    if (const auto axis = gdalcubes_times(store.attributes(), slices)) return *axis;
  }
  // A slice that was taken of a file has its time in a coordinate without dimension.
  const auto coordinate = find_array(store, dimension.empty() ? "time" : dimension);
  const bool has_units =
      coordinate && is_time_unit(text_attribute(store.arrays()[*coordinate].attributes, "units"));
  if (coordinate && (has_units || !dimension.empty())) {
    const CfTimes times = times_of(store, *coordinate);
    if (static_cast<std::int64_t>(times.values.size()) == slices) return decode_times(times);
  }
  if (slices > 1) {
    throw invalid("'" + dimension + "' has no times", "/file", "\"datetime\" states them");
  }
  return TimeAxis::labelled({Instant{}});
}

// Chunks of the first band's array that begin at the cube's first cell.
std::optional<ChunkShape> blocks_of(const ArrayCube& cube) {
  const ArrayCube::Band& band = cube.bands.front();
  const ArrayInfo& array = cube.store->arrays()[band.arrays.front()];
  if (array.chunks.empty()) return std::nullopt;
  const ChunkShape blocks{band.t ? array.chunks[*band.t] : 1, array.chunks[band.y],
                          array.chunks[band.x]};
  if (cube.flip_y && array.shape[band.y] % blocks.y != 0) return std::nullopt;
  if (cube.flip_x && array.shape[band.x] % blocks.x != 0) return std::nullopt;
  return blocks;
}

// Throws Error where variables that lie on the same coordinates are in different CRSs.
void check_mappings(const ArrayStore& store, const std::vector<Variable>& variables,
                    const std::string& crs) {
  const ArrayInfo& first = store.arrays()[variables.front().array];
  const std::string known = text_attribute(first.attributes, "grid_mapping");
  for (const Variable& variable : variables) {
    const ArrayInfo& array = store.arrays()[variable.array];
    if (text_attribute(array.attributes, "grid_mapping") == known) continue;
    const CfGrid other =
        decode_grid(store, array, array.dimensions[variable.y], array.dimensions[variable.x]);
    if (same_crs(other.grid.crs, crs)) continue;
    throw invalid("'" + first.name + "' and '" + array.name + "' are in different CRSs: " +
                      crs_text(crs) + " and " + crs_text(other.grid.crs),
                  "/file", "band_selection takes those of one");
  }
}

ArrayCube make_cube(const ArrayParams& params, std::shared_ptr<const ArrayStore> store) {
  const std::vector<Variable> variables = selected_variables(params.band_selection, *store);
  check_dimensions(*store, variables);
  std::vector<DescribedBand> bands;
  for (const Variable& variable : variables) {
    for (DescribedBand& band : bands_of(*store, variable, params.auto_unpack)) {
      bands.push_back(std::move(band));
    }
  }
  if (params.series) bands = {as_series(std::move(bands), *params.series)};
  ArrayCube cube;
  const ArrayInfo& first = store->arrays()[variables.front().array];
  const CfGrid grid = decode_grid(*store, first, first.dimensions[variables.front().y],
                                  first.dimensions[variables.front().x]);
  check_mappings(*store, variables, grid.grid.crs);
  cube.info.grid = grid.grid;
  cube.flip_x = grid.flip_x;
  cube.flip_y = grid.flip_y;
  cube.info.time = time_axis(params, *store, bands);
  for (DescribedBand& band : bands) {
    cube.info.bands.push_back(std::move(band.info));
    cube.bands.push_back(std::move(band.band));
  }
  check_unique_bands(cube.info.bands, params.band_selection.empty() ? "/file" : "/band_selection");
  cube.store = std::move(store);
  cube.blocks = blocks_of(cube);
  return cube;
}

}  // namespace

const char* const kArrayHelp =
    "Bands are the variables that lie on rows and columns, in the order of the file; the "
    "dimensions are told by axis, standard_name and units of their coordinates, else by their "
    "names, and may stand in any order and direction. A variable with a further dimension "
    "becomes a band a level, called by its coordinate, number or text: temp_850, "
    "reflectance_B04. One without times has the same cells in all slices. Variables in groups "
    "are bands where the root has none, or where band_selection asks for them, as GROUP/NAME; "
    "formulas know them as NAME, too.\n\n"
    "Times: a regular axis where bounds follow on each other in equal steps, else a labelled one. "
    "Calendars are standard, proleptic_gregorian and noleap (whose dates all are dates); others, "
    "such as 360_day, are an error that \"datetime\" gets round. A file without times has one "
    "slice, of 1970-01-01 unless datetime says otherwise. Where a file has one variable a time, "
    "\"series\": \"rain\", \"datetime\": \"1979-01-01\", \"dt\": \"P1D\" makes them slices of the "
    "band rain, in the order of the file or of band_selection.\n\n"
    "The CRS is what the grid mapping states as a text (crs_wkt, spatial_ref) or by CF's "
    "parameters; longitudes and latitudes without one are EPSG:4326. Longitudes from 0 to 360 "
    "stay as they are. Missing are _FillValue, missing_value and, other than in xarray, cells "
    "beyond valid_range, valid_min and valid_max; a note of the band says so. _Unsigned is "
    "followed; int8 becomes int16, 64-bit integers float64. Coordinates must be evenly spaced: "
    "cells on curved grids are not read.";

void ArrayParams::fields(FieldVisitor& v) {
  v.field({.name = "file", .help = "The file or folder.", .required = true, .path = true}, file);
  v.field({.name = "band_selection",
           .help = "Variables to take, in this order; \"*\" and \"?\" stand for parts of names. "
                   "Default: all.",
           .one_or_many = true},
          band_selection);
  v.field({.name = "auto_unpack",
           .help = "Apply scale_factor and add_offset: bands become physical values, float32 or, "
                   "from 32-bit integers and float64, float64. False: they stay attributes.",
           .aliases = {"unpack"}},
          auto_unpack);
  v.field({.name = "series",
           .help = "Make the variables, which have no times, slices of one band of this name."},
          series);
  v.field({.name = "datetime",
           .help = "Times of the slices, instead of what the file says; with dt the first.",
           .one_or_many = true},
          datetime);
  v.field({.name = "dt", .help = "Step of the slices from datetime on, e.g. P1D."}, dt);
  v.field({.name = "chunk_size", .help = "Preferred chunk [t, y, x] in cells."}, chunk_size);
}

ArrayCube make_array_cube(const ArrayParams& params, OpenArrays open) {
  try {
    return make_cube(params, open(params.file));
  } catch (const Error& error) {
    const std::string& where = error.where();
    const bool in_file = where.starts_with(params.file);  // e.g. a chunk of it
    if (!where.empty() && where != "/file" && !in_file) throw;
    throw Error(error.code(), (in_file ? where : params.file) + ": " + error.message(), "/file",
                error.hint());
  }
}

}  // namespace cube
