#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/longitudes.h"
#include "engine/missing.h"
#include "engine/reducers.h"
#include "engine/registry.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kNoSlice = -1;

// Where a cube lies in the result.
struct Place {
  Range y;
  Range x;
  std::vector<std::int64_t> slices;  // of the cube, one a slice of the result; kNoSlice: none
  std::vector<std::size_t> bands;    // of the cube, one a band of the result
};

[[noreturn]] void differ(const std::string& what, std::size_t cube) {
  throw Error(ErrorCode::kInvalid, "the cubes differ in " + what, "/in_cubes" + pointer_step(cube));
}

// Cells from the first cube's corner to another's; cell sizes and corners must agree to a hundredth
// of a cell.
struct Shift {
  std::int64_t y;
  std::int64_t x;
};

Shift shift_of(const Grid& first, const Grid& other, std::size_t cube) {
  constexpr double kNear = 0.01;  // cells
  constexpr double kFar = 2e9;
  if (!same_crs(first.crs, other.crs)) differ(grid_difference(first, other), cube);
  const auto same = [](double a, double b, std::int64_t cells) {
    return std::abs(a - b) * static_cast<double>(cells) <= kNear * a;
  };
  if (!same(first.dx, other.dx, other.width) || !same(first.dy, other.dy, other.height)) {
    differ("their cell size: " + number_text(first.dx) + ", " + number_text(first.dy) + " and " +
               number_text(other.dx) + ", " + number_text(other.dy),
           cube);
  }
  const double x = first.column(other.left);
  const double y = first.row(other.top);
  if (!(std::abs(x) < kFar && std::abs(y) < kFar)) {
    throw Error(ErrorCode::kInvalid, "the cubes are too far apart",
                "/in_cubes" + pointer_step(cube));
  }
  if (std::abs(x - std::round(x)) > kNear || std::abs(y - std::round(y)) > kNear) {
    differ("where their cells lie: they are shifted by " + number_text(x - std::floor(x)) + ", " +
               number_text(y - std::floor(y)) + " cells",
           cube);
  }
  return {std::llround(y), std::llround(x)};
}

// Side by side, cubes that count longitudes differently would hold the same place twice.
void check_longitudes(std::span<const CubeInfo> in, const Grid& all) {
  const double turn = columns_of_turn(all);
  const auto goes_beyond = [&](double columns) { return turn > 0 && columns > turn + 0.5; };
  if (!goes_beyond(static_cast<double>(all.width))) return;
  double left = in[0].grid.left;
  double right = in[0].grid.right();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const Grid& grid = in[i].grid;
    if (goes_beyond(static_cast<double>(grid.width))) return;  // one that holds places twice itself
    const std::string before = number_text(left) + " to " + number_text(right);
    left = std::min(left, grid.left);
    right = std::max(right, grid.right());
    if (!goes_beyond((right - left) / all.dx)) continue;
    throw Error(
        ErrorCode::kInvalid,
        "the cubes go more than once round the earth, so that the same place would have two "
        "columns: longitudes " +
            before + " and " + number_text(grid.left) + " to " + number_text(grid.right()),
        "/in_cubes" + pointer_step(i),
        "resample with 'like' brings one onto the longitudes of the other");
  }
}

void place_in_space(std::span<const CubeInfo> in, Grid& grid, std::vector<Place>& places) {
  Range rows{0, in[0].grid.height};
  Range columns{0, in[0].grid.width};
  for (std::size_t i = 0; i < in.size(); ++i) {
    const Shift shift = shift_of(in[0].grid, in[i].grid, i);
    places[i].y = Range{0, in[i].grid.height}.shifted(shift.y);
    places[i].x = Range{0, in[i].grid.width}.shifted(shift.x);
    rows = {std::min(rows.begin, places[i].y.begin), std::max(rows.end, places[i].y.end)};
    columns = {std::min(columns.begin, places[i].x.begin), std::max(columns.end, places[i].x.end)};
  }
  grid = in[0].grid.window(rows, columns);
  check_longitudes(in, grid);
  for (Place& place : places) {
    place.y = place.y.shifted(-rows.begin);
    place.x = place.x.shifted(-columns.begin);
  }
}

std::string axis_text(const TimeAxis& axis) {
  return axis.is_regular() ? "steps of " + axis.step()->text() + " from " + axis.label(0)
                           : "dates, the first " + axis.label(0);
}

// A lower bound of a step's length in seconds.
double shortest(const Period& step) {
  constexpr double kDay = 86400;
  constexpr double kShortestMonth = 28;
  return (static_cast<double>(step.months) * kShortestMonth + static_cast<double>(step.days)) *
             kDay +
         static_cast<double>(step.seconds);
}

// The regular axis from the earliest start to the latest end.
TimeAxis united_steps(std::span<const CubeInfo> in) {
  const auto earliest = std::min_element(
      in.begin(), in.end(),
      [](const CubeInfo& a, const CubeInfo& b) { return a.time.start(0) < b.time.start(0); });
  const TimeAxis& first = earliest->time;
  std::int64_t slices = first.size();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const TimeAxis& axis = in[i].time;
    const std::int64_t last = axis.size() - 1;
    const double seconds = epoch_seconds(axis.start(last)) - epoch_seconds(first.start(0));
    const auto most = static_cast<std::int64_t>(seconds / shortest(*first.step())) + 2;
    const TimeAxis reach = first.window({0, most});
    const auto begin = reach.index(axis.start(0));
    const auto end = reach.index(axis.start(last));
    const bool fits = begin && end && *end - *begin == last &&
                      reach.start(*begin) == axis.start(0) && reach.start(*end) == axis.start(last);
    if (!fits) differ("their time axis: " + axis_text(first) + " and " + axis_text(axis), i);
    slices = std::max(slices, *end + 1);
  }
  return first.window({0, slices});
}

TimeAxis united_times(std::span<const CubeInfo> in) {
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::string where = "/in_cubes" + pointer_step(i);
    if (in[i].time.size() == 0) {
      throw Error(ErrorCode::kInvalid, "the cube has no time slices", where);
    }
    if (in[i].time.step() != in[0].time.step()) {
      differ("their time axis: " + axis_text(in[0].time) + " and " + axis_text(in[i].time), i);
    }
  }
  if (in[0].time.is_regular()) return united_steps(in);
  std::vector<Instant> labels;
  for (const CubeInfo& cube : in) {
    for (std::int64_t t = 0; t < cube.time.size(); ++t) labels.push_back(cube.time.start(t));
  }
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return TimeAxis::labelled(std::move(labels));
}

void place_in_time(std::span<const CubeInfo> in, const TimeAxis& time, std::vector<Place>& places) {
  for (std::size_t i = 0; i < in.size(); ++i) {
    places[i].slices.assign(static_cast<std::size_t>(time.size()), kNoSlice);
    for (std::int64_t t = 0; t < in[i].time.size(); ++t) {
      places[i].slices[static_cast<std::size_t>(*time.index(in[i].time.start(t)))] = t;
    }
  }
}

// True when the cubes fill the result: one of them alone, or side by side along one axis.
bool fill_all(const std::vector<Place>& places, const Grid& grid) {
  const Range rows{0, grid.height};
  const Range columns{0, grid.width};
  const auto covered = [](std::vector<Range> ranges, const Range& all) {
    std::sort(ranges.begin(), ranges.end());
    std::int64_t end = all.begin;
    for (const Range& range : ranges) {
      if (range.begin > end) return false;
      end = std::max(end, range.end);
    }
    return end >= all.end;
  };
  std::vector<Range> in_y;
  std::vector<Range> in_x;
  std::vector<bool> in_t(places[0].slices.size());
  for (const Place& place : places) {
    const bool all_t =
        std::find(place.slices.begin(), place.slices.end(), kNoSlice) == place.slices.end();
    if (all_t && place.x == columns) in_y.push_back(place.y);
    if (all_t && place.y == rows) in_x.push_back(place.x);
    if (place.x != columns || place.y != rows) continue;
    for (std::size_t t = 0; t < in_t.size(); ++t) {
      if (place.slices[t] != kNoSlice) in_t[t] = true;
    }
  }
  return covered(in_y, rows) || covered(in_x, columns) ||
         std::find(in_t.begin(), in_t.end(), false) == in_t.end();
}

// A band that holds the values of both; where that takes a new missing value, of all their types.
BandInfo common_band(BandInfo a, const BandInfo& b, std::size_t cube) {
  const auto same = [&](double p, double q, const char* what) {
    if (p == q) return;
    differ("the " + std::string(what) + " of band '" + a.name + "': " + number_text(p) + " and " +
               number_text(q),
           cube);
  };
  same(a.scale, b.scale, "scale");
  same(a.offset, b.offset, "offset");
  if (a.unit.empty()) a.unit = b.unit;
  if (!b.unit.empty() && a.unit != b.unit) {
    differ("the unit of band '" + a.name + "': " + a.unit + " and " + b.unit, cube);
  }
  if (a.classes != b.classes) a.classes.clear();
  const DType dtype = common_dtype(a.dtype, b.dtype);
  if (is_float(dtype)) {
    a.dtype = dtype;
    a.nodata = kMissing;
    return a;
  }
  const bool same_nodata = a.nodata == b.nodata;
  a.dtype = dtype;
  if (same_nodata) return a;
  a.nodata.reset();  // one cube's may be a value of the other
  return with_gaps(std::move(a), "the cubes' nodata values differ");
}

class Merge final : public Operator {
 public:
  struct Params {
    std::string overlap = "first";

    void fields(FieldVisitor& v) {
      v.field({.name = "overlap",
               .help = "What cells get that several cubes have; missing values never count. first "
                       "and last go by the order of in_cubes.",
               .choices = {"first", "last", "min", "max", "mean", "sum"}},
              overlap);
    }
  };

  Merge(const Params& params, std::span<const CubeInfo> in)
      : Merge(merged(in), Reducer::make(spec(params), "/overlap"), in.size()) {}

  Request demand(const Request& out, std::size_t input) const override {
    const Place& place = places_[input];
    Range slices;
    for (std::int64_t t = out.region.t.begin; t < out.region.t.end; ++t) {
      const std::int64_t slice = place.slices[static_cast<std::size_t>(t)];
      if (slice == kNoSlice) continue;
      slices = slices.empty() ? Range{slice, slice + 1} : Range{slices.begin, slice + 1};
    }
    const Range rows = intersect(out.region.y, place.y).shifted(-place.y.begin);
    const Range columns = intersect(out.region.x, place.x).shifted(-place.x.begin);
    if (slices.empty() || rows.empty() || columns.empty()) return {};
    Request in{{slices, rows, columns}, {}};
    for (const std::size_t band : out.bands) in.bands.push_back(place.bands[band]);
    return in;
  }

  Cost cost(const Request& request) const override {
    Cost cost;
    const std::int64_t strips = 3 * static_cast<std::int64_t>(sizeof(double));
    cost.scratch_bytes =
        request.region.x.size() * strips +
        reducer_.state_bytes(request.region.x.size(), static_cast<std::int64_t>(places_.size()));
    return cost;
  }

  std::unique_ptr<Kernel> kernel() const override;

 private:
  class Work;

  struct Merged {
    CubeInfo info;
    std::vector<Place> places;
  };

  Merge(Merged merged, const Reducer& reducer, std::size_t cubes)
      : Operator(reduced(std::move(merged.info), reducer, static_cast<std::int64_t>(cubes))),
        places_(std::move(merged.places)),
        reducer_(reducer) {}

  static ReducerSpec spec(const Params& params) {
    ReducerSpec out;
    out.name = params.overlap;
    return out;
  }

  static CubeInfo reduced(CubeInfo info, const Reducer& reducer, std::int64_t cubes) {
    for (BandInfo& band : info.bands) band = reducer.result_band(band, cubes);
    return info;
  }

  static Merged merged(std::span<const CubeInfo> in) {
    if (in.size() < 2) {
      throw Error(ErrorCode::kInvalid, std::to_string(in.size()) + " cube cannot be merged",
                  "/in_cubes", "two or more");
    }
    Merged out{in[0], std::vector<Place>(in.size())};
    place_in_space(in, out.info.grid, out.places);
    out.info.time = united_times(in);
    place_in_time(in, out.info.time, out.places);
    for (std::size_t i = 0; i < in.size(); ++i) add_bands(in[i], i, out);
    if (fill_all(out.places, out.info.grid)) return out;
    for (BandInfo& band : out.info.bands) {
      band = with_gaps(std::move(band), "the cubes leave cells between them");
    }
    return out;
  }

  // Bands are found by name; all cubes have the same.
  static void add_bands(const CubeInfo& cube, std::size_t i, Merged& out) {
    const std::vector<std::string> names = cube.band_names();
    for (BandInfo& band : out.info.bands) {
      const auto found = std::find(names.begin(), names.end(), band.name);
      if (found == names.end() || names.size() != out.info.bands.size()) {
        differ("their bands: " + join(out.info.band_names()) + " and " + join(names), i);
      }
      const auto index = static_cast<std::size_t>(found - names.begin());
      out.places[i].bands.push_back(index);
      band = common_band(std::move(band), cube.bands[index], i);
    }
  }

  std::vector<Place> places_;
  Reducer reducer_;
};

class Merge::Work final : public Kernel {
 public:
  explicit Work(const Merge& op) : op_(op), state_(op.reducer_.state()) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    parts_.clear();
    for (std::size_t i = 0; i < op_.places_.size(); ++i) {
      const Request wanted = op_.demand(request, i);
      if (wanted.region.empty()) continue;
      parts_.push_back({&op_.places_[i], inputs.pull(i, wanted)});
    }
    Chunk out{request.region, {}};
    for (std::size_t k = 0; k < request.bands.size(); ++k) {
      out.bands.push_back(make(k, request.region, op_.info().bands[request.bands[k]].storage()));
    }
    return out;
  }

 private:
  // What one cube has of the region at hand.
  struct Part {
    const Place* place;
    Chunk cells;
  };

  BlockPtr make(std::size_t band, const Region& region, const Storage& storage) {
    const auto has_cells = [&](const Part& part) { return part.cells.bands[band] != nullptr; };
    if (std::none_of(parts_.begin(), parts_.end(), has_cells)) return nullptr;
    Block out(region, storage);
    result_.resize(static_cast<std::size_t>(region.x.size()));
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
        if (reduce_row(band, t, y, region.x)) out.set_row(t, y, result_);
      }
    }
    return share(std::move(out));
  }

  // False when no cube has that row.
  bool reduce_row(std::size_t band, std::int64_t t, std::int64_t y, const Range& columns) {
    bool any = false;
    for (const Part& part : parts_) {
      const Place& place = *part.place;
      const std::int64_t slice = place.slices[static_cast<std::size_t>(t)];
      const Block* block = part.cells.bands[band].get();
      if (!block || slice == kNoSlice || !place.y.contains(y)) continue;
      if (!any) state_->begin(result_.size());
      any = true;
      const auto row = block->row(slice, y - place.y.begin, row_);
      strip_.assign(result_.size(), kMissing);
      const std::int64_t first = block->region().x.begin + place.x.begin - columns.begin;
      std::copy(row.begin(), row.end(), strip_.begin() + first);
      state_->add(strip_, 0);
    }
    if (any) state_->finish(result_);
    return any;
  }

  const Merge& op_;
  std::unique_ptr<ReducerState> state_;
  std::vector<Part> parts_;
  std::vector<double> row_;
  std::vector<double> strip_;
  std::vector<double> result_;
};

std::unique_ptr<Kernel> Merge::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType merge() {
  return operator_type<Merge>({
      .id = "merge",
      .summary = "Cubes side by side, in space or time, as one.",
      .help =
          "The cubes have the same CRS, cell size and bands, and their cells lie on one grid (to a "
          "hundredth of a cell; resample brings them there). The result spans all of them; what "
          "none covers is missing. Regular time axes need the same step and slices that start at "
          "the same times; labelled ones are united. Bands are found by name and have the first "
          "cube's order; they need the same unit, scale and offset. Where types differ, the result "
          "has the smallest that holds both; integer bands with different nodata values are "
          "widened. mean and sum make float32 or float64, the others keep the type.",
      .example = R"({"cube_type": "merge", "overlap": "mean", "in_cubes": [
    {"cube_type": "dummy", "nbands": 1, "fill": 1,
      "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
          "srs": "EPSG:3857"},
        "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}},
    {"cube_type": "dummy", "nbands": 1, "fill": 2,
      "view": {"space": {"left": 30, "right": 60, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
          "srs": "EPSG:3857"},
        "time": {"t0": "2020-02", "t1": "2020-04", "dt": "P1M"}}}]})",
      .inputs = {{.name = "in_cubes", .help = "Cubes on one grid.", .many = true}},
  });
}

}  // namespace ops

}  // namespace cube
