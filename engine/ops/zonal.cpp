// zonal: statistics of the cells under each feature of a layer.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/beside.h"
#include "engine/cell_weights.h"
#include "engine/error.h"
#include "engine/feature_chunks.h"
#include "engine/features.h"
#include "engine/registry.h"
#include "engine/text.h"
#include "engine/weighted_reducers.h"
#include "engine/zonal_reduction.h"
#include "engine/zones.h"

namespace cube {

namespace {

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

  Request demand(const Request& out, std::size_t) const override { return work_.demand(out); }
  std::unique_ptr<Kernel> kernel() const override { return work_.kernel(); }
  Stage stage() const override { return Stage::kReduce; }
  Cost cost(const Request& request) const override { return work_.cost(request); }
  std::optional<PullPlan> pulls(const Request&, std::size_t) const override {
    return work_.pulls();
  }
  bool passes_emptiness() const override { return work_.passes_emptiness(); }

  std::optional<ChunkWish> preferred_chunk() const override {
    return feature_chunk(work_.zones().windows({0, work_.zones().size()}), info().time.size());
  }

  std::int64_t resident_bytes() const override { return resident_bytes_; }

 private:
  struct Source {
    std::shared_ptr<const FeatureTable> table;
    Zones zones;
    bool has_crs;
  };

  Zonal(const Params& params, const CubeInfo& in, Source source)
      : Zonal(params, in, std::move(source), pick(params, in)) {}

  Zonal(const Params& params, const CubeInfo& in, Source source,
        const std::vector<ZonalBand>& bands);

  static Source read(const Params& params, const Grid& grid);
  void note_lost(const Params& params, const CubeInfo& in, bool has_crs);
  static std::vector<ZonalBand> pick(const Params& params, const CubeInfo& in);
  static CubeInfo described(const Params& params, const CubeInfo& in, const Source& source,
                            const std::vector<ZonalBand>& bands);

  std::vector<ZonalReduction::Band> reductions(const std::vector<ZonalBand>& bands) const {
    std::vector<ZonalReduction::Band> out;
    for (std::size_t i = 0; i < bands.size(); ++i) {
      out.push_back({bands[i].source, bands[i].reducer, info().bands[i].storage()});
    }
    return out;
  }

  ZonalReduction work_;
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
  const bool has_crs = !table.crs.empty();
  if (!has_crs) table.crs = grid.crs;
  return {std::make_shared<const FeatureTable>(std::move(table)), std::move(zones), has_crs};
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

Zonal::Zonal(const Params& params, const CubeInfo& in, Source source,
             const std::vector<ZonalBand>& bands)
    : Operator(described(params, in, source, bands)),
      work_(in, std::move(source.zones), reductions(bands)),
      resident_bytes_(source.table->bytes() + work_.zones().bytes()) {
  note_lost(params, in, source.has_crs);
}

// Features that have no cell: outside of the cube, or, of those that are small enough to look, too
// small.
void Zonal::note_lost(const Params& params, const CubeInfo& in, bool has_crs) {
  constexpr std::int64_t kFewCells = 64;
  const auto& features = info().grid.features->features;
  const char* where = params.geometry.file ? "/file" : "/wkt";
  const Zones& zones = work_.zones();
  BesideCount beside(in.grid, info().grid.features->crs, "feature");
  std::int64_t hollow = 0;
  std::int64_t first = 0;
  for (std::int64_t zone = 0; zone < zones.size(); ++zone) {
    const std::int64_t id = features[static_cast<std::size_t>(zone)].id;
    const Region& window = zones.window(zone);
    beside.add(id, zones.box(zone), window.empty());
    if (window.empty() || window.cells() > kFewCells) continue;
    const CellWeights::Counts counts = zones.weights(zone).counts();
    if (counts.whole + counts.parts == 0 && hollow++ == 0) first = id;
  }
  if (beside.any()) note(where, beside.text() + (has_crs ? "" : kNoCrs));
  if (hollow == 0) return;
  const bool center = params.weights == "center";
  note(where, some_features(hollow, zones.size(), first,
                            center ? "covers the centre of no cell and has no values"
                                   : "covers no cell and has no values",
                            center ? "cover the centre of no cell and have no values"
                                   : "cover no cell and have no values") +
                  (center ? " (\"weights\": \"coverage\" takes parts of cells)" : ""));
}

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
          "weight, the smallest of several; min, max, range, first, last, prod, any and all take "
          "every cell that is covered in part. Order statistics of more than a million cells go "
          "over a zone several times instead of holding it. In a cube in degrees, features may "
          "count longitudes from -180 or from 0 on, and reach across the cube's edges where that "
          "goes round the earth.",
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
