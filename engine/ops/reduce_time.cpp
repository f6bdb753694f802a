#include "engine/error.h"
#include "engine/registry.h"
#include "engine/text.h"
#include "engine/time_reduction.h"

namespace cube {

namespace {

// One slice over the whole of a regular axis. The slices of a labelled one have no extent, so its
// first instant stands for all, as in gdalcubes.
TimeAxis whole(const TimeAxis& in) {
  const std::int64_t n = in.size();
  if (in.is_regular()) {
    const Period& step = *in.step();
    const Period all{step.months * n, step.days * n, step.seconds * n};
    const TimeAxis axis = TimeAxis::regular(in.start(0), all, 1);
    if (axis.end(0) == in.end(n - 1)) return axis;
  }
  return TimeAxis::labelled({in.start(0)});
}

class ReduceTime final : public Operator {
 public:
  struct Params {
    std::vector<std::pair<ReducerSpec, std::string>> reducer_bands;
    std::vector<std::string> names;

    void fields(FieldVisitor& v) {
      v.field({.name = "reducer_bands",
               .help = "Pairs [reducer, band]. Reducers: min, max, mean, median, sum, prod, count, "
                       "var, sd, first, last, which_min, which_max, mode, range, q1, q3, p90 (any "
                       "percentile), any, all, rms, mad.",
               .required = true},
              reducer_bands);
      v.field({.name = "names",
               .help = "Names of the resulting bands, one a pair; by default BAND_REDUCER, e.g. "
                       "\"NDVI_median\"."},
              names);
    }
  };

  ReduceTime(const Params& params, std::span<const CubeInfo> in)
      : ReduceTime(in[0], pick(params, in[0]), params) {}

  Request demand(const Request& out, std::size_t) const override { return work_.demand(out); }
  std::unique_ptr<Kernel> kernel() const override { return work_.kernel(); }
  Cost cost(const Request& request) const override { return work_.cost(request); }
  std::optional<PullPlan> pulls(const Request& out, std::size_t) const override {
    return work_.pulls(out);
  }
  bool passes_emptiness() const override { return work_.passes_emptiness(); }

 private:
  ReduceTime(const CubeInfo& in, std::vector<TimeReduction::Band> bands, const Params& params)
      : Operator(reduced(in, bands, params)),
        work_(in, std::move(bands), {{Range{0, in.time.size()}}}) {}

  static std::vector<TimeReduction::Band> pick(const Params& params, const CubeInfo& in) {
    const auto& pairs = params.reducer_bands;
    if (pairs.empty()) {
      throw Error(ErrorCode::kInvalid, "no reducer is given", "/reducer_bands",
                  "e.g. [[\"median\", \"NDVI\"]]");
    }
    if (!params.names.empty() && params.names.size() != pairs.size()) {
      throw Error(ErrorCode::kInvalid,
                  "the number of names, " + std::to_string(params.names.size()) +
                      ", is not that of reducers, " + std::to_string(pairs.size()),
                  "/names");
    }
    if (in.time.size() == 0) throw Error(ErrorCode::kInvalid, "the cube has no time slices");
    std::vector<TimeReduction::Band> bands;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const std::string where = "/reducer_bands" + pointer_step(i);
      Reducer reducer = Reducer::make(pairs[i].first, where + "/0");
      const std::size_t source = in.band(pairs[i].second, where + "/1");
      const Storage storage = reducer.result(in.bands[source].storage(), in.time.size());
      bands.push_back({source, std::move(reducer), storage});
    }
    return bands;
  }

  static CubeInfo reduced(const CubeInfo& in, const std::vector<TimeReduction::Band>& bands,
                          const Params& params) {
    CubeInfo out{in.grid, whole(in.time), {}};
    for (std::size_t i = 0; i < bands.size(); ++i) {
      const BandInfo& source = in.bands[bands[i].source];
      BandInfo band = bands[i].reducer.result_band(source, in.time.size());
      band.name =
          params.names.empty() ? source.name + "_" + bands[i].reducer.name() : params.names[i];
      out.bands.push_back(std::move(band));
    }
    check_unique_bands(out.bands, params.names.empty() ? "/reducer_bands" : "/names");
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
          "sample (n - 1), mad has no factor. which_min and which_max give the instant in seconds "
          "since 1970, or with {\"name\": \"which_max\", \"index\": true} the slice's index; the "
          "first of equal extremes counts. An own quantile is {\"quantile\": 0.333}.",
      .example =
          R"({"cube_type": "reduce_time", "reducer_bands": [["median", "band1"], ["p90", "band1"]],
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-06", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to reduce."}},
  });
}

}  // namespace ops

}  // namespace cube
