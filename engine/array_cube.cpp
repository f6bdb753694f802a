#include "engine/array_cube.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/array_bands.h"
#include "engine/array_variables.h"
#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/cf_axes.h"
#include "engine/gdal/cf_time.h"
#include "engine/gdal/crs.h"
#include "engine/text.h"

namespace cube {

namespace {

std::string crs_or_none(const std::string& crs) { return crs.empty() ? "none" : crs; }

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
  throw invalid(counted(labels.size(), "time") + " for " + counted(slices, "slice"), "/datetime",
                "one a slice, or the first and dt");
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
    const std::vector<std::string> texts = store.texts(*coordinate);
    if (static_cast<std::int64_t>(texts.size()) == slices) return axis_of_texts(texts);
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
                      crs_or_none(crs) + " and " + crs_or_none(other.grid.crs),
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
    "Dates may also be texts, or numbers in \"day as %Y%m%d.%f\". "
    "Calendars are those of CF: dates of noleap all exist; where one of 360_day or all_leap does "
    "not, such as 30 February, that is an error, which \"datetime\" gets round; dates of julian "
    "become those of our calendar. A file without times has one "
    "slice, of 1970-01-01 unless datetime says otherwise. Where a file has one variable a time, "
    "\"series\": \"rain\", \"datetime\": \"1979-01-01\", \"dt\": \"P1D\" makes them slices of the "
    "band rain, in the order of the file or of band_selection.\n\n"
    "The CRS is what the grid mapping states as a text (crs_wkt, spatial_ref) or by CF's "
    "parameters, a rotated pole too; longitudes and latitudes without one are EPSG:4326. "
    "Longitudes from 0 to 360 stay as they are; those that jump from 180 to -180 or from 360 to 0 "
    "go on beyond. Missing are _FillValue, missing_value and, other "
    "than in xarray, cells "
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
  chunk_size_field(v, chunk_size);
}

ArrayCube make_array_cube(const ArrayParams& params, const ArrayFormat& format) {
  try {
    return make_cube(params, format.open(params.file));
  } catch (const Error& error) {
    const std::string& where = error.where();
    const bool in_file = where.starts_with(params.file);  // e.g. a chunk of it
    if (!where.empty() && where != "/file" && !in_file) throw;
    throw Error(error.code(), (in_file ? where : params.file) + ": " + error.message(), "/file",
                error.code() == ErrorCode::kUnreadable
                    ? hint_for(params.file, format.cube_type, error.hint())
                    : error.hint());
  }
}

}  // namespace cube
