#include <algorithm>

#include "engine/error.h"
#include "engine/registry.h"
#include "engine/translation.h"

namespace cube {

namespace {

class ShiftTime final : public Operator {
 public:
  struct Params {
    std::int64_t by = 0;

    void fields(FieldVisitor& v) {
      v.field({.name = "by",
               .help = "How many slices the values move towards later times; negative: towards "
                       "earlier ones.",
               .required = true},
              by);
    }
  };

  ShiftTime(const Params& params, std::span<const CubeInfo> in)
      : Operator(shifted(in[0], params.by)),
        cells_(in[0], info().bands, {.t = -slices(params.by, in[0].time)}) {}

  Request demand(const Request& out, std::size_t) const override { return cells_.source(out); }

  std::unique_ptr<Kernel> kernel() const override { return cells_.kernel(); }

 private:
  // Beyond the axis' length nothing is left to move, and indices stay far from overflow.
  static std::int64_t slices(std::int64_t by, const TimeAxis& time) {
    return std::clamp(by, -time.size(), time.size());
  }

  static CubeInfo shifted(CubeInfo cube, std::int64_t by) {
    if (by == 0) return cube;
    for (BandInfo& band : cube.bands) {
      band = with_gaps(std::move(band), "slices that no value moves to are missing");
    }
    return cube;
  }

  Translation cells_;
};

}  // namespace

namespace ops {

OperatorType shift_time() {
  return operator_type<ShiftTime>({
      .id = "shift_time",
      .summary = "Move values along the time axis by whole slices.",
      .help = "As shift of xarray: the axis stays, and slices that no value moves to are missing. "
              "With \"by\": 1 each slice has the values of the one before, so that join_bands and "
              "apply_pixel make differences in time. On a labelled axis too it is slices that are "
              "counted, however far apart they are.",
      .example = R"({"cube_type": "shift_time", "by": 1,
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose values move."}},
  });
}

}  // namespace ops

}  // namespace cube
