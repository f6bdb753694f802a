#include "engine/view.h"

#include <cmath>

#include "engine/calendar.h"
#include "engine/error.h"
#include "engine/limits.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr auto kMostSlices = static_cast<double>(limits::kSlices);
constexpr auto kMostCells = static_cast<double>(limits::kCells);

[[noreturn]] void reject(const std::string& where, const std::string& message,
                         const std::string& hint = {}) {
  throw Error(ErrorCode::kInvalid, message, where, hint);
}

TimeSpan parse_end(const std::string& text, const std::string& where) {
  const auto span = parse_time(text);
  if (!span) {
    reject(where, "'" + text + "' is no date or time",
           "ISO 8601, such as 2018, 2018-03, 2018-03-05 or 2018-03-05T10:20:30Z");
  }
  return *span;
}

// The smallest unit a period is written in: P12M starts at any month, P1Y in January.
Precision written_unit(const std::string& text) {
  const bool clock = text.find('T') != std::string::npos;
  switch (text.back()) {
    case 'Y':
      return Precision::kYear;
    case 'M':
      return clock ? Precision::kMinute : Precision::kMonth;
    case 'H':
      return Precision::kHour;
    case 'S':
      return Precision::kSecond;
    default:
      return Precision::kDay;
  }
}

// The fewest slices from `start` that reach `end`.
std::int64_t slices_to(Instant start, Instant end, const Period& step, const std::string& where) {
  static constexpr double kDay = kSecondsADay;
  static constexpr double kShortestMonth = 28 * kDay;
  const double shortest = static_cast<double>(step.months) * kShortestMonth +
                          static_cast<double>(step.days) * kDay + static_cast<double>(step.seconds);
  const double most = std::ceil(epoch_seconds(end) - epoch_seconds(start)) / shortest + 1;
  if (most > kMostSlices) {
    reject(where, "the time span has more than 10 million steps of " + step.text());
  }
  std::int64_t low = 1;
  auto high = static_cast<std::int64_t>(most) + 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (advance(start, step, middle) >= end) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The step with which `n` slices cover the span.
Period step_for(const TimeSpan& t0, const TimeSpan& t1, std::int64_t n) {
  const Precision finest = std::max(t0.precision, t1.precision);
  if (finest <= Precision::kMonth) {
    const std::int64_t months = slices_to(t0.start, t1.end, {.months = 1}, "");
    if (months % n == 0) return {.months = months / n};
  }
  const std::int64_t length = (t1.end - t0.start).count();
  if (finest <= Precision::kDay) return {.days = ceil_div(length, kSecondsADay * n)};
  const std::int64_t unit = finest == Precision::kHour     ? kSecondsAnHour
                            : finest == Precision::kMinute ? kSecondsAMinute
                                                           : 1;
  return {.seconds = ceil_div(length, unit * n) * unit};
}

}  // namespace

std::optional<std::string> ResamplingChoice::short_form() const {
  if (methods.size() != 1 || !methods.contains("*")) return std::nullopt;
  return methods.at("*");
}

void ResamplingChoice::set_short_form(std::string method) { methods = {{"*", std::move(method)}}; }

const std::string& ResamplingChoice::of(const std::string& band) const {
  static const std::string kDefault = "near";
  for (const std::string& key : {band, std::string("*")}) {
    const auto entry = methods.find(key);
    if (entry != methods.end()) return entry->second;
  }
  return kDefault;
}

void SpaceOnly::fields(FieldVisitor& v) {
  v.field({.name = "space", .help = "The grid: extent, cell size and CRS.", .required = true},
          space);
}

void SpaceView::fields(FieldVisitor& v) {
  v.field({.name = "left", .help = "Left edge, in the units of srs."}, left);
  v.field({.name = "right", .help = "Right edge, in the units of srs."}, right);
  v.field({.name = "top", .help = "Upper edge, in the units of srs."}, top);
  v.field({.name = "bottom", .help = "Lower edge, in the units of srs."}, bottom);
  v.field({.name = "nx",
           .help = "Number of columns, instead of dx and dy; nx or ny alone means cells that "
                   "are about square."},
          nx);
  v.field({.name = "ny", .help = "Number of rows."}, ny);
  v.field({.name = "dx",
           .help = "Cell width, in the units of srs. Where it does not divide the extent, the "
                   "extent grows equally on both sides."},
          dx);
  v.field({.name = "dy",
           .help = "Cell height, in the units of srs; dx or dy alone means square cells."},
          dy);
  v.field({.name = "srs",
           .help = "Coordinate reference system: EPSG:3857, WKT or a PROJ string.",
           .aliases = {"proj"}},
          srs);
  v.field({.name = "snap",
           .help = "Move the edges outwards to multiples of dx and dy instead of growing "
                   "equally on both sides."},
          snap);
  v.field({.name = "like",
           .help = "Take the grid of this raster file; nothing else is given then.",
           .path = true},
          like);
  v.field({.name = "tile",
           .help = "x,y,z: a tile of the Web Mercator pyramid (y from the north), of 256 x 256 "
                   "cells unless nx and ny are given."},
          tile);
}

void TimeView::fields(FieldVisitor& v) {
  v.field({.name = "t0",
           .help = "First instant, ISO 8601, UTC unless it has an offset. The first slice begins "
                   "here, rounded down to dt's unit.",
           .required = true},
          t0);
  v.field({.name = "t1",
           .help = "Last instant, inclusive: 2018 reaches to the end of 2018, 2018-12-31 to the "
                   "end of that day.",
           .required = true},
          t1);
  v.field({.name = "dt",
           .help = "Length of a slice, ISO 8601: P1D, P16D, P1W, P1M, P3M, P1Y, PT1H, P1Y6M."},
          dt);
  v.field({.name = "nt",
           .help = "Number of slices, instead of dt: the step is rounded up to whole months, "
                   "days, hours, minutes or seconds."},
          nt);
}

void View::fields(FieldVisitor& v) {
  v.field({.name = "space", .help = "The grid: extent, cell size and CRS.", .required = true},
          space);
  v.field({.name = "time", .help = "The time axis: span and length of a slice.", .required = true},
          time);
  v.field({.name = "aggregation",
           .help = "How the images of one slice are combined, in acquisition order; none = last.",
           .choices = {"none", "first", "last", "min", "max", "mean", "median", "count_images",
                       "count_values"}},
          aggregation);
  v.field({.name = "resampling",
           .help = "How images are resampled: near, bilinear, cubic, cubicspline, lanczos, or, of "
                   "all cells of the image under a cell: average, rms, sum, mode, min, max, med, "
                   "q1, q3; or an object of band and method with * for the rest."},
          resampling);
}

TimeAxis make_time_axis(const TimeView& time, const std::string& where) {
  const TimeSpan t0 = parse_end(time.t0, where + "/t0");
  const TimeSpan t1 = parse_end(time.t1, where + "/t1");
  if (t1.end <= t0.start) {
    reject(where + "/t1", "t1 (" + time.t1 + ") lies before t0 (" + time.t0 + ")");
  }
  if (time.nt && (*time.nt <= 0 || static_cast<double>(*time.nt) > kMostSlices)) {
    reject(where + "/nt", "the number of slices is " + std::to_string(*time.nt),
           "from 1 to 10 million");
  }
  if (!time.dt) {
    if (!time.nt) {
      reject(where + "/dt", "neither dt nor nt is given", "a period such as P1D, P16D or P1M");
    }
    return TimeAxis::regular(t0.start, step_for(t0, t1, *time.nt), *time.nt);
  }
  const auto step = Period::parse(*time.dt);
  if (!step) {
    reject(where + "/dt", "'" + *time.dt + "' is no period",
           "ISO 8601 in whole units, such as P1D, P16D, P1W, P1M, P3M, P1Y or PT1H");
  }
  const Instant start = truncate(t0.start, written_unit(*time.dt));
  const std::int64_t n = slices_to(start, t1.end, *step, where + "/dt");
  if (time.nt && *time.nt != n) {
    reject(where + "/nt",
           "nt is " + std::to_string(*time.nt) + ", but steps of " + *time.dt + " from t0 to t1 " +
               "make " + std::to_string(n),
           "give dt or nt");
  }
  return TimeAxis::regular(start, *step, n);
}

CubeInfo make_axes(const View& view, const std::string& where) {
  CubeInfo info{
      make_grid(view.space, where + "/space"), make_time_axis(view.time, where + "/time"), {}};
  const double cells = static_cast<double>(info.grid.width) *
                       static_cast<double>(info.grid.height) *
                       static_cast<double>(info.time.size());
  if (cells > kMostCells) reject(where, "a cube of " + number_text(cells) + " cells is too large");
  return info;
}

std::optional<std::string> ChunkSize::short_form() const {
  return fits_files ? std::optional<std::string>("auto") : std::nullopt;
}

void chunk_size_field(FieldVisitor& v, std::optional<ChunkSize>& size) {
  v.field(
      {.name = "chunk_size",
       .help = "Preferred chunk [t, y, x] in cells, or \"auto\": whole blocks of the files that "
               "are read, as cube info recommends; of images the commonest blocks of a few that "
               "lie on the view's cells. Results do not depend on it.",
       .choices = {"auto"}},
      size);
}

std::optional<ChunkShape> make_chunk_shape(const std::optional<ChunkSides>& sides,
                                           const std::string& where) {
  if (!sides) return std::nullopt;
  for (std::size_t i = 0; i < sides->size(); ++i) {
    if ((*sides)[i] > 0) continue;
    reject(where + pointer_step(i), "a chunk of " + counted((*sides)[i], "cell"), "1 or more");
  }
  return ChunkShape{.t = (*sides)[0], .y = (*sides)[1], .x = (*sides)[2]};
}

std::optional<ChunkWish> make_chunk_wish(const std::optional<ChunkSize>& size,
                                         const std::string& where) {
  if (!size) return std::nullopt;
  if (size->fits_files) return FittingChunk{};
  return make_chunk_shape(size->sides, where);
}

}  // namespace cube
