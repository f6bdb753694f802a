#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/registry.h"
#include "engine/series.h"
#include "engine/text.h"

namespace cube {

namespace {

class FillTime final : public SeriesOperator {
 public:
  struct Params {
    std::string method = "near";
    std::optional<double> limit;

    void fields(FieldVisitor& v) {
      v.field({.name = "method",
               .help = "near: the nearest value in time, the earlier of two; linear: on the line "
                       "between the values before and after; locf: the last value before (last "
                       "observation carried forward); nocb: the first value after.",
               .choices = {"near", "linear", "locf", "nocb"}},
              method);
      v.field({.name = "limit",
               .help = "How far away a value may be: in slices on a regular axis, in days (0.25 is "
                       "6 hours) on a labelled one; linear: both values. Default: any distance."},
              limit);
    }
  };

  FillTime(const Params& params, std::span<const CubeInfo> in)
      : SeriesOperator(filled(params, in[0]), in[0]),
        linear_(params.method == "linear"),
        back_(params.method != "nocb"),
        ahead_(params.method != "locf"),
        limit_(params.limit.value_or(std::numeric_limits<double>::infinity())),
        places_(series_places(in[0].time)) {}

 private:
  class Fill;

  static CubeInfo filled(const Params& params, CubeInfo cube) {
    if (params.limit && !(*params.limit > 0)) {
      throw Error(ErrorCode::kInvalid, number_text(*params.limit) + " lets nothing be filled",
                  "/limit", "more than 0, or none");
    }
    if (params.method != "linear") return cube;
    for (BandInfo& band : cube.bands) {
      band.dtype = arithmetic_dtype(band.dtype);
      band.nodata = kMissing;
    }
    return cube;
  }

  bool near(std::int64_t a, std::int64_t b) const {
    return places_[static_cast<std::size_t>(b)] - places_[static_cast<std::size_t>(a)] <= limit_;
  }

  Range needed(const Range& slices) const override {
    Range out = slices;
    while (back_ && out.begin > 0 && near(out.begin - 1, slices.begin)) --out.begin;
    const std::int64_t last = slices.end - 1;
    while (ahead_ && out.end < info().time.size() && near(last, out.end)) ++out.end;
    return out;
  }

  std::unique_ptr<SeriesWork> work() const override;

  std::int64_t work_bytes(std::int64_t, std::int64_t slices) const override {
    return 2 * slices * std::int64_t{sizeof(std::int64_t)};
  }

  bool linear_;
  bool back_;   // values before may fill
  bool ahead_;  // values after may
  double limit_;
  std::vector<double> places_;  // of the slices, in the unit of limit_
};

class FillTime::Fill final : public SeriesWork {
 public:
  explicit Fill(const FillTime& op) : op_(op) {}

  void run(const SeriesStrip& in, std::span<const std::size_t>,
           std::span<SeriesStrip> out) override {
    for (std::size_t cell = 0; cell < in.cells(); ++cell) fill(in, out[0], cell);
  }

 private:
  // The slice of the last value before each slice, or of the first after; -1 = none.
  void find_neighbours(const SeriesStrip& in, std::size_t cell) {
    const Range& slices = in.slices();
    const auto n = static_cast<std::size_t>(slices.size());
    before_.resize(n);
    after_.resize(n);
    std::int64_t last = -1;
    for (std::size_t i = 0; i < n; ++i) {
      const std::int64_t t = slices.begin + static_cast<std::int64_t>(i);
      before_[i] = last;
      if (!std::isnan(in.at(t)[cell])) last = t;
    }
    last = -1;
    for (std::size_t i = n; i-- > 0;) {
      const std::int64_t t = slices.begin + static_cast<std::int64_t>(i);
      after_[i] = last;
      if (!std::isnan(in.at(t)[cell])) last = t;
    }
  }

  void fill(const SeriesStrip& in, SeriesStrip& out, std::size_t cell) {
    bool gaps = false;
    for (std::int64_t t = out.slices().begin; t < out.slices().end; ++t) {
      out.at(t)[cell] = in.at(t)[cell];
      gaps |= std::isnan(in.at(t)[cell]);
    }
    if (!gaps) return;
    find_neighbours(in, cell);
    for (std::int64_t t = out.slices().begin; t < out.slices().end; ++t) {
      double& value = out.at(t)[cell];
      if (!std::isnan(value)) continue;
      const auto i = static_cast<std::size_t>(t - in.slices().begin);
      const std::int64_t before = before_[i];
      const std::int64_t after = after_[i];
      const bool has_before = op_.back_ && before >= 0 && op_.near(before, t);
      const bool has_after = op_.ahead_ && after >= 0 && op_.near(t, after);
      if (op_.linear_) {
        if (has_before && has_after) value = between(in, cell, before, t, after);
      } else if (has_before && !(has_after && place(after) - place(t) < place(t) - place(before))) {
        value = in.at(before)[cell];
      } else if (has_after) {
        value = in.at(after)[cell];
      }
    }
  }

  double between(const SeriesStrip& in, std::size_t cell, std::int64_t before, std::int64_t t,
                 std::int64_t after) const {
    const double a = in.at(before)[cell];
    const double b = in.at(after)[cell];
    return a + (b - a) * ((place(t) - place(before)) / (place(after) - place(before)));
  }

  double place(std::int64_t t) const { return op_.places_[static_cast<std::size_t>(t)]; }

  const FillTime& op_;
  std::vector<std::int64_t> before_;
  std::vector<std::int64_t> after_;
};

std::unique_ptr<SeriesWork> FillTime::work() const { return std::make_unique<Fill>(*this); }

}  // namespace

namespace ops {

OperatorType fill_time() {
  return operator_type<FillTime>({
      .id = "fill_time",
      .summary = "Fill missing cells from their own series.",
      .help =
          "Distances are counted in slices on a regular time axis and taken from the times on a "
          "labelled one. linear leaves missing cells before the first and after the last value "
          "missing; its bands are floating point, with the others they keep their type.",
      .example = R"({"cube_type": "fill_time", "method": "linear", "limit": 2,
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-06", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube with gaps."}},
  });
}

}  // namespace ops

}  // namespace cube
