#include <cmath>

#include "engine/beside.h"
#include "engine/error.h"
#include "engine/find_slice.h"
#include "engine/longitudes.h"
#include "engine/registry.h"
#include "engine/text.h"
#include "engine/translation.h"

namespace cube {

namespace {

// Edges within this many cells of a cell's edge lie on it.
constexpr double kOnEdge = 1e-6;

class Crop final : public Operator {
 public:
  struct Extent {
    std::optional<double> left, right, top, bottom;  // CRS units
    std::optional<std::string> t0, t1;

    void fields(FieldVisitor& v) {
      v.field({.name = "left", .help = "Left edge in units of the CRS; default: the cube's."},
              left);
      v.field({.name = "right", .help = "Right edge."}, right);
      v.field({.name = "top", .help = "Top edge."}, top);
      v.field({.name = "bottom", .help = "Bottom edge."}, bottom);
      v.field({.name = "t0", .help = "Start, e.g. \"2018-03\"."}, t0);
      v.field({.name = "t1", .help = "End, inclusive: \"2018\" reaches to the end of 2018."}, t1);
    }
  };

  struct Params {
    std::optional<std::int64_t> ix_min, ix_max, iy_min, iy_max, it_min, it_max;
    std::optional<Extent> extent;
    std::string snap = "near";

    void fields(FieldVisitor& v) {
      v.field({.name = "ix_min", .help = "First column, from 0; default: the cube's."}, ix_min);
      v.field({.name = "ix_max", .help = "Last column, inclusive."}, ix_max);
      v.field({.name = "iy_min", .help = "First row, from 0 at the top."}, iy_min);
      v.field({.name = "iy_max", .help = "Last row, inclusive."}, iy_max);
      v.field({.name = "it_min", .help = "First slice, from 0."}, it_min);
      v.field({.name = "it_max", .help = "Last slice, inclusive."}, it_max);
      v.field({.name = "extent", .help = "What to crop to in coordinates and times, instead."},
              extent);
      v.field({.name = "snap",
               .help = "Where an edge of the extent is inside a cell: go to the nearest edge, "
                       "leave the cell out, or take it in.",
               .choices = {"near", "in", "out"}},
              snap);
    }

    bool has_indices() const { return ix_min || ix_max || iy_min || iy_max || it_min || it_max; }
  };

  Crop(const Params& params, std::span<const CubeInfo> in) : Crop(in[0], window_of(params, in[0])) {
    const char* where = params.extent ? "/extent" : "";
    const Region all = in[0].extent();
    const Region window = cells_.source({info().extent(), {}}).region;
    if (info().extent() == all && window == all) {
      note(where, "is the whole cube: nothing is cut off");
    } else if (window.empty()) {
      note(where, "lies outside of the cube, so all cells are missing: " + lies(in[0]));
    }
    if (params.extent) note_longitudes(*params.extent);
  }

  Request demand(const Request& out, std::size_t) const override { return cells_.source(out); }

  std::unique_ptr<Kernel> kernel() const override { return cells_.kernel(); }

 private:
  Crop(const CubeInfo& in, const Region& window)
      : Operator(cropped(in, window)),
        cells_(in, info().bands, {window.t.begin, window.y.begin, window.x.begin}) {}

  // Where the result counts longitudes otherwise than the extent does.
  void note_longitudes(const Extent& extent) {
    constexpr double kHalfTurn = 180;
    const Grid& grid = info().grid;
    const auto turned = [&](const std::optional<double>& asked, double is) {
      return asked && std::abs(*asked - is) > kHalfTurn;
    };
    if (columns_of_turn(grid) == 0) return;
    if (!turned(extent.left, grid.left) && !turned(extent.right, grid.right())) return;
    note("/extent", "these longitudes are " + number_text(grid.left) + " to " +
                        number_text(grid.right()) + " in the cube, and in the result");
  }

  // Where the box lies and where the cube.
  std::string lies(const CubeInfo& in) const {
    const Grid& grid = info().grid;
    const Box cells{in.grid.column(grid.left), in.grid.row(grid.top), in.grid.column(grid.right()),
                    in.grid.row(grid.bottom())};
    return lies_beside(cells, in.grid) ? places_text("it", grid.extent(), "", in.grid)
                                       : times_text("it", info().time, in.time);
  }

  static CubeInfo cropped(const CubeInfo& in, const Region& window) {
    CubeInfo out{in.grid.window(window.y, window.x), in.time.window(window.t), in.bands};
    if (in.extent().contains(window)) return out;
    for (BandInfo& band : out.bands) {
      band = with_gaps(std::move(band), "cells beyond the cube are missing");
    }
    return out;
  }

  // Indices of the input's cells, which may lie outside of it.
  static Region window_of(const Params& params, const CubeInfo& in) {
    if (params.extent && params.has_indices()) {
      throw Error(ErrorCode::kInvalid, "an extent and indices cannot both be given", "/extent");
    }
    if (!params.extent && !params.has_indices()) {
      throw Error(ErrorCode::kInvalid, "what to crop to is not given", "",
                  "extent, or some of ix_min, ix_max, iy_min, iy_max, it_min, it_max");
    }
    const Region window = params.extent ? of_extent(*params.extent, params.snap, in)
                                        : of_indices(params, in.extent());
    if (!in.time.is_regular() && !in.extent().t.contains(window.t)) {
      throw Error(ErrorCode::kInvalid, "a labelled time axis has no slices beyond its ends",
                  window.t.begin < 0 ? "/it_min" : "/it_max",
                  "slices 0 to " + std::to_string(in.time.size() - 1));
    }
    return window;
  }

  static Region of_indices(const Params& params, const Region& all) {
    return {range("it", params.it_min, params.it_max, all.t),
            range("iy", params.iy_min, params.iy_max, all.y),
            range("ix", params.ix_min, params.ix_max, all.x)};
  }

  static Range range(const std::string& axis, std::optional<std::int64_t> first,
                     std::optional<std::int64_t> last, const Range& all) {
    const Range out{first.value_or(all.begin), last.value_or(all.end - 1) + 1};
    if (!out.empty()) return out;
    throw Error(ErrorCode::kInvalid,
                "nothing lies between " + axis + "_min " + std::to_string(out.begin) + " and " +
                    axis + "_max " + std::to_string(out.end - 1),
                "/" + axis + (last ? "_max" : "_min"));
  }

  static Region of_extent(const Extent& extent, const std::string& snap, const CubeInfo& in) {
    const Grid& grid = in.grid;
    const auto order = [](const std::optional<double>& low, const std::optional<double>& high,
                          const char* text, const char* where) {
      if (!low || !high || *low < *high) return;
      throw Error(ErrorCode::kInvalid,
                  std::string(text) + ": " + number_text(*low) + " and " + number_text(*high),
                  where);
    };
    order(extent.left, extent.right, "left is not less than right", "/extent/left");
    order(extent.bottom, extent.top, "bottom is not less than top", "/extent/bottom");
    return {time_range(extent, snap, in.time),
            snapped(extent.top ? grid.row(*extent.top) : 0,
                    extent.bottom ? grid.row(*extent.bottom) : static_cast<double>(grid.height),
                    snap, "row"),
            columns(extent, snap, grid)};
  }

  // In a grid in degrees, where it has the extent's longitudes.
  static Range columns(const Extent& extent, const std::string& snap, const Grid& grid) {
    double begin = extent.left ? grid.column(*extent.left) : 0;
    double end = extent.right ? grid.column(*extent.right) : static_cast<double>(grid.width);
    if (!extent.right) begin = turned_column(begin, grid);
    if (!extent.left) end = turned_column(end, grid);
    const Range all{0, grid.width};
    Range best = snapped(begin, end, snap, "column");
    const double turn = columns_of_turn(grid);
    if (all.contains(best) || turn == 0 || end - begin > turn) return best;
    const double first = -std::floor(begin / turn);  // brings the left edge into the first turn
    for (const double turns : {first, first - 1}) {
      const Range there = snapped(begin + turns * turn, end + turns * turn, snap, "column");
      if (all.contains(there)) return there;
      if (intersect(best, all).empty() && !intersect(there, all).empty()) best = there;
    }
    if (goes_round(grid)) throw crosses_seam(extent, grid);
    return best;  // partly beyond a cube that does not go round
  }

  static Error crosses_seam(const Extent& extent, const Grid& grid) {
    const double left = extent.left.value_or(grid.left);
    const double right = extent.right.value_or(grid.right());
    return Error(ErrorCode::kInvalid,
                 "longitudes " + number_text(left) + " to " + number_text(right) +
                     " are no one box of the cube, whose columns run from " +
                     number_text(grid.left) + " to " + number_text(grid.right()),
                 extent.left ? "/extent/left" : "/extent/right",
                 "resample with a view of these longitudes goes across the seam");
  }

  // Whole cells between two fractional edges.
  static Range snapped(double begin, double end, const std::string& snap, const char* what) {
    constexpr double kFar = 1e15;
    if (!(std::abs(begin) < kFar && std::abs(end) < kFar)) {
      throw Error(ErrorCode::kInvalid, "the extent is too far from the cube", "/extent");
    }
    Range out{std::llround(begin), std::llround(end)};
    if (snap == "in") {
      out = {std::llround(std::ceil(begin - kOnEdge)), std::llround(std::floor(end + kOnEdge))};
    } else if (snap == "out") {
      out = {std::llround(std::floor(begin + kOnEdge)), std::llround(std::ceil(end - kOnEdge))};
    }
    if (!out.empty()) return out;
    throw Error(ErrorCode::kInvalid,
                "no " + std::string(what) + " of the cube is left of the extent", "/extent",
                "\"snap\": \"out\" takes in cells that are partly inside");
  }

  static Range time_range(const Extent& extent, const std::string& snap, const TimeAxis& time) {
    if (!extent.t0 && !extent.t1) return {0, time.size()};
    if (time.size() == 0) throw Error(ErrorCode::kInvalid, "the cube has no slices", "/extent");
    const Instant start =
        extent.t0 ? time_argument(*extent.t0, false, "/extent/t0") : time.start(0);
    const Instant end =
        extent.t1 ? time_argument(*extent.t1, true, "/extent/t1") : time.end(time.size() - 1);
    if (start >= end) {
      throw Error(ErrorCode::kInvalid, "the extent ends before it starts",
                  extent.t1 ? "/extent/t1" : "/extent/t0");
    }
    if (time.is_regular()) return snapped(slice(start, time), slice(end, time), snap, "slice");
    Range out{0, 0};
    while (out.begin < time.size() && time.start(out.begin) < start) ++out.begin;
    for (out.end = out.begin; out.end < time.size() && time.start(out.end) < end;) ++out.end;
    if (!out.empty()) return out;
    throw Error(ErrorCode::kInvalid, "no slice of the cube is left of the extent", "/extent",
                "its slices run from " + time.label(0) + " to " + time.label(time.size() - 1));
  }

  // Fractional index of an instant on a regular axis, also outside of it.
  static double slice(Instant instant, const TimeAxis& time) {
    const double length = epoch_seconds(time.end(0)) - epoch_seconds(time.start(0));
    const double steps = (epoch_seconds(instant) - epoch_seconds(time.start(0))) / length;
    auto i = static_cast<std::int64_t>(std::floor(steps));
    while (time.start(i) > instant) --i;  // slices may differ in length
    while (time.start(i + 1) <= instant) ++i;
    const double start = epoch_seconds(time.start(i));
    return static_cast<double>(i) +
           (epoch_seconds(instant) - start) / (epoch_seconds(time.start(i + 1)) - start);
  }

  Translation cells_;
};

}  // namespace

namespace ops {

OperatorType crop() {
  return operator_type<Crop>({
      .id = "crop",
      .summary = "A box of the cube, by cell indices or by coordinates and times.",
      .help =
          "The box may exceed the cube: cells beyond it are missing, and where the whole box "
          "is beyond it, a note says so. A labelled time axis cannot be exceeded. In a cube in "
          "degrees the extent may count longitudes from -180 or from 0 on, and the result counts "
          "as the cube does, which a note says; of a cube that goes round the earth, an extent "
          "across its left and right edge is an error, as it is no one box.",
      .example = R"({"cube_type": "crop",
  "extent": {"left": 10, "right": 30, "bottom": 10, "top": 30, "t0": "2020-02", "t1": "2020-03"},
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to cut from."}},
  });
}

}  // namespace ops

}  // namespace cube
