#include "engine/error.h"
#include "engine/reducers.h"
#include "engine/registry.h"
#include "engine/series.h"

namespace cube {

namespace {

class CumulateTime final : public SeriesOperator {
 public:
  struct Params {
    ReducerSpec func{.name = "sum"};

    void fields(FieldVisitor& v) {
      v.field({.name = "func",
               .help = "What each slice holds of all slices up to it: sum, prod, min, max, mean, "
                       "count, var, sd, first, last, range, any, all, rms, which_min, which_max."},
              func);
    }
  };

  CumulateTime(const Params& params, std::span<const CubeInfo> in)
      : CumulateTime(in[0], checked(params)) {}

  bool passes_emptiness() const override { return !reducer_.counts(); }

 private:
  class Running final : public SeriesWork {
   public:
    explicit Running(const CumulateTime& op) : op_(op), state_(op.reducer_.state()) {}

    void run(const SeriesStrip& in, std::span<const std::size_t>,
             std::span<SeriesStrip> out) override {
      state_->begin(in.cells());
      for (std::int64_t t = in.slices().begin; t < in.slices().end; ++t) {
        const bool index = op_.reducer_.wants_index();
        state_->add(in.at(t),
                    index ? static_cast<double>(t) : epoch_seconds(op_.info().time.start(t)));
        for (SeriesStrip& strip : out) {
          if (strip.slices().contains(t)) state_->finish(strip.at(t));
        }
      }
    }

   private:
    const CumulateTime& op_;
    std::unique_ptr<ReducerState> state_;
  };

  CumulateTime(const CubeInfo& in, const Reducer& reducer)
      : SeriesOperator(cumulated(in, reducer), in), reducer_(reducer) {}

  static Reducer checked(const Params& params) {
    Reducer reducer = Reducer::make(params.func, "/func");
    if (!reducer.holds_values()) return reducer;
    throw Error(ErrorCode::kInvalid, "reducer '" + reducer.name() + "' does not cumulate", "/func",
                "one that needs no sorting, as sum, max or mean");
  }

  static CubeInfo cumulated(CubeInfo cube, const Reducer& reducer) {
    for (BandInfo& band : cube.bands) band = reducer.result_band(band, cube.time.size());
    return cube;
  }

  Range needed(const Range& slices) const override { return {0, slices.end}; }
  std::unique_ptr<SeriesWork> work() const override { return std::make_unique<Running>(*this); }
  std::int64_t work_bytes(std::int64_t cells, std::int64_t slices) const override {
    return reducer_.state_bytes(cells, slices);
  }

  Reducer reducer_;
};

}  // namespace

namespace ops {

OperatorType cumulate_time() {
  return operator_type<CumulateTime>({
      .id = "cumulate_time",
      .summary = "Running sum, maximum, ... from the first slice on.",
      .help =
          "Each slice holds what reduce_time would give of the slices up to and with it. Missing "
          "values are skipped: the running value is carried on over them, and is missing before "
          "the first value (count: 0). cumsum of xarray gives 0 there, which cannot be told "
          "from a sum of zeros.",
      .example = R"({"cube_type": "cumulate_time", "func": "sum",
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-05", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to cumulate."}},
  });
}

}  // namespace ops

}  // namespace cube
