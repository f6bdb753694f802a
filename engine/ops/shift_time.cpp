#include <algorithm>
#include <cmath>

#include "engine/calendar.h"
#include "engine/error.h"
#include "engine/registry.h"
#include "engine/text.h"
#include "engine/translation.h"

namespace cube {

namespace {

// Either values move by slices, or the axis is another.
struct TimeShift {
  std::int64_t slices = 0;
  TimeAxis time;
};

class ShiftTime final : public Operator {
 public:
  struct Params {
    NumberOrText by;
    std::optional<std::string> move;

    void fields(FieldVisitor& v) {
      v.field({.name = "by",
               .help = "How far, towards later times: a number of slices, or an ISO 8601 duration "
                       "(\"P1M\"). Negative (-1, \"-P1M\"): towards earlier ones.",
               .required = true},
              by);
      v.field({.name = "move",
               .help = "values: along the axis, which stays; labels: the times of the slices "
                       "change, and each keeps its values. Default: values, but labels for a "
                       "duration on a labelled axis.",
               .choices = {"values", "labels"}},
              move);
    }
  };

  ShiftTime(const Params& params, std::span<const CubeInfo> in)
      : ShiftTime(in[0], shift_of(params, in[0].time)) {
    const Region moved = cells_.source({info().extent(), {}}).region;
    if (moved.empty()) {
      note("/by", "all slices are moved off the time axis, of " +
                      std::to_string(info().time.size()) + ", so all cells are missing");
    } else if (info().time == in[0].time && moved == in[0].extent()) {
      note("/by", "nothing is moved");
    }
  }

  Request demand(const Request& out, std::size_t) const override { return cells_.source(out); }

  std::unique_ptr<Kernel> kernel() const override { return cells_.kernel(); }

 private:
  ShiftTime(const CubeInfo& in, const TimeShift& shift)
      : Operator(shifted(in, shift)), cells_(in, info().bands, {.t = -shift.slices}) {}

  static CubeInfo shifted(CubeInfo cube, const TimeShift& shift) {
    cube.time = shift.time;
    if (shift.slices == 0) return cube;
    for (BandInfo& band : cube.bands) {
      band = with_gaps(std::move(band), "slices that no value moves to are missing");
    }
    return cube;
  }

  static TimeShift shift_of(const Params& params, const TimeAxis& in) {
    if (const auto* text = std::get_if<std::string>(&params.by)) {
      return by_duration(*text, params.move.value_or(in.is_regular() ? "values" : "labels"), in);
    }
    const double number = std::get<double>(params.by);
    if (std::floor(number) == number) {
      return by_slices(number, params.move.value_or("values"), in);
    }
    throw Error(ErrorCode::kInvalid, number_text(number) + " is no whole number of slices", "/by",
                "e.g. 1, -2, \"P1M\" or \"-P16D\"");
  }

  static TimeShift by_slices(double slices, const std::string& move, const TimeAxis& in) {
    if (move == "values") {
      // Beyond the axis' length nothing is left to move.
      const auto most = static_cast<double>(in.size());
      return {static_cast<std::int64_t>(std::clamp(slices, -most, most)), in};
    }
    if (!in.is_regular()) {
      throw Error(ErrorCode::kInvalid, "the labels of a labelled axis do not move by slices", "/by",
                  "a duration, e.g. \"P1D\"");
    }
    constexpr double kMost = 1'000'000;  // keeps steps far from overflow
    if (std::abs(slices) > kMost) {
      throw Error(ErrorCode::kInvalid, number_text(slices) + " slices are too far for labels",
                  "/by", "up to 1000000");
    }
    const auto first = static_cast<std::int64_t>(slices);
    return {0, in.window({first, first + in.size()})};
  }

  static TimeShift by_duration(const std::string& text, const std::string& move,
                               const TimeAxis& in) {
    const bool back = !text.empty() && text.front() == '-';
    const auto by = Period::parse(std::string_view(text).substr(back ? 1 : 0));
    if (!by) {
      throw Error(ErrorCode::kInvalid, "'" + text + "' is not a duration", "/by",
                  "ISO 8601 in whole units, e.g. P1M or -P16D, or a number of slices");
    }
    if (move == "labels") return {0, moved_axis(in, *by, back ? -1 : 1, text)};
    if (!in.is_regular()) {
      throw Error(ErrorCode::kInvalid, "the slices of a labelled axis have no duration", "/move",
                  "\"labels\", or a number of slices");
    }
    const std::int64_t steps = whole_steps(*by, *in.step());
    if (steps == 0) {
      throw Error(ErrorCode::kInvalid,
                  "'" + text + "' is not a whole number of the steps of " + in.step()->text(),
                  "/by", "a multiple of them, or \"move\": \"labels\"");
    }
    return by_slices(static_cast<double>(back ? -steps : steps), move, in);
  }

  // How many steps make `by`; 0 when it is no whole number of them.
  static std::int64_t whole_steps(const Period& by, const Period& step) {
    const auto seconds = [](const Period& p) { return p.days * kSecondsADay + p.seconds; };
    const std::int64_t steps =
        step.months != 0 ? by.months / step.months : seconds(by) / seconds(step);
    const bool whole = steps * step.months == by.months && steps * seconds(step) == seconds(by);
    return whole ? steps : 0;
  }

  // A regular axis stays one, unless the ends of months get in the way.
  static TimeAxis moved_axis(const TimeAxis& in, const Period& by, std::int64_t sign,
                             const std::string& text) {
    std::vector<Instant> labels;
    for (std::int64_t t = 0; t < in.size(); ++t) {
      labels.push_back(advance(in.start(t), by, sign));
      if (t == 0 || labels[labels.size() - 2] < labels.back()) continue;
      throw Error(ErrorCode::kInvalid,
                  "moved by '" + text + "', " + in.label(t) + " is not after " + in.label(t - 1),
                  "/by", "months differ in length; a duration in days, e.g. P30D");
    }
    if (!in.is_regular() || labels.empty()) return TimeAxis::labelled(std::move(labels));
    TimeAxis regular = TimeAxis::regular(labels.front(), *in.step(), in.size());
    for (std::int64_t t = 0; t < in.size(); ++t) {
      if (regular.start(t) == labels[static_cast<std::size_t>(t)]) continue;
      return TimeAxis::labelled(std::move(labels));
    }
    return regular;
  }

  Translation cells_;
};

}  // namespace

namespace ops {

OperatorType shift_time() {
  return operator_type<ShiftTime>({
      .id = "shift_time",
      .summary = "Move values along the time axis, or the times of the slices.",
      .help = "Values move as in shift of xarray: the axis stays, and slices that no value moves "
              "to are missing. With \"by\": 1 each slice has the values of the one before, so that "
              "join_bands and apply_pixel make differences in time. A number counts slices, also "
              "on a labelled axis, however far apart they are; a duration must be a whole number "
              "of the steps of a regular axis. Labels move as in shift of pandas with a freq: a "
              "slice of 2020-03-01 moved by P1Y is that of 2021-03-01, and no value is lost, so "
              "that cubes of different years can be joined. Days past the end of a month become "
              "its last one; that two slices would change places or become one is an error.",
      .example = R"({"cube_type": "shift_time", "by": 1,
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose values or times move."}},
  });
}

}  // namespace ops

}  // namespace cube
