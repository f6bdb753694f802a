#include "engine/gdal/zarr_series.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/error.h"
#include "engine/gdal/cf_time.h"
#include "engine/text.h"

namespace cube {

namespace {

// Refuses to append to one group.
class Refusal {
 public:
  explicit Refusal(const std::string& root) : root_(root) {}

  [[noreturn]] void operator()(const std::string& what, const std::string& hint = {}) const {
    throw Error(ErrorCode::kInvalid, "cannot be appended to: " + what, root_, hint);
  }

 private:
  const std::string& root_;
};

ZarrLayout layout_of(const ZarrMetadata& metadata, const std::string& name, const Refusal& refuse) {
  const Json description = metadata.description(name);
  if (!description.IsValid()) refuse("there is no array '" + name + "'");
  const CellType stored = numpy_type(json_member(description, "dtype").ToString());
  const auto encoder = ZarrEncoder::of(description);
  ZarrCodec codec = zarr_codec(description, stored);
  const bool plain = stored.type != ArrayType::kOther && !stored.half && !stored.swapped;
  if (!encoder || !plain || !codec.unreadable.empty() ||
      json_member(description, "order").ToString() == "F") {
    refuse("array '" + name + "' is stored in a way that is read only",
           "blosc, zstd, zlib, gzip, lz4 or no compressor, no filters, cells in C order");
  }
  const Json separator = json_member(description, "dimension_separator");
  return {.name = name,
          .shape = json_integers(json_member(description, "shape")),
          .chunks = json_integers(json_member(description, "chunks")),
          .separator = separator.IsValid() ? separator.ToString() : ".",
          .cell = stored.bytes(),
          .has_fill = json_number(json_member(description, "fill_value")).has_value(),
          .encoder = *encoder,
          .codec = std::move(codec.codec)};
}

// The names of stored bands and those of the result are the same.
void check_names(const std::vector<BandInfo>& stored, const std::vector<BandInfo>& result,
                 const Refusal& refuse) {
  const auto lacks = [](const std::vector<BandInfo>& bands, const BandInfo& band) {
    return std::ranges::find(bands, band.name, &BandInfo::name) == bands.end();
  };
  for (const BandInfo& band : stored) {
    if (lacks(result, band)) refuse("it has the band '" + band.name + "', the result has not");
  }
  for (const BandInfo& band : result) {
    if (lacks(stored, band)) refuse("the result has the band '" + band.name + "', it has not");
  }
}

std::string missing_text(const std::optional<double>& nodata) {
  return nodata ? number_text(*nodata) : "no value";
}

// What cells mean is the same in the store and the result.
void check_band(const BandInfo& band, const ZarrMetadata& metadata, const Refusal& refuse) {
  const Json description = metadata.description(band.name);
  const auto differ = [&](const std::string& what, const std::string& stored,
                          const std::string& result) {
    refuse("band '" + band.name + "' differs in " + what + ": " + stored + " there, " + result +
           " in the result");
  };
  const std::string dtype = json_member(description, "dtype").ToString();
  if (dtype != numpy_name(band.dtype)) {
    const auto names = dtype_names();
    const auto known = std::ranges::find_if(
        names, [&](std::string_view one) { return numpy_name(*parse_dtype(one)) == dtype; });
    differ("type", known == names.end() ? dtype : std::string(*known),
           std::string(name(band.dtype)));
  }
  const auto fill = json_number(json_member(description, "fill_value"));
  const bool alike = is_float(band.dtype) ? !fill || std::isnan(*fill) : fill == band.nodata;
  if (!alike) differ("what missing cells have", missing_text(fill), missing_text(band.nodata));
  const CfAttributes attributes = json_attributes(metadata.attributes(band.name));
  const double scale = number_attribute(attributes, "scale_factor").value_or(1);
  const double offset = number_attribute(attributes, "add_offset").value_or(0);
  if (scale != band.scale) differ("scale", number_text(scale), number_text(band.scale));
  if (offset != band.offset) differ("offset", number_text(offset), number_text(band.offset));
  const std::string unit = text_attribute(attributes, "units");
  if (!unit.empty() && !band.unit.empty() && unit != band.unit) differ("unit", unit, band.unit);
}

void check_times(const TimeAxis& stored, const TimeAxis& result, const Refusal& refuse) {
  const std::int64_t last = stored.size() - 1;
  if (result.start(0) > stored.start(last)) return;
  const auto there = stored.index(result.start(0));
  const bool same = there && stored.start(*there) == result.start(0);
  refuse("the result's slice " + result.label(0) +
             (same ? " is in it already" : " is not later than " + stored.label(last)) +
             (same && *there < last ? ", which goes on to " + stored.label(last) : ""),
         "select_time, crop or t0 of the view leave out what it has");
}

// Band arrays lie on time, y and x in this order, and nothing else lies on time.
void check_dimensions(const ZarrSeries& series, const ArrayCube& cube, const Refusal& refuse) {
  std::set<std::string> known = {series.times.name};
  if (series.bounds) known.insert(series.bounds->name);
  for (std::size_t b = 0; b < cube.bands.size(); ++b) {
    const ArrayCube::Band& band = cube.bands[b];
    const std::string& name = cube.info.bands[b].name;
    const bool in_order = band.t && *band.t == 0 && band.y == 1 && band.x == 2 &&
                          cube.store->arrays()[band.arrays.front()].shape.size() == 3;
    if (!in_order) refuse("band '" + name + "' does not lie on time, y and x in this order");
    known.insert(name);
  }
  if (cube.flip_y) refuse("its rows run from south to north");
  if (cube.flip_x) refuse("its columns run from east to west");
  for (const std::string& array : series.metadata.arrays()) {
    const auto dimensions = series.metadata.dimensions(array);
    if (!known.contains(array) && std::ranges::count(dimensions, series.times.name) > 0) {
      refuse("array '" + array + "' lies along its time too, and the result has nothing for it");
    }
  }
}

ArrayCube open_cube(const std::string& root) {
  try {
    return make_array_cube({.file = root, .auto_unpack = false}, {"zarr", &open_zarr});
  } catch (const Error& error) {
    throw Error(error.code(), "cannot be appended to: " + error.message(), root, error.hint());
  }
}

// What the store says of its times. REQUIRES: the bands lie on time first.
void describe_times(ZarrSeries& series, const std::string& time, const Refusal& refuse) {
  series.times = layout_of(series.metadata, time, refuse);
  const CfAttributes attributes = json_attributes(series.metadata.attributes(time));
  series.time_units = text_attribute(attributes, "units");
  series.bounds_units = series.time_units;
  series.calendar = text_attribute(attributes, "calendar");
  const std::string bounds = text_attribute(attributes, "bounds");
  if (!series.info.time.is_regular() || bounds.empty()) return;
  series.bounds = layout_of(series.metadata, bounds, refuse);
  const CfAttributes own = json_attributes(series.metadata.attributes(bounds));
  if (is_time_unit(text_attribute(own, "units")))
    series.bounds_units = text_attribute(own, "units");
}

// The numbers that stand for the slices' starts come back as those.
void check_starts(const ZarrSeries& series, const ArrayStore& store, const Refusal& refuse) {
  const auto array = find_array(store, series.times.name);
  const std::vector<double> values = values_of(store, *array);
  const auto starts = decode_instants(values, series.time_units, series.calendar);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (starts[i] != series.info.time.start(static_cast<std::int64_t>(i))) {
      refuse("its times are not those at which its slices start");
    }
  }
}

// The new times in the numbers of the store.
void check_numbers(const ZarrSeries& series, const TimeAxis& result, const Refusal& refuse) {
  const Json description = series.metadata.description(series.times.name);
  const bool whole =
      numpy_type(json_member(description, "dtype").ToString()).type < ArrayType::kFloat32;
  for (std::int64_t i = 0; i < result.size(); ++i) {
    if (number_of(result.start(i), series.time_units, series.calendar, whole)) continue;
    refuse("the time " + to_text(result.start(i)) + " is no whole number of '" + series.time_units +
               "', in which it counts",
           "shift_time moves labels");
  }
}

}  // namespace

std::string ZarrLayout::chunk_name(std::span<const std::int64_t> chunk) const {
  std::string out = name + "/";
  for (std::size_t d = 0; d < chunk.size(); ++d) {
    if (d > 0) out += separator;
    out += std::to_string(chunk[d]);
  }
  return out;
}

std::size_t ZarrLayout::chunk_bytes() const {
  std::size_t bytes = cell;
  for (const std::int64_t side : chunks) bytes *= static_cast<std::size_t>(side);
  return bytes;
}

ZarrSeries open_series(const std::string& root, const CubeInfo& result) {
  const Refusal refuse(root);
  const ArrayCube cube = open_cube(root);
  ZarrSeries series{.metadata = ZarrMetadata(root), .info = cube.info};
  const std::string difference = grid_difference(cube.info.grid, result.grid);
  if (!difference.empty()) refuse("it and the result differ in " + difference);
  check_names(cube.info.bands, result.bands, refuse);
  for (const BandInfo& band : result.bands) {
    check_band(band, series.metadata, refuse);
    series.bands.push_back(layout_of(series.metadata, band.name, refuse));
  }
  const auto dimensions = series.metadata.dimensions(result.bands.front().name);
  if (dimensions.size() != 3) refuse("its bands do not lie on time, y and x");
  describe_times(series, dimensions.front(), refuse);
  check_dimensions(series, cube, refuse);
  check_times(cube.info.time, result.time, refuse);
  check_starts(series, *cube.store, refuse);
  check_numbers(series, result.time, refuse);
  return series;
}

TimeAxis joined(const TimeAxis& stored, const TimeAxis& more) {
  const std::int64_t first = stored.size();
  const std::int64_t all = first + more.size();
  if (stored.is_regular() && (!more.is_regular() || more.step() == stored.step())) {
    TimeAxis longer = stored.window({0, all});
    bool goes_on = true;
    for (std::int64_t i = 0; i < more.size(); ++i) {
      goes_on = goes_on && longer.start(first + i) == more.start(i);
    }
    if (goes_on) return longer;
  }
  std::vector<Instant> labels;
  for (std::int64_t i = 0; i < first; ++i) labels.push_back(stored.start(i));
  for (std::int64_t i = 0; i < more.size(); ++i) labels.push_back(more.start(i));
  return TimeAxis::labelled(std::move(labels));
}

std::optional<double> number_of(Instant instant, const std::string& units,
                                const std::string& calendar, bool whole) {
  // Units may be smaller than a second.
  for (const double count : {1.0, 1e3, 1e6, 1e9}) {
    const auto ends = decode_instants({0, count}, units, calendar);
    const double seconds = epoch_seconds(ends[1]) - epoch_seconds(ends[0]);
    if (seconds == 0) continue;
    double number = (epoch_seconds(instant) - epoch_seconds(ends[0])) / seconds * count;
    if (whole) number = std::nearbyint(number);
    if (decode_instants({number}, units, calendar).front() == instant) return number;
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace cube
