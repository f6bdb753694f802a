#include <cmath>

#include "engine/error.h"
#include "engine/find_slice.h"
#include "engine/registry.h"
#include "engine/text.h"
#include "engine/translation.h"

namespace cube {

namespace {

class SliceTime final : public Operator {
 public:
  struct Params {
    std::optional<NumberOrText> t;
    std::optional<std::int64_t> it;

    void fields(FieldVisitor& v) {
      v.field(
          {.name = "t",
           .help = "A time: the slice that holds it, or the only one that starts in the span it "
                   "names (2018-03-05 finds the label 2018-03-05T10:20:30). A number is the "
                   "slice's index, as in gdalcubes. On a regular axis a time that is coarser than "
                   "a slice, as "
                   "2020 on months, stands for its start."},
          t);
      v.field({.name = "it", .help = "Or the slice's index, from 0."}, it);
    }
  };

  SliceTime(const Params& params, std::span<const CubeInfo> in)
      : SliceTime(in[0], slice_of(params, in[0].time)) {}

  Request demand(const Request& out, std::size_t) const override { return cells_.source(out); }

  std::unique_ptr<Kernel> kernel() const override { return cells_.kernel(); }

 private:
  SliceTime(const CubeInfo& in, std::int64_t slice)
      : Operator({in.grid, in.time.window({slice, slice + 1}), in.bands}),
        cells_(in, info().bands, {.t = slice}) {}

  static std::int64_t slice_of(const Params& params, const TimeAxis& time) {
    if (params.t && params.it) {
      throw Error(ErrorCode::kInvalid, "a time and an index cannot both be given", "/it",
                  "t or it");
    }
    if (!params.t && !params.it) {
      throw Error(ErrorCode::kInvalid, "which slice is not given", "", "t or it");
    }
    if (params.it) return checked(static_cast<double>(*params.it), time, "/it");
    if (const auto* text = std::get_if<std::string>(&*params.t)) {
      return find_slice(*text, time, "/t");
    }
    return checked(std::get<double>(*params.t), time, "/t");
  }

  static std::int64_t checked(double slice, const TimeAxis& time, const std::string& where) {
    if (slice >= 0 && slice < static_cast<double>(time.size()) && slice == std::floor(slice)) {
      return static_cast<std::int64_t>(slice);
    }
    throw Error(ErrorCode::kInvalid, none_of(number_text(slice), time.size(), "slice"), where,
                time.size() == 0 ? "" : range_text(0, time.size() - 1));
  }

  Translation cells_;
};

}  // namespace

namespace ops {

OperatorType slice_time() {
  return operator_type<SliceTime>({
      .id = "slice_time",
      .summary = "One time slice.",
      .help = "The slice keeps its time and, on a regular axis, its span. Others are not read.",
      .example = R"({"cube_type": "slice_time", "t": "2020-01-14",
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to take the slice of."}},
  });
}

}  // namespace ops

}  // namespace cube
