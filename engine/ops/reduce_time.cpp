#include "engine/error.h"
#include "engine/reducer_bands.h"
#include "engine/registry.h"
#include "engine/time_groups.h"
#include "engine/time_reduction.h"

namespace cube {

namespace {

class ReduceTime final : public Operator {
 public:
  struct Params : ReducerBands {
    std::vector<ReducerSpec> reducers;

    void fields(FieldVisitor& v) {
      ReducerBands::fields(v, false);
      v.field({.name = "reducers",
               .help = "Instead: reducers of every band, such as [\"median\", \"count\"].",
               .aliases = {"reducer"},
               .one_or_many = true},
              reducers);
    }
  };

  ReduceTime(const Params& params, std::span<const CubeInfo> in)
      : ReduceTime(in[0], pick(params, in[0])) {}

  Request demand(const Request& out, std::size_t) const override { return work_.demand(out); }
  std::unique_ptr<Kernel> kernel() const override { return work_.kernel(); }
  Stage stage() const override { return Stage::kReduce; }
  Cost cost(const Request& request) const override { return work_.cost(request); }
  std::optional<PullPlan> pulls(const Request& out, std::size_t) const override {
    return work_.pulls(out);
  }
  bool passes_emptiness() const override { return work_.passes_emptiness(); }

 private:
  ReduceTime(const CubeInfo& in, const std::vector<ReducedBand>& bands)
      : Operator({in.grid, whole_axis(in.time), infos(bands)}),
        work_(in, reductions(bands), {{Range{0, in.time.size()}}}) {}

  static std::vector<ReducedBand> pick(const Params& params, const CubeInfo& in) {
    std::vector<ReducedBand> bands =
        params.reducers.empty() ? reduced_bands(params, in, in.time.size()) : of_all(params, in);
    if (in.time.size() == 0) throw Error(ErrorCode::kInvalid, "the cube has no time slices");
    return bands;
  }

  static std::vector<ReducedBand> of_all(const Params& params, const CubeInfo& in) {
    if (!params.reducer_bands.empty() || !params.names.empty()) {
      throw Error(ErrorCode::kInvalid, "reducers of every band and of some are both given",
                  "/reducers", "reducers alone, or reducer_bands with names");
    }
    std::vector<ReducedBand> out = reduced_bands(params.reducers, in, in.time.size());
    // gdalcubes' old "reduce" left the names of a cube of one slice as they were.
    for (ReducedBand& band : out) {
      if (in.time.size() == 1) band.info.alias = in.bands[band.source].name;
    }
    return out;
  }

  static std::vector<TimeReduction::Band> reductions(const std::vector<ReducedBand>& bands) {
    std::vector<TimeReduction::Band> out;
    for (const ReducedBand& band : bands) {
      out.push_back({band.source, band.reducer, band.info.storage()});
    }
    return out;
  }

  TimeReduction work_;
};

}  // namespace

namespace ops {

OperatorType reduce_time() {
  return operator_type<ReduceTime>({
      .id = "reduce_time",
      .summary = "Reduce all time slices to one, e.g. to their median.",
      .help =
          "Missing values are skipped; of nothing, count is 0 and everything else missing. The "
          "result is one slice: from the start of the first to the end of the last on a regular "
          "time axis, the first instant on a labelled one. min, max, first, last and mode keep the "
          "band's dtype. Quantiles are of type 7 (R's and numpy's default), var and sd are of a "
          "sample (n - 1), mad has no factor. The others are float32, or float64 of 32-bit "
          "integers "
          "and float64, but count and indices are "
          "whole numbers, any and all uint8 and instants float64. which_min and which_max give the "
          "instant in seconds "
          "since 1970, or with {\"name\": \"which_max\", \"index\": true} the slice's index; the "
          "first of equal extremes counts. An own quantile is {\"quantile\": 0.333}.",
      .example =
          R"({"cube_type": "reduce_time", "reducer_bands": [["median", "band1"], ["p90", "band1"]],
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-06", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to reduce."}},
      .aliases = {"reduce"},
  });
}

}  // namespace ops

}  // namespace cube
