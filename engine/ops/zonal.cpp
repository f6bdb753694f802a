// zonal: statistics of the cells under each feature of a layer.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "engine/cell_weights.h"
#include "engine/error.h"
#include "engine/feature_chunks.h"
#include "engine/features.h"
#include "engine/registry.h"
#include "engine/source_bands.h"
#include "engine/text.h"
#include "engine/weighted_reducers.h"
#include "engine/zones.h"

namespace cube {

namespace {

// Weights of several features are held together, so that slices can be gone through for all of
// them.
constexpr std::int64_t kWeightsBytes = std::int64_t{8} << 20;

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
    for (const Region& window : zones_.windows(out.region.y)) all = hull(all, window);
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
    return feature_chunk(zones_.windows({0, zones_.size()}), info().time.size());
  }

  std::int64_t resident_bytes() const override { return resident_bytes_; }

 private:
  class Work;

  struct Source {
    std::shared_ptr<const FeatureTable> table;
    Zones zones;
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

  Zones zones_;  // one a feature
  std::vector<ZonalBand> bands_;
  std::vector<Storage> storages_;  // of the input's bands
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
  const Zones::Rule rule = params.weights == "coverage"  ? Zones::Rule::kCoverage
                           : params.weights == "touched" ? Zones::Rule::kTouched
                                                         : Zones::Rule::kCenter;
  Zones zones(table, grid, rule, where);
  if (table.crs.empty()) table.crs = grid.crs;
  return {std::make_shared<const FeatureTable>(std::move(table)), std::move(zones)};
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
      resident_bytes_(source.table->bytes() + zones_.bytes()) {
  for (const BandInfo& band : in.bands) storages_.push_back(band.storage());
}

// Of the largest feature, whichever are asked for: not all chunks are looked at for a plan.
std::optional<PullPlan> Zonal::pulls(const Request&, std::size_t) const {
  return PullPlan{.slices = 1,
                  .kept = 0,
                  .rows = std::max<std::int64_t>(1, zones_.largest().rows),
                  .columns = std::max<std::int64_t>(1, zones_.largest().columns)};
}

Cost Zonal::cost(const Request& request) const {
  constexpr std::int64_t kState = 128;
  constexpr std::int64_t kStrips = 3;
  const Zones::Largest& largest = zones_.largest();
  Cost cost;
  cost.scratch_bytes = kWeightsBytes + largest.weights_bytes +
                       kStrips * largest.columns * static_cast<std::int64_t>(sizeof(double)) +
                       request.region.y.size() * static_cast<std::int64_t>(sizeof(Region) + 8);
  std::set<std::size_t> held;
  for (const std::size_t band : request.bands) {
    cost.scratch_bytes += kState;
    if (!bands_[band].reducer.of_cells() || !held.insert(bands_[band].source).second) continue;
    cost.scratch_bytes += WeightedCells::bytes(storages_[bands_[band].source], largest.cells.whole,
                                               largest.cells.parts);
  }
  return cost;
}

// Group by group of features that lie near each other, slice by slice, feature by feature; cells in
// order of rows, then of columns.
class Zonal::Work final : public Kernel {
 public:
  explicit Work(const Zonal& op) : op_(op) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    begin(request);
    const Region& region = request.region;
    std::vector<Weighed> group;
    std::int64_t bytes = 0;
    for (const std::size_t k : order_of_place(op_.zones_.windows(region.y))) {
      const std::int64_t i = region.y.begin + static_cast<std::int64_t>(k);
      group.push_back({i, op_.zones_.weights(i)});
      bytes += group.back().weights.bytes();
      if (bytes < kWeightsBytes) continue;
      reduce(group, region.t, inputs);
      group.clear();
      bytes = 0;
    }
    reduce(group, region.t, inputs);
    Chunk out{region, {}};
    for (Block& block : blocks_) out.bands.push_back(share(std::move(block)));
    blocks_.clear();
    return out;
  }

 private:
  struct Weighed {
    std::int64_t feature;
    CellWeights weights;
  };

  // What bands of the result that come from one band of the input are made of.
  struct SourceBand {
    std::vector<std::size_t> folds;  // of states_
    bool holds = false;
    WeightedCells cells;
  };

  void begin(const Request& request) {
    request_ = &request;
    wanted_ = op_.sources(request.bands);
    states_.clear();
    blocks_.clear();
    sources_.clear();
    for (const std::size_t source : wanted_) {
      sources_.push_back({{}, false, WeightedCells(op_.storages_[source])});
    }
    for (std::size_t k = 0; k < request.bands.size(); ++k) {
      const ZonalBand& band = op_.bands_[request.bands[k]];
      blocks_.emplace_back(request.region, op_.info().bands[request.bands[k]].storage());
      states_.push_back(band.reducer.of_cells() ? nullptr : band.reducer.state());
      if (states_[k]) {
        source_of(k).folds.push_back(k);
      } else {
        source_of(k).holds = true;
      }
    }
  }

  SourceBand& source_of(std::size_t k) {
    const std::size_t source = op_.bands_[request_->bands[k]].source;
    const auto at = std::lower_bound(wanted_.begin(), wanted_.end(), source);
    return sources_[static_cast<std::size_t>(at - wanted_.begin())];
  }

  void reduce(const std::vector<Weighed>& group, const Range& slices, Inputs& inputs) {
    for (std::int64_t t = slices.begin; t < slices.end; ++t) {
      for (const Weighed& weighed : group) {
        take_cells(weighed, t, inputs);
        finish(weighed.feature, t);
      }
    }
  }

  void take_cells(const Weighed& weighed, std::int64_t t, Inputs& inputs) {
    for (const auto& state : states_) {
      if (state) state->begin();
    }
    const CellWeights::Counts counts = weighed.weights.counts();
    for (SourceBand& source : sources_) {
      if (source.holds) source.cells.begin(counts.whole, counts.parts);
    }
    const Region& window = op_.zones_.window(weighed.feature);
    const std::int64_t step = Zones::piece_rows(window);
    for (std::int64_t y = window.y.begin; y < window.y.end; y += step) {
      const Region piece{{t, t + 1}, {y, std::min(y + step, window.y.end)}, window.x};
      const Chunk cells = inputs.pull_piece(0, {piece, wanted_});
      for (std::size_t s = 0; s < sources_.size(); ++s) {
        if (cells.bands[s]) add(*cells.bands[s], weighed.weights, sources_[s]);
      }
    }
  }

  // What spoils the held cells comes last.
  void finish(std::int64_t feature, std::int64_t t) {
    for (const bool spoils : {false, true}) {
      for (std::size_t k = 0; k < states_.size(); ++k) {
        const WeightedReducer& reducer = op_.bands_[request_->bands[k]].reducer;
        if (reducer.spoils_cells() != spoils) continue;
        const double value = states_[k] ? states_[k]->finish() : reducer.of(source_of(k).cells);
        blocks_[k].set_row(t, feature, std::span(&value, 1));
      }
    }
  }

  // The cells of a piece of one slice.
  void add(const Block& block, const CellWeights& weights, SourceBand& source) {
    const Region& region = block.region();
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      const auto runs = weights.row(y);
      if (runs.empty()) continue;
      const Range columns{runs.front().columns.begin, runs.back().columns.end};
      const auto row = block.row(region.t.begin, y, columns, row_);
      gather(row, columns.begin, runs);
      for (const std::size_t k : source.folds) states_[k]->add(values_, row_weights_);
      if (source.holds) source.cells.add(values_, row_weights_);
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
  const Request* request_ = nullptr;                    // the one that runs
  std::vector<std::size_t> wanted_;                     // bands pulled
  std::vector<SourceBand> sources_;                     // of each of them
  std::vector<std::unique_ptr<WeightedState>> states_;  // of bands of the result; null: of cells
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
