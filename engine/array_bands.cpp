#include "engine/array_bands.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::size_t kMostBands = 10000;

DType cube_type(ArrayType type, std::string& note) {
  switch (type) {
    case ArrayType::kInt8:
      note = kSignedBytes;
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

// Classes by flag_values and flag_meanings (CF 1.8, 3.5); bits, as of flag_masks, are none.
BandClasses classes_of(const ArrayInfo& array, ArrayType type) {
  if (!numbers_attribute(array.attributes, "flag_masks").empty()) return {};
  Flags flags{numbers_attribute(array.attributes, "flag_values"),
              text_attribute(array.attributes, "flag_meanings"),
              text_attribute(array.attributes, "flag_colors")};
  for (double& value : flags.values) {
    if (type != array.type) value = in_type(value, type);
  }
  return classes_of(flags);
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
  info.classes = held_by(classes_of(array, out.band.type), info.dtype);
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

}  // namespace

std::vector<DescribedBand> bands_of(const ArrayStore& store, const Variable& variable,
                                    bool unpack) {
  const ArrayInfo& array = store.arrays()[variable.array];
  std::vector<DescribedBand> bands = {describe(store, variable, unpack)};
  for (std::size_t d = 0; d < array.shape.size(); ++d) {
    if (d == variable.t || d == variable.y || d == variable.x || array.shape[d] == 1) continue;
    if (array.shape[d] == 0) {
      throw invalid("'" + array.name + "' has no cells: '" + array.dimensions[d] + "' has length 0",
                    "/file", "band_selection takes other variables");
    }
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

}  // namespace cube
