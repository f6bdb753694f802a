#include "engine/reducer_bands.h"
#include "engine/registry.h"
#include "engine/time_grouping.h"
#include "engine/time_reduction.h"

namespace cube {

namespace {

class AggregateTime final : public Operator {
 public:
  struct Params : TimeGrouping {
    ReducerSpec func;

    void fields(FieldVisitor& v) {
      TimeGrouping::fields(v);
      v.field({.name = "func", .help = kReducerHelp}, func);
    }
  };

  AggregateTime(const Params& params, std::span<const CubeInfo> in)
      : AggregateTime(in[0], params.groups(in[0].time), Reducer::make(params.func, "/func")) {
    if (params.groups(in[0].time).longest() > 1) return;
    note(params.key(), "no two slices of the cube belong together: nothing is aggregated");
  }

  Request demand(const Request& out, std::size_t) const override { return work_.demand(out); }
  std::unique_ptr<Kernel> kernel() const override { return work_.kernel(); }
  Stage stage() const override { return Stage::kReduce; }
  Cost cost(const Request& request) const override { return work_.cost(request); }
  std::optional<PullPlan> pulls(const Request& out, std::size_t) const override {
    return work_.pulls(out);
  }
  bool passes_emptiness() const override { return work_.passes_emptiness(); }

 private:
  AggregateTime(const CubeInfo& in, const TimeGroups& groups, const Reducer& reducer)
      : Operator(aggregated(in, groups, reducer)), work_(in, bands(reducer), groups.members) {}

  // A slice without input has missing cells, also where the input never has.
  static CubeInfo aggregated(const CubeInfo& in, const TimeGroups& groups, const Reducer& reducer) {
    CubeInfo out{in.grid, groups.axis, {}};
    for (BandInfo band : in.bands) {
      if (groups.has_gaps() && !reducer.counts()) {
        band = with_gaps(std::move(band), "some slices have no input");
      }
      out.bands.push_back(reducer.result_band(band, groups.longest()));
    }
    return out;
  }

  std::vector<TimeReduction::Band> bands(const Reducer& reducer) const {
    std::vector<TimeReduction::Band> out;
    for (std::size_t i = 0; i < info().bands.size(); ++i) {
      out.push_back({i, reducer, info().bands[i].storage()});
    }
    return out;
  }

  TimeReduction work_;
};

}  // namespace

namespace ops {

OperatorType aggregate_time() {
  return operator_type<AggregateTime>({
      .id = "aggregate_time",
      .summary = "Aggregate slices to coarser time steps or to a climatology.",
      .help =
          "One of dt, fact, period and group says which slices belong together; a slice belongs to "
          "the step that its start falls into. All bands are reduced and keep their names. Steps "
          "without any slice are missing (count: 0). The last group of fact may be shorter.",
      .example = R"({"cube_type": "aggregate_time", "period": "season", "func": "median",
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-12", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to aggregate."}},
  });
}

}  // namespace ops

}  // namespace cube
