// View: how a user states the grid, time axis, aggregation and resampling of a cube.
// Thread rule: values.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "engine/cube_info.h"
#include "engine/params.h"

namespace cube {

// "bilinear", or {"SCL": "near", "*": "bilinear"}: a method a band, "*" for the rest.
struct ResamplingChoice {
  std::map<std::string, std::string> methods = {{"*", "near"}};

  std::map<std::string, std::string>& entries() { return methods; }
  std::optional<std::string> short_form() const;
  void set_short_form(std::string method);

  // The method of one band.
  const std::string& of(const std::string& band) const;
};

struct SpaceView {
  std::optional<double> left, right, top, bottom;  // CRS units
  std::optional<std::int64_t> nx, ny;              // cells
  std::optional<double> dx, dy;                    // cell size, CRS units
  std::optional<std::string> srs;                  // "EPSG:3857", WKT, PROJ
  bool snap = false;                               // edges on multiples of dx, dy
  std::optional<std::string> like;                 // take the grid of this raster
  std::optional<std::string> tile;                 // "x,y,z" of the Web Mercator tile pyramid

  void fields(FieldVisitor& v);
};

// The grid alone, of operators that have a time axis already.
struct SpaceOnly {
  SpaceView space;

  void fields(FieldVisitor& v);
};

struct TimeView {
  std::string t0;
  std::string t1;                  // inclusive: "2018" reaches to the end of 2018
  std::optional<std::string> dt;   // ISO 8601 period
  std::optional<std::int64_t> nt;  // number of slices

  void fields(FieldVisitor& v);
};

struct View {
  SpaceView space;
  TimeView time;
  std::string aggregation = "none";  // how images of one slice are combined
  ResamplingChoice resampling;

  void fields(FieldVisitor& v);
};

// The grid a view asks for. Where dx does not divide the extent it grows equally on both sides, or
// with `snap` outwards to multiples of dx. Throws Error with `where` (+ "/left", ...).
Grid make_grid(const SpaceView& space, const std::string& where);

// The slices a view asks for: the first begins at t0 rounded down to dt's unit, the last is the one
// that holds the end of the span t1 names. Throws Error with `where`.
//
// With nt and no dt, the step is the fewest whole months (where the span is made of whole months
// that nt divides), else days, else hours, minutes or seconds, with which nt slices cover the span.
TimeAxis make_time_axis(const TimeView& time, const std::string& where);

// Both, with `where` = the pointer of the view; throws Error where the cube has more cells than can
// be counted.
CubeInfo make_axes(const View& view, const std::string& where);

using ChunkSides = std::array<std::int64_t, 3>;  // [t, y, x]

// A source's `chunk_size`: sides, or "auto".
struct ChunkSize {
  ChunkSides sides{};
  bool fits_files = false;  // "auto"

  ChunkSides& items() { return sides; }
  std::optional<std::string> short_form() const;
  void set_short_form(const std::string&) { fits_files = true; }
};

// Declares `chunk_size` of a source that reads files.
void chunk_size_field(FieldVisitor& v, std::optional<ChunkSize>& size);

// What they stand for; throws Error with `where` + "/0", ... unless all sides are positive.
std::optional<ChunkShape> make_chunk_shape(const std::optional<ChunkSides>& sides,
                                           const std::string& where);
std::optional<ChunkWish> make_chunk_wish(const std::optional<ChunkSize>& size,
                                         const std::string& where);

}  // namespace cube
