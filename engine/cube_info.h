// CubeInfo: what a cube is, without its cells.
// Thread rule: values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/band_classes.h"
#include "engine/dtype.h"
#include "engine/grid.h"
#include "engine/region.h"
#include "engine/time_axis.h"

namespace cube {

struct BandInfo {
  std::string name;
  DType dtype = DType::kFloat64;
  // The stored value that means missing. Floating-point bands always use NaN; an integer band
  // without one has no missing cells.
  std::optional<double> nodata = {};
  std::string unit = {};  // UCUM or as the source says; "" = unknown
  double scale = 1;       // physical value = stored * scale + offset; never applied silently
  double offset = 0;
  std::string note = {};     // what the engine did that a user should know, "widened from uint8"
  std::string alias = {};    // another name it answers to, "im1b1" of a raster file; "" = none
  BandClasses classes = {};  // what the stored values stand for; kept by what keeps the values

  Storage storage() const { return {dtype, nodata}; }
};

struct CubeInfo {
  Grid grid;
  TimeAxis time;
  std::vector<BandInfo> bands;

  // All cells: t, y, x from 0.
  Region extent() const;
  std::vector<std::string> band_names() const;
  std::vector<std::string> band_aliases() const;  // "" where a band has none

  // Index of a band: exact name first, then ignoring case when that is unambiguous, then by alias
  // when one band alone has it.
  // Throws Error(kNotFound) naming the nearest band, with `where`.
  std::size_t band(std::string_view name, std::string_view where) const;
};

// The band with a storage that has a missing value (see with_missing()); `reason` goes into the
// note when it had to be widened for that.
BandInfo with_gaps(BandInfo band, std::string_view reason);

// The note of a band whose file has bytes with signs, of which cubes have none, and what a source
// says of all such bands; "" where there is none.
inline constexpr const char* kSignedBytes = "int8 as int16";
std::string note_of_signed_bytes(std::span<const BandInfo> bands);

// Makes it a band of numbers that are computed of its cells: of a floating-point type that is wide
// enough, with NaN for missing, and no classes.
void set_computed(BandInfo& band);

// Throws Error(kInvalid) with `where` when a cell of the band cannot have this value.
void check_holds(const BandInfo& band, double value, std::string_view where);

// Throws Error(kInvalid) when a name stands twice, with `where`.
void check_unique_bands(std::span<const BandInfo> bands, std::string_view where);

// Index of the one alias that is `name`; nullopt when none or several are.
std::optional<std::size_t> find_alias(std::span<const std::string> aliases, std::string_view name);

// The first difference in CRS, size or place of two grids, "their CRS: EPSG:4326 and EPSG:3857";
// "" when they lie on each other.
std::string grid_difference(const Grid& a, const Grid& b);

// Throws Error(kInvalid) naming the first difference in CRS, grid or time axis of two cubes that
// must lie on each other.
void check_same_axes(const CubeInfo& a, const CubeInfo& b, std::string_view where);

}  // namespace cube
