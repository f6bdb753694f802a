// extract: the cube's values at points.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/beside.h"
#include "engine/error.h"
#include "engine/feature_chunks.h"
#include "engine/features.h"
#include "engine/gdal/crs.h"
#include "engine/longitudes.h"
#include "engine/missing.h"
#include "engine/registry.h"
#include "engine/row_spans.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::size_t kMostRows = 10'000'000;

// A row of the result.
struct Spot {
  Vertex at;     // in cells of the input
  Region needs;  // of the input; empty = outside. Its slices count where each point has its own
  // Where not empty, the first and the last of all columns are needed, on both sides of the seam of
  // a cube that goes round the earth: the columns as if the cube went on there.
  Range across = {};
};

class Extract final : public Operator {
 public:
  struct Params {
    GeometryParams geometry;
    std::string time_column;
    std::string method = "nearest";
    std::optional<std::vector<std::string>> fields_kept;

    void fields(FieldVisitor& v);
  };

  Extract(const Params& params, std::span<const CubeInfo> in)
      : Extract(params, in[0], read(params, in[0])) {}

  Request demand(const Request& out, std::size_t) const override {
    Region all;
    for (std::int64_t i = out.region.y.begin; i < out.region.y.end; ++i) {
      all = hull(all, needs(i, out.region.t));
    }
    return {all, out.bands};
  }

  // Point by point.
  std::optional<PullPlan> pulls(const Request& out, std::size_t) const override {
    const std::int64_t side = bilinear_ ? 2 : 1;
    const std::int64_t slices = own_times_ ? 1 : out.region.t.size();
    // What lies across the seam is put together.
    constexpr std::int64_t kCells = 2 * 4 * std::int64_t{sizeof(double)};
    const auto bands = static_cast<std::int64_t>(out.bands.size());
    return PullPlan{.slices = slices,
                    .kept = 0,
                    .rows = side,
                    .columns = side,
                    .scratch_bytes = joins_seam_ ? slices * bands * kCells : 0};
  }

  std::unique_ptr<Kernel> kernel() const override;

  std::optional<ChunkWish> preferred_chunk() const override {
    std::vector<Region> all;
    for (const Spot& spot : spots_) all.push_back(spot.needs);
    return feature_chunk(all, info().time.size());
  }

  std::int64_t resident_bytes() const override {
    return info().grid.features->bytes() + static_cast<std::int64_t>(spots_.size() * sizeof(Spot));
  }

 private:
  class Work;
  struct Places;
  class Lost;

  struct Source {
    std::shared_ptr<const FeatureTable> table;
    std::vector<Spot> spots;
    std::vector<Note> notes;
  };

  Extract(const Params& params, const CubeInfo& in, Source source)
      : Operator(described(params, in, source)),
        spots_(std::move(source.spots)),
        bilinear_(params.method == "bilinear"),
        own_times_(!params.time_column.empty()),
        joins_seam_(std::ranges::any_of(spots_, [](const Spot& s) { return !s.across.empty(); })) {
    for (Note& lost : source.notes) note(lost.where, std::move(lost.text));
  }

  static Source read(const Params& params, const CubeInfo& in);
  static Places places(const Feature& feature, const std::string& crs, const Grid& grid,
                       const char* where);
  static Places centers(const Feature& feature, const std::string& crs, const Grid& grid,
                        const char* where);
  static Region around(const Vertex& at, const Grid& grid, bool bilinear);
  static Range across_seam(const Vertex& at, const Grid& grid);
  static std::vector<std::int64_t> slices(const Params& params, const FeatureTable& table,
                                          const TimeAxis& time);
  static CubeInfo described(const Params& params, const CubeInfo& in, const Source& source);

  // Cells of the input that a row needs for slices of the result.
  Region needs(std::int64_t row, const Range& times) const {
    Region out = spots_[static_cast<std::size_t>(row)].needs;
    if (!own_times_) out.t = times;
    return out;
  }

  std::vector<Spot> spots_;
  bool bilinear_;
  bool own_times_;   // one slice, of each point's own time
  bool joins_seam_;  // some points lie there
};

void Extract::Params::fields(FieldVisitor& v) {
  geometry.fields(v);
  v.field({.name = "time_column",
           .help = "An attribute that says when each point was seen (ISO 8601): only the slice "
                   "that holds this time is taken, one row a point. On a labelled axis a date "
                   "stands for the first slice of that day. Without it: a row for each slice."},
          time_column);
  v.field(
      {.name = "method",
       .help = "nearest: the cell that holds the point. bilinear: between the centres of four "
               "cells; missing where the cell that holds the point is, elsewhere the weights of "
               "missing cells go to the others.",
       .choices = {"nearest", "bilinear"}},
      method);
  v.field({.name = "fields",
           .help = "Attributes of the points that go into the table. Default: all.",
           .one_or_many = true},
          fields_kept);
}

// The cells that the value at a point is made of.
Region Extract::around(const Vertex& at, const Grid& grid, bool bilinear) {
  const auto range = [&](double where, std::int64_t size) {
    if (!(where >= 0 && where <= static_cast<double>(size))) return Range{};
    const Range all{0, size};
    if (bilinear) {
      const auto first = static_cast<std::int64_t>(std::floor(where - 0.5));
      return intersect(Range{first, first + 2}, all);
    }
    // The far edge of the cube belongs to its last cell.
    const auto cell = std::min(static_cast<std::int64_t>(where), size - 1);
    return Range{cell, cell + 1};
  };
  const Region out{{0, 1}, range(at.y, grid.height), range(at.x, grid.width)};
  return out.empty() ? Region{} : out;
}

// The columns of a point nearer to the seam of a cube that goes round than half a cell, counted on
// beyond it; empty for others.
Range Extract::across_seam(const Vertex& at, const Grid& grid) {
  const auto first = static_cast<std::int64_t>(std::floor(at.x - 0.5));
  if (std::isnan(at.x) || (first >= 0 && first + 2 <= grid.width)) return {};
  return closes(grid) ? Range{first, first + 2} : Range{};
}

// Where the rows of one feature lie: in cells of the grid, and in the feature's own CRS, of points
// also as coordinates.
struct Extract::Places {
  std::vector<Vertex> cells;
  std::vector<Vertex> points;
  std::vector<std::string> wkb;
};

Extract::Places Extract::centers(const Feature& feature, const std::string& crs, const Grid& grid,
                                 const char* where) {
  const FeatureTable alone{crs, {}, {feature}};
  const Shape area = united_area(alone, where);
  const RowSpans inside(in_cells(area, crs, grid, where), {0, grid.height}, {0, grid.width},
                        CellRule::kCenter);
  Places out;
  std::vector<double> xs;
  std::vector<double> ys;
  for (std::int64_t y = 0; y < grid.height; ++y) {
    for (const Range& span : inside.row(y)) {
      for (std::int64_t x = span.begin; x < span.end; ++x) {
        out.cells.push_back({static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5});
        xs.push_back(grid.x_center(x));
        ys.push_back(grid.y_center(y));
      }
    }
  }
  CrsTransform(grid.crs, crs).apply(xs, ys);
  if (is_geographic(crs)) {
    // Stated as the feature counts longitudes, which may not be as the cube does.
    const double right = bounds(area).right;
    for (double& x : xs) x = longitude_before(x, right);
  }
  for (std::size_t i = 0; i < xs.size(); ++i) out.wkb.push_back(point_wkb({xs[i], ys[i]}));
  return out;
}

// The points of a feature, or the centres of the cells inside it.
Extract::Places Extract::places(const Feature& feature, const std::string& crs, const Grid& grid,
                                const char* where) {
  const int dimension = dimension_of(feature);
  if (dimension == 1) {
    throw Error(ErrorCode::kInvalid, "feature " + std::to_string(feature.id) + " is a line", where,
                "points, or polygons for all cells in them");
  }
  if (dimension == 2) return centers(feature, crs, grid, where);
  if (dimension < 0) return {{{kMissing, kMissing}}, {}, {""}};
  const std::vector<Vertex> points = points_of(feature);
  Places out{points_in_cells(points, crs, grid, where), points, {}};
  for (const Vertex& point : points) out.wkb.push_back(point_wkb(point));
  return out;
}

// The slice of each feature's own time, -1 = none.
std::vector<std::int64_t> Extract::slices(const Params& params, const FeatureTable& table,
                                          const TimeAxis& time) {
  const std::vector<std::string> names = table.field_names();
  const auto column = find_name(names, params.time_column);
  if (!column) {
    throw Error(ErrorCode::kNotFound, "the features have no attribute '" + params.time_column + "'",
                "/time_column", suggest(names, params.time_column));
  }
  std::vector<std::int64_t> out;
  for (const Feature& feature : table.features) {
    const FieldValue& value = feature.values[*column];
    out.push_back(-1);
    if (std::holds_alternative<std::monostate>(value)) continue;
    std::string text = std::holds_alternative<std::string>(value) ? std::get<std::string>(value)
                       : std::holds_alternative<std::int64_t>(value)
                           ? std::to_string(std::get<std::int64_t>(value))
                           : number_text(std::get<double>(value));
    std::replace(text.begin(), text.end(), '/', '-');
    const auto span = parse_time(text);
    if (!span) {
      throw Error(ErrorCode::kInvalid,
                  "'" + text + "', of feature " + std::to_string(feature.id) + ", is no time",
                  "/time_column", "ISO 8601, e.g. 2018-03-05 or 2018-03-05T10:20:30");
    }
    auto slice = time.index(span->start);
    for (std::int64_t i = 0; !slice && !time.is_regular() && i < time.size(); ++i) {
      if (time.start(i) >= span->start && time.start(i) < span->end) slice = i;
    }
    out.back() = slice.value_or(-1);
  }
  return out;
}

// What of the features the cube does not hold.
class Extract::Lost {
 public:
  Lost(const Grid& grid, const std::string& crs) : points_(grid, crs, "point") {}

  void add(const Feature& feature, const Places& found, const Grid& grid, bool bilinear) {
    if (found.cells.empty() && hollow_++ == 0) first_hollow_ = feature.id;
    for (std::size_t i = 0; i < found.cells.size(); ++i) {
      const Box box = i < found.points.size() ? Box{found.points[i].x, found.points[i].y,
                                                    found.points[i].x, found.points[i].y}
                                              : Box{1, 1, 0, 0};
      points_.add(feature.id, box, around(found.cells[i], grid, bilinear).empty());
    }
  }

  void add_slice(const Feature& feature, std::int64_t slice) {
    if (slice < 0 && timeless_++ == 0) first_timeless_ = feature.id;
  }

  std::vector<Note> notes(std::size_t features, const char* where, bool has_crs) const {
    const auto all = static_cast<std::int64_t>(features);
    std::vector<Note> out;
    if (points_.any()) out.push_back({where, points_.text() + (has_crs ? "" : kNoCrs)});
    if (hollow_ > 0) {
      out.push_back({where, some_features(hollow_, all, first_hollow_,
                                          "holds the centre of no cell and has no row",
                                          "hold the centre of no cell and have no row")});
    }
    if (timeless_ > 0) {
      out.push_back({"/time_column", some_features(timeless_, all, first_timeless_,
                                                   "has a time in no slice and no values",
                                                   "have a time in no slice and no values")});
    }
    return out;
  }

 private:
  BesideCount points_;
  std::int64_t hollow_ = 0;  // areas without a cell
  std::int64_t first_hollow_ = 0;
  std::int64_t timeless_ = 0;
  std::int64_t first_timeless_ = 0;
};

Extract::Source Extract::read(const Params& params, const CubeInfo& in) {
  check_has_places(in.grid, "/in_cube");
  const char* where = params.geometry.file ? "/file" : "/wkt";
  FeatureTable given = read_features(params.geometry);
  std::vector<std::int64_t> own_slices;
  if (!params.time_column.empty()) own_slices = slices(params, given, in.time);
  if (params.fields_kept) keep_fields(given, *params.fields_kept, "/fields");
  const bool has_crs = !given.crs.empty();
  if (!has_crs) given.crs = in.grid.crs;
  FeatureTable table{given.crs, given.fields, {}};
  Source source;
  Lost lost(in.grid, given.crs);
  for (std::size_t i = 0; i < given.features.size(); ++i) {
    const Feature& feature = given.features[i];
    Places found = places(feature, given.crs, in.grid, where);
    if (source.spots.size() + found.cells.size() > kMostRows) {
      throw Error(ErrorCode::kInvalid,
                  "the features hold more than " + std::to_string(kMostRows) + " cells", where,
                  "zonal summarises the cells of a polygon");
    }
    lost.add(feature, found, in.grid, params.method == "bilinear");
    if (!own_slices.empty()) lost.add_slice(feature, own_slices[i]);
    for (std::size_t k = 0; k < found.cells.size(); ++k) {
      const Vertex& at = found.cells[k];
      const bool bilinear = params.method == "bilinear";
      Spot spot{at, around(at, in.grid, bilinear)};
      if (bilinear && !spot.needs.empty()) spot.across = across_seam(at, in.grid);
      if (!spot.across.empty()) spot.needs.x = {0, in.grid.width};
      if (!own_slices.empty()) {
        spot.needs.t = {own_slices[i], own_slices[i] + 1};
        if (own_slices[i] < 0) spot.needs = {};
        table.times.push_back(own_slices[i] < 0 ? "" : in.time.label(own_slices[i]));
      }
      table.features.push_back({feature.id, feature.values, std::move(found.wkb[k])});
      source.spots.push_back(spot);
    }
  }
  source.notes = lost.notes(given.features.size(), where, has_crs);
  source.table = std::make_shared<const FeatureTable>(std::move(table));
  return source;
}

CubeInfo Extract::described(const Params& params, const CubeInfo& in, const Source& source) {
  CubeInfo out{feature_grid(source.table), in.time, {}};
  if (!params.time_column.empty() && in.time.size() > 0) {
    out.time = TimeAxis::labelled({in.time.start(0)});
  }
  for (BandInfo band : in.bands) {
    if (params.method == "bilinear") {
      set_computed(band);
    }
    out.bands.push_back(with_gaps(std::move(band), "points may lie outside of the cube"));
  }
  return out;
}

class Extract::Work final : public Kernel {
 public:
  explicit Work(const Extract& op) : op_(op) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    const Region& region = request.region;
    std::vector<std::optional<Block>> blocks(request.bands.size());
    std::vector<Region> all;
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      all.push_back(op_.needs(y, region.t));
    }
    for (const std::size_t k : order_of_place(all)) {
      const std::int64_t y = region.y.begin + static_cast<std::int64_t>(k);
      const Region& needs = all[k];
      if (needs.empty()) continue;
      const Range& across = op_.spots_[static_cast<std::size_t>(y)].across;
      const Chunk cells = across.empty() ? inputs.pull_piece(0, {needs, request.bands})
                                         : join(needs, across, request.bands, inputs);
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!cells.bands[i]) continue;
        if (!blocks[i]) blocks[i].emplace(region, op_.info().bands[request.bands[i]].storage());
        for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
          const double value = value_at(*cells.bands[i], op_.own_times_ ? needs.t.begin : t,
                                        op_.spots_[static_cast<std::size_t>(y)].at);
          blocks[i]->set_row(t, y, std::span(&value, 1));
        }
      }
    }
    Chunk out{region, {}};
    for (auto& block : blocks) out.bands.push_back(block ? share(std::move(*block)) : nullptr);
    return out;
  }

 private:
  // The columns on both sides of the seam side by side, counted as `across` does.
  static Chunk join(const Region& needs, const Range& across, const std::vector<std::size_t>& bands,
                    Inputs& inputs) {
    const Range& all = needs.x;
    const Region whole{needs.t, needs.y, across};
    Chunk out{whole, std::vector<BlockPtr>(bands.size())};
    std::vector<std::optional<Block>> joined(bands.size());
    for (std::int64_t to = across.begin; to < across.end; ++to) {
      const std::int64_t from = to < 0 ? to + all.size() : to % all.size();
      const Chunk part = inputs.pull_piece(0, {{needs.t, needs.y, {from, from + 1}}, bands});
      for (std::size_t i = 0; i < bands.size(); ++i) {
        if (!part.bands[i]) continue;
        if (!joined[i]) joined[i].emplace(whole, part.bands[i]->storage());
        joined[i]->copy_moved(*part.bands[i], 0, 0, to - from);
      }
    }
    for (std::size_t i = 0; i < bands.size(); ++i) {
      if (joined[i]) out.bands[i] = share(std::move(*joined[i]));
    }
    return out;
  }

  double value_at(const Block& cells, std::int64_t t, const Vertex& at) {
    const Region& region = cells.region();
    if (!op_.bilinear_) return cells.row(t, region.y.begin, row_).front();
    // The cell that holds the point decides whether there is a value.
    const auto hold_y = std::min(static_cast<std::int64_t>(at.y), region.y.end - 1);
    const auto hold_x = std::min(static_cast<std::int64_t>(at.x), region.x.end - 1);
    double sum = 0;
    double weights = 0;
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      const auto row = cells.row(t, y, row_);
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::int64_t x = region.x.begin + static_cast<std::int64_t>(i);
        if (std::isnan(row[i])) {
          if (y == hold_y && x == hold_x) return kMissing;
          continue;
        }
        const double weight = (1 - std::abs(at.x - 0.5 - static_cast<double>(x))) *
                              (1 - std::abs(at.y - 0.5 - static_cast<double>(y)));
        sum += weight * row[i];
        weights += weight;
      }
    }
    return weights > 0 ? sum / weights : kMissing;
  }

  const Extract& op_;
  std::vector<double> row_;
};

std::unique_ptr<Kernel> Extract::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType extract() {
  return operator_type<Extract>({
      .id = "extract",
      .summary = "Values of the cube at points, as a table.",
      .help = "The result is a cube with a row for each point (several of a multipoint, and one "
              "for each "
              "cell whose centre is inside of a polygon) and a slice for each time. Write it as a "
              "table "
              "(.csv, .gpkg, .geojson), one line a point and time, or go on with operators that "
              "look at "
              "each cell alone. Points outside of the cube have missing values, and a "
              "note says how many they are. Rows stand in the "
              "order "
              "of the file, bands keep their names; only what lies under the points is read. In a "
              "cube in degrees, points may count longitudes from -180 or from 0 on, and "
              "bilinear goes on across the edges of one that goes round the earth.",
      .example = R"json({"cube_type": "extract", "wkt": "MULTIPOINT (12 8, 33 21)",
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})json",
      .inputs = {{.name = "in_cube", .help = "The cube to look into."}},
  });
}

}  // namespace ops

}  // namespace cube
