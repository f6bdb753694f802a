// zonal: statistics of the cells under each feature of a layer.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/cell_weights.h"
#include "engine/error.h"
#include "engine/feature_chunks.h"
#include "engine/features.h"
#include "engine/registry.h"
#include "engine/source_bands.h"
#include "engine/text.h"
#include "engine/weighted_reducers.h"

namespace cube {

namespace {

// Cells pulled at a time of a large feature.
constexpr std::int64_t kPieceCells = std::int64_t{1} << 18;

struct Zone {
  Shape shape;    // in cells of the input
  Region window;  // of one slice of the input
};

struct ZonalBand {
  std::size_t source;  // band of the input
  WeightedReducer reducer;
};

class Zonal final : public Operator {
 public:
  struct Params {
    GeometryParams geometry;
    std::vector<ReducerSpec> reducers;
    std::vector<std::pair<ReducerSpec, std::string>> reducer_bands;
    std::string weights = "center";
    bool merge_features = false;
    std::optional<std::vector<std::string>> fields_kept;

    void fields(FieldVisitor& v);
  };

  Zonal(const Params& params, std::span<const CubeInfo> in)
      : Zonal(params, in[0], read(params, in[0].grid)) {}

  Request demand(const Request& out, std::size_t) const override {
    Region all;
    for (std::int64_t i = out.region.y.begin; i < out.region.y.end; ++i) {
      all = hull(all, zones_[static_cast<std::size_t>(i)].window);
    }
    if (all.empty()) return {{out.region.t, {}, {}}, sources(out.bands)};
    return {{out.region.t, all.y, all.x}, sources(out.bands)};
  }

  std::optional<PullPlan> pulls(const Request&, std::size_t) const override;

  std::unique_ptr<Kernel> kernel() const override;

  Cost cost(const Request& request) const override;

  bool passes_emptiness() const override {
    return std::none_of(bands_.begin(), bands_.end(),
                        [](const ZonalBand& band) { return band.reducer.plain().counts(); });
  }

  std::optional<ChunkShape> preferred_chunk() const override {
    std::vector<Region> needs;
    for (const Zone& zone : zones_) needs.push_back(zone.window);
    return feature_chunk(needs, info().time.size());
  }

  std::int64_t resident_bytes() const override { return resident_bytes_; }

 private:
  class Work;

  struct Source {
    std::shared_ptr<const FeatureTable> table;
    std::vector<Zone> zones;
  };

  Zonal(const Params& params, const CubeInfo& in, Source source)
      : Zonal(params, in, std::move(source), pick(params, in)) {}

  Zonal(const Params& params, const CubeInfo& in, Source source, std::vector<ZonalBand> bands);

  static Source read(const Params& params, const Grid& grid);
  static std::vector<ZonalBand> pick(const Params& params, const CubeInfo& in);
  static CubeInfo described(const Params& params, const CubeInfo& in, const Source& source,
                            const std::vector<ZonalBand>& bands);

  std::vector<std::size_t> sources(const std::vector<std::size_t>& bands) const {
    return source_bands(bands, [&](std::size_t band) { return bands_[band].source; });
  }

  CellWeights weights_of(const Zone& zone) const {
    const Region& window = zone.window;
    if (weights_ == "coverage") return CellWeights::coverage(zone.shape, window.y, window.x);
    return CellWeights::whole(zone.shape, window.y, window.x,
                              weights_ == "center" ? CellRule::kCenter : CellRule::kTouched);
  }

  static std::int64_t piece_rows(const Region& window) {
    return std::clamp<std::int64_t>(kPieceCells / std::max<std::int64_t>(1, window.x.size()), 1,
                                    std::max<std::int64_t>(1, window.y.size()));
  }

  std::vector<Zone> zones_;  // one a feature
  std::vector<ZonalBand> bands_;
  std::string weights_;
  std::int64_t resident_bytes_ = 0;
};

void Zonal::Params::fields(FieldVisitor& v) {
  geometry.fields(v);
  v.field({.name = "reducers",
           .help = "Reducers of every band, such as [\"mean\", \"p90\", \"count\"]. Default: mean, "
                   "where reducer_bands is not given.",
           .one_or_many = true},
          reducers);
  v.field({.name = "reducer_bands",
           .help = "Pairs [reducer, band], as in reduce_time, in place of or after those of every "
                   "band."},
          reducer_bands);
  v.field(
      {.name = "weights",
       .help = "Which cells belong to a feature: center, those whose centre is inside; touched, "
               "those it covers a part of; coverage, the same with the covered fraction as the "
               "weight.",
       .choices = {"center", "coverage", "touched"}},
      weights);
  v.field({.name = "merge_features",
           .help = "All features are one: one row, without attributes. Where they overlap, cells "
                   "count once."},
          merge_features);
  v.field({.name = "fields",
           .help = "Attributes of the features that go into the table. Default: all.",
           .one_or_many = true},
          fields_kept);
}

Zonal::Source Zonal::read(const Params& params, const Grid& grid) {
  check_has_places(grid, "/in_cube");
  const char* where = params.geometry.file ? "/file" : "/wkt";
  FeatureTable table = read_features(params.geometry);
  if (params.merge_features) {
    if (params.fields_kept && !params.fields_kept->empty()) {
      throw Error(ErrorCode::kInvalid, "merged features have no attributes", "/fields",
                  "leave 'fields' or 'merge_features' out");
    }
    std::string all = united_wkb(table, where);
    table.fields.clear();
    table.features = {{0, {}, std::move(all)}};
  } else if (params.fields_kept) {
    keep_fields(table, *params.fields_kept, "/fields");
  }
  std::vector<Shape> areas = areas_of(table, where);
  if (table.crs.empty()) table.crs = grid.crs;
  Source source;
  for (const Shape& area : areas) {
    Zone zone{in_cells(area, table.crs, grid, where), {}};
    const Box box = bounds(zone.shape);  // rows run downwards: bottom is the first
    const auto range = [](double low, double high, std::int64_t size) {
      if (!(low <= high)) return Range{};
      const auto cells = static_cast<double>(size);
      return Range{static_cast<std::int64_t>(std::floor(std::clamp(low, 0.0, cells))),
                   static_cast<std::int64_t>(std::ceil(std::clamp(high, 0.0, cells)))};
    };
    zone.window = {
        {0, 1}, range(box.bottom, box.top, grid.height), range(box.left, box.right, grid.width)};
    if (zone.window.empty()) zone.window = {};
    source.zones.push_back(std::move(zone));
  }
  source.table = std::make_shared<const FeatureTable>(std::move(table));
  return source;
}

std::vector<ZonalBand> Zonal::pick(const Params& params, const CubeInfo& in) {
  std::vector<ZonalBand> bands;
  std::vector<ReducerSpec> all = params.reducers;
  if (all.empty() && params.reducer_bands.empty()) all.emplace_back();
  for (std::size_t band = 0; band < in.bands.size(); ++band) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      bands.push_back({band, WeightedReducer::make(all[i], "/reducers" + pointer_step(i))});
    }
  }
  for (std::size_t i = 0; i < params.reducer_bands.size(); ++i) {
    const auto& [reducer, band] = params.reducer_bands[i];
    const std::string where = "/reducer_bands" + pointer_step(i);
    bands.push_back({in.band(band, where + "/1"), WeightedReducer::make(reducer, where + "/0")});
  }
  return bands;
}

// Bands are named BAND_REDUCER. What is computed is stored as float64, as tables show all digits.
CubeInfo Zonal::described(const Params& params, const CubeInfo& in, const Source& source,
                          const std::vector<ZonalBand>& bands) {
  CubeInfo out{feature_grid(source.table), in.time, {}};
  for (const ZonalBand& band : bands) {
    const Reducer& reducer = band.reducer.plain();
    BandInfo made = reducer.result_band(
        with_gaps(in.bands[band.source], "features without a cell have no value"),
        in.grid.width * in.grid.height);
    made.name = in.bands[band.source].name + "_" + reducer.name();
    const bool computed = is_float(reducer.result({DType::kUInt8, 0}, 1).dtype);
    if (computed) made.dtype = DType::kFloat64;
    if (reducer.counts() && params.weights == "coverage") {
      made.dtype = DType::kFloat64;
      made.nodata = std::nan("");
    }
    out.bands.push_back(std::move(made));
  }
  check_unique_bands(out.bands, params.reducer_bands.empty() ? "/reducers" : "/reducer_bands");
  return out;
}

Zonal::Zonal(const Params& params, const CubeInfo& in, Source source, std::vector<ZonalBand> bands)
    : Operator(described(params, in, source, bands)),
      zones_(std::move(source.zones)),
      bands_(std::move(bands)),
      weights_(params.weights) {
  resident_bytes_ = source.table->bytes();
  for (const Zone& zone : zones_) {
    for (const Ring& ring : zone.shape.rings) {
      resident_bytes_ += static_cast<std::int64_t>(ring.capacity() * sizeof(Vertex));
    }
  }
}

std::optional<PullPlan> Zonal::pulls(const Request& out, std::size_t) const {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  for (std::int64_t i = out.region.y.begin; i < out.region.y.end; ++i) {
    const Region& window = zones_[static_cast<std::size_t>(i)].window;
    rows = std::max(rows, piece_rows(window));
    columns = std::max(columns, window.x.size());
  }
  return PullPlan{.slices = 1, .kept = 0, .rows = rows, .columns = columns};
}

Cost Zonal::cost(const Request& request) const {
  Cost cost;
  for (std::int64_t i = request.region.y.begin; i < request.region.y.end; ++i) {
    const Zone& zone = zones_[static_cast<std::size_t>(i)];
    const Region& window = zone.window;
    std::int64_t bytes = CellWeights::most_bytes(zone.shape, window.y, window.x) +
                         3 * window.x.size() * static_cast<std::int64_t>(sizeof(double));
    for (const std::size_t band : request.bands) {
      bytes += bands_[band].reducer.state_bytes(window.cells());
    }
    cost.scratch_bytes = std::max(cost.scratch_bytes, bytes);
  }
  return cost;
}

// Feature by feature, slice by slice; cells in order of rows, then of columns.
class Zonal::Work final : public Kernel {
 public:
  explicit Work(const Zonal& op) : op_(op) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    const Region& region = request.region;
    request_ = &request;
    sources_ = op_.sources(request.bands);
    states_.clear();
    blocks_.clear();
    for (const std::size_t band : request.bands) {
      states_.push_back(op_.bands_[band].reducer.state());
      blocks_.emplace_back(region, op_.info().bands[band].storage());
    }
    for (std::int64_t i = region.y.begin; i < region.y.end; ++i) {
      const Zone& zone = op_.zones_[static_cast<std::size_t>(i)];
      const CellWeights weights = op_.weights_of(zone);
      for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
        reduce(zone, weights, t, inputs);
        for (std::size_t k = 0; k < states_.size(); ++k) {
          const double value = states_[k]->finish();
          blocks_[k].set_row(t, i, std::span(&value, 1));
        }
      }
    }
    Chunk out{region, {}};
    for (Block& block : blocks_) out.bands.push_back(share(std::move(block)));
    return out;
  }

 private:
  void reduce(const Zone& zone, const CellWeights& weights, std::int64_t t, Inputs& inputs) {
    for (auto& state : states_) state->begin();
    const Range& rows = zone.window.y;
    const std::int64_t step = piece_rows(zone.window);
    for (std::int64_t y = rows.begin; y < rows.end; y += step) {
      const Region piece{{t, t + 1}, {y, std::min(y + step, rows.end)}, zone.window.x};
      const Chunk cells = inputs.pull_piece(0, {piece, sources_});
      for (std::size_t s = 0; s < sources_.size(); ++s) {
        if (cells.bands[s]) add(*cells.bands[s], weights, sources_[s]);
      }
    }
  }

  // The cells of a piece of one slice.
  void add(const Block& block, const CellWeights& weights, std::size_t source) {
    const Region& region = block.region();
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      const auto runs = weights.row(y);
      if (runs.empty()) continue;
      const Range columns{runs.front().columns.begin, runs.back().columns.end};
      const auto row = block.row(region.t.begin, y, columns, row_);
      gather(row, columns.begin, runs);
      for (std::size_t k = 0; k < states_.size(); ++k) {
        if (op_.bands_[request_->bands[k]].source == source) states_[k]->add(values_, row_weights_);
      }
    }
  }

  void gather(std::span<const double> row, std::int64_t begin, std::span<const WeightRun> runs) {
    values_.clear();
    row_weights_.clear();
    for (const WeightRun& run : runs) {
      const auto n = static_cast<std::size_t>(run.columns.size());
      const auto cells = row.subspan(static_cast<std::size_t>(run.columns.begin - begin), n);
      values_.insert(values_.end(), cells.begin(), cells.end());
      row_weights_.insert(row_weights_.end(), n, run.weight);
    }
  }

  const Zonal& op_;
  const Request* request_ = nullptr;  // the one that runs
  std::vector<std::size_t> sources_;  // bands pulled
  std::vector<std::unique_ptr<WeightedState>> states_;
  std::vector<Block> blocks_;
  std::vector<double> row_;
  std::vector<double> values_;  // of the cells of a row that count, with their weights
  std::vector<double> row_weights_;
};

std::unique_ptr<Kernel> Zonal::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType zonal() {
  return operator_type<Zonal>({
      .id = "zonal",
      .summary = "Statistics of the cells under each polygon of a layer, as a table.",
      .help =
          "The result is a cube with a row for each feature and a slice for each time; its bands "
          "are named BAND_REDUCER. Write it as a table (.csv, .gpkg, .geojson), one line a feature "
          "and time, or go on with operators that look at each cell alone (apply_pixel, "
          "reduce_time, "
          "join_bands, ...). Reducers: min, max, mean, median, sum, prod, count, var, sd, first, "
          "last, mode, range, q1, q3, p90 (any percentile), any, all, rms, mad. Missing cells are "
          "skipped; of none, count is 0 and the rest missing. Covered fractions are exact areas in "
          "the cube's plane. With weights w of values v: count is the sum of w, sum that of w v, "
          "mean and rms divide by the sum of w, var by (sum of w - sum of w^2 / sum of w); "
          "quantiles are linear between cells in order, each k of n standing at k w + (n - 1) "
          "times "
          "the weights before it (type 7 where weights are equal); mode is the value of the "
          "largest "
          "weight; min, max, range, first, last, prod, any and all take every cell that is covered "
          "in part.",
      .example =
          R"json({"cube_type": "zonal", "wkt": "POLYGON ((5 5, 35 5, 35 25, 5 5))",
  "reducers": ["mean", "count"], "weights": "coverage",
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})json",
      .inputs = {{.name = "in_cube", .help = "The cube whose cells are reduced."}},
  });
}

}  // namespace ops

}  // namespace cube
