#include <algorithm>

#include "engine/error.h"
#include "engine/find_slice.h"
#include "engine/missing.h"
#include "engine/reducers.h"
#include "engine/registry.h"
#include "engine/series.h"
#include "engine/time_groups.h"

namespace cube {

namespace {

class Anomaly final : public SeriesOperator {
 public:
  struct Baseline {
    std::optional<std::string> t0, t1;

    void fields(FieldVisitor& v) {
      v.field({.name = "t0", .help = "Start, e.g. \"1991\"; default: the cube's."}, t0);
      v.field({.name = "t1", .help = "End, inclusive: \"2020\" reaches to the end of 2020."}, t1);
    }
  };

  struct Params {
    std::optional<std::string> group;
    std::optional<Baseline> baseline;
    std::string func = "mean";
    std::string method = "difference";

    void fields(FieldVisitor& v) {
      v.field({.name = "group",
               .help = "Slices that are compared with each other: those of the same month, season "
                       "(from March, June, September, December), dekad (from day 1, 11, 21) or day "
                       "of the year, or the same year. Default: all.",
               .choices = {kCycles.begin(), kCycles.end()}},
              group);
      v.field(
          {.name = "baseline",
           .help = "The time that is normal: slices that start in it. Default: the whole cube."},
          baseline);
      v.field({.name = "func",
               .help = "What of these slices is normal.",
               .choices = {"mean", "median"}},
              func);
      v.field({.name = "method",
               .help = "difference: value - normal; relative: (value - normal) / normal; "
                       "standardized: (value - normal) / sd, the sd of a sample (n - 1) about the "
                       "mean.",
               .choices = {"difference", "relative", "standardized"}},
              method);
    }
  };

  Anomaly(const Params& params, std::span<const CubeInfo> in)
      : SeriesOperator(described(params, in[0]), in[0]),
        method_(method_of(params.method)),
        normal_(Reducer::make({.name = params.func}, "")),
        sd_(Reducer::make({.name = "sd"}, "")) {
    for (const BandInfo& band : in[0].bands) zeros_.push_back(-band.offset / band.scale);
    make_groups(params, in[0].time);
  }

 private:
  enum class Method : std::uint8_t { kDifference, kRelative, kStandardized };
  // Slices that are compared with each other, ascending, and those of them that are normal.
  struct Group {
    std::vector<std::int64_t> slices;
    std::vector<std::int64_t> baseline;
  };
  class Compare;

  static Method method_of(const std::string& name) {
    return name == "relative"       ? Method::kRelative
           : name == "standardized" ? Method::kStandardized
                                    : Method::kDifference;
  }

  static CubeInfo described(const Params& params, CubeInfo cube) {
    for (BandInfo& band : cube.bands) {
      set_computed(band);
      band.offset = 0;
      band.alias.clear();
      if (params.method == "difference") continue;
      band.scale = 1;
      band.unit = std::string("1");
    }
    return cube;
  }

  void make_groups(const Params& params, const TimeAxis& time) {
    if (time.size() == 0) throw Error(ErrorCode::kInvalid, "the cube has no time slices");
    const Baseline baseline = params.baseline.value_or(Baseline());
    const Range normal = slices_between(baseline.t0, baseline.t1, time, "/baseline");
    std::vector<std::vector<Range>> members = {{Range{0, time.size()}}};
    if (params.group) members = group_by_cycle(time, *params.group, "/group").members;
    group_of_.resize(static_cast<std::size_t>(time.size()));
    for (std::size_t g = 0; g < members.size(); ++g) {
      groups_.emplace_back();
      for (const Range& range : members[g]) {
        for (std::int64_t t = range.begin; t < range.end; ++t) {
          group_of_[static_cast<std::size_t>(t)] = g;
          groups_[g].slices.push_back(t);
          if (normal.contains(t)) groups_[g].baseline.push_back(t);
        }
      }
    }
  }

  std::size_t group_of(std::int64_t t) const { return group_of_[static_cast<std::size_t>(t)]; }

  Range needed(const Range& slices) const override {
    Range out = slices;
    for (std::int64_t t = slices.begin; t < slices.end; ++t) {
      const auto& baseline = groups_[group_of(t)].baseline;
      if (baseline.empty()) continue;
      out = {std::min(out.begin, baseline.front()), std::max(out.end, baseline.back() + 1)};
    }
    return out;
  }

  std::unique_ptr<SeriesWork> work() const override;

  std::int64_t work_bytes(std::int64_t cells, std::int64_t slices) const override {
    constexpr std::int64_t kStrips = 2 * sizeof(double);
    return normal_.state_bytes(cells, slices) + sd_.state_bytes(cells, slices) + cells * kStrips;
  }

  Method method_;
  Reducer normal_;
  Reducer sd_;
  std::vector<double> zeros_;          // the stored value of 0, of each band
  std::vector<std::size_t> group_of_;  // of each slice
  std::vector<Group> groups_;
};

class Anomaly::Compare final : public SeriesWork {
 public:
  explicit Compare(const Anomaly& op)
      : op_(op),
        normal_state_(op.normal_.state(op.info().time.size())),
        sd_state_(op.sd_.state()) {}

  void run(const SeriesStrip& in, std::span<const std::size_t> bands,
           std::span<SeriesStrip> out) override {
    const Range slices = out[0].slices();
    for (const Group& group : op_.groups_) {
      bool known = false;
      for (auto t = std::lower_bound(group.slices.begin(), group.slices.end(), slices.begin);
           t != group.slices.end() && *t < slices.end; ++t) {
        if (!known) find_normal(in, group.baseline, op_.zeros_[bands[0]]);
        known = true;
        const auto values = in.at(*t);
        const auto anomalies = out[0].at(*t);
        for (std::size_t i = 0; i < values.size(); ++i) {
          anomalies[i] = (values[i] - normals_[i]) / units_[i];
        }
      }
    }
  }

 private:
  // normals_ and what differences from them are divided by. What would be divided by 0 is missing.
  void find_normal(const SeriesStrip& in, std::span<const std::int64_t> baseline, double zero) {
    const bool standardized = op_.method_ == Method::kStandardized;
    normal_state_->begin(in.cells());
    sd_state_->begin(in.cells());
    for (const std::int64_t t : baseline) {
      normal_state_->add(in.at(t), 0);
      if (standardized) sd_state_->add(in.at(t), 0);
    }
    normals_.resize(in.cells());
    units_.assign(in.cells(), 1.0);
    normal_state_->finish(normals_);
    if (op_.method_ == Method::kDifference) return;
    if (standardized) sd_state_->finish(units_);
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if (!standardized) units_[i] = normals_[i] - zero;
      if (units_[i] == 0) units_[i] = kMissing;
    }
  }

  const Anomaly& op_;
  std::unique_ptr<ReducerState> normal_state_;
  std::unique_ptr<ReducerState> sd_state_;
  std::vector<double> normals_;
  std::vector<double> units_;
};

std::unique_ptr<SeriesWork> Anomaly::work() const { return std::make_unique<Compare>(*this); }

}  // namespace

namespace ops {

OperatorType anomaly() {
  return operator_type<Anomaly>({
      .id = "anomaly",
      .summary = "How far values are from what is normal for the time of year.",
      .help =
          "What is normal is the mean (or median) of the baseline's slices (of the same group), "
          "missing values skipped. A cell is missing where it or its normal is, also where its "
          "group has no slice in the baseline; relative: where the normal is 0; standardized: "
          "where the standard deviation is 0 or of fewer than two values. relative takes a "
          "band's offset into account. All bands are computed, keep their names and become float32 "
          "or float64.",
      .example = R"({"cube_type": "anomaly", "group": "month", "baseline": {"t1": "2021"},
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2022-06", "dt": "P3M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose values are compared."}},
  });
}

}  // namespace ops

}  // namespace cube
