#include "engine/error.h"
#include "engine/registry.h"
#include "engine/text.h"
#include "engine/time_groups.h"
#include "engine/time_reduction.h"

namespace cube {

namespace {

class AggregateTime final : public Operator {
 public:
  struct Params {
    std::optional<std::string> dt;
    std::optional<std::int64_t> fact;
    std::optional<std::string> period;
    std::optional<std::string> group;
    ReducerSpec func;

    void fields(FieldVisitor& v) {
      v.field({.name = "dt",
               .help = "New step, ISO 8601 (P1M, P16D). Steps start where the cube starts, rounded "
                       "down to the unit of dt."},
              dt);
      v.field({.name = "fact", .help = "How many slices make one."}, fact);
      v.field({.name = "period",
               .help = "Calendar periods. Weeks start on Monday, seasons on the first of March, "
                       "June, September and December, dekads on days 1, 11 and 21.",
               .choices = {kPeriods.begin(), kPeriods.end()}},
              period);
      v.field({.name = "group",
               .help = "Slices of the same time of year together: a climatology. The result is "
                       "labelled with dates in the year of the first slice.",
               .choices = {kCycles.begin(), kCycles.end()}},
              group);
      v.field({.name = "func", .help = "The reducer, as in reduce_time."}, func);
    }
  };

  AggregateTime(const Params& params, std::span<const CubeInfo> in)
      : AggregateTime(in[0], make_groups(params, in[0].time), Reducer::make(params.func, "/func")) {
  }

  Request demand(const Request& out, std::size_t) const override { return work_.demand(out); }
  std::unique_ptr<Kernel> kernel() const override { return work_.kernel(); }
  Cost cost(const Request& request) const override { return work_.cost(request); }
  std::optional<PullPlan> pulls(const Request& out, std::size_t) const override {
    return work_.pulls(out);
  }
  bool passes_emptiness() const override { return work_.passes_emptiness(); }

 private:
  AggregateTime(const CubeInfo& in, const TimeGroups& groups, const Reducer& reducer)
      : Operator(aggregated(in, groups, reducer)), work_(in, bands(reducer), groups.members) {}

  static TimeGroups make_groups(const Params& params, const TimeAxis& in) {
    const int given = static_cast<int>(params.dt.has_value()) + params.fact.has_value() +
                      params.period.has_value() + params.group.has_value();
    if (given != 1) {
      throw Error(ErrorCode::kInvalid,
                  std::to_string(given) + " of dt, fact, period and group are given", "",
                  "give one of them");
    }
    if (in.size() == 0) throw Error(ErrorCode::kInvalid, "the cube has no time slices");
    if (params.period) return group_by_period(in, *params.period, "/period");
    if (params.group) return group_by_cycle(in, *params.group, "/group");
    if (params.dt) {
      const auto dt = Period::parse(*params.dt);
      if (dt) return group_by_step(in, *dt, "/dt");
      throw Error(ErrorCode::kInvalid, "'" + *params.dt + "' is not a duration", "/dt",
                  "ISO 8601 in whole units, e.g. P1M, P16D, PT6H");
    }
    constexpr std::int64_t kLargest = 1'000'000;  // keeps steps far from overflow
    if (*params.fact >= 1 && *params.fact <= kLargest) return group_by_count(in, *params.fact);
    throw Error(ErrorCode::kInvalid, std::to_string(*params.fact) + " slices cannot make one",
                "/fact", "1 to " + std::to_string(kLargest));
  }

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
