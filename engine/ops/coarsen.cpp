#include <algorithm>

#include "engine/cell_reduction.h"
#include "engine/error.h"
#include "engine/reducer_bands.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Coarsen final : public Operator {
 public:
  struct Factor {
    std::int64_t x = 1;
    std::int64_t y = 1;
    std::int64_t t = 1;

    void fields(FieldVisitor& v) {
      v.field({.name = "x", .help = "Columns that make one."}, x);
      v.field({.name = "y", .help = "Rows that make one."}, y);
      v.field({.name = "t", .help = "Slices that make one."}, t);
    }
  };

  struct Params {
    Factor factor;
    ReducerSpec func;
    std::string boundary = "exact";
    std::string side = "left";

    void fields(FieldVisitor& v) {
      v.field(
          {.name = "factor", .help = "How many cells make one along x, y and t.", .required = true},
          factor);
      v.field({.name = "func", .help = kReducerHelp}, func);
      v.field({.name = "boundary",
               .help = "What happens where a factor does not divide the cube: exact is an error, "
                       "pad counts the part of a window that is there, trim drops it.",
               .choices = {"exact", "pad", "trim"}},
              boundary);
      v.field({.name = "side",
               .help = "Where the first whole window starts: left is the left, top and early end "
                       "(the last window is padded or trimmed), right the other way round.",
               .choices = {"left", "right"}},
              side);
    }
  };

  Coarsen(const Params& params, std::span<const CubeInfo> in)
      : Coarsen(in[0], params.factor, Reducer::make(params.func, "/func"),
                cut(params, "t", "slices", params.factor.t, in[0].time.size()),
                cut(params, "y", "rows", params.factor.y, in[0].grid.height),
                cut(params, "x", "columns", params.factor.x, in[0].grid.width)) {
    const Factor& factor = params.factor;
    if (factor.x == 1 && factor.y == 1 && factor.t == 1) {
      note("/factor", "all factors are 1: no cells are put together");
    }
    note_large("x", "columns", factor.x, in[0].grid.width);
    note_large("y", "rows", factor.y, in[0].grid.height);
    note_large("t", "slices", factor.t, in[0].time.size());
  }

  Request demand(const Request& out, std::size_t) const override { return work_.demand(out); }
  std::unique_ptr<Kernel> kernel() const override { return work_.kernel(); }
  Stage stage() const override { return Stage::kReduce; }
  Cost cost(const Request& request) const override { return work_.cost(request); }
  bool passes_emptiness() const override { return work_.passes_emptiness(); }

 private:
  Coarsen(const CubeInfo& in, const Factor& factor, const Reducer& reducer, const CellWindows& t,
          const CellWindows& y, const CellWindows& x)
      : Coarsen(in, factor, t, y, x,
                CellReduction(in, reducer, t, y, x, CellReduction::Position::kTime)) {}

  Coarsen(const CubeInfo& in, const Factor& factor, const CellWindows& t, const CellWindows& y,
          const CellWindows& x, CellReduction work)
      : Operator({in.grid.window(y.whole({0, y.count}), x.whole({0, x.count}))
                      .coarsened(factor.y, factor.x),
                  times(in.time, t, factor.t), work.bands()}),
        work_(std::move(work)) {}

  // A window that is padded can be larger than the cube.
  void note_large(const std::string& axis, const std::string& cells, std::int64_t factor,
                  std::int64_t size) {
    if (factor <= size) return;
    note("/factor/" + axis, std::to_string(factor) + " " + cells + " of a cube of " +
                                std::to_string(size) + " make one");
  }

  static CellWindows cut(const Params& params, const std::string& axis, const std::string& cells,
                         std::int64_t factor, std::int64_t size) {
    const std::string where = "/factor/" + axis;
    constexpr std::int64_t kLargest = 1'000'000;  // three of them multiply without overflow
    if (factor < 1 || factor > kLargest) {
      throw Error(ErrorCode::kInvalid, std::to_string(factor) + " " + cells + " cannot make one",
                  where, "1 to " + std::to_string(kLargest));
    }
    CellWindows out{0, static_cast<double>(factor), size, size / factor};
    const std::int64_t rest = size % factor;
    const bool right = params.side == "right";
    if (rest == 0) return out;
    if (params.boundary == "pad") {
      out.count += 1;
      if (right) out.begin = static_cast<double>(rest - factor);
    } else if (params.boundary == "trim") {
      if (right) out.begin = static_cast<double>(rest);
    } else {
      throw Error(
          ErrorCode::kInvalid,
          std::to_string(size) + " " + cells + " are not a multiple of " + std::to_string(factor),
          where, divisors(size, factor) + "; or \"boundary\": \"pad\" or \"trim\"");
    }
    if (out.count > 0) return out;
    throw Error(ErrorCode::kInvalid,
                "trimming leaves nothing of " + std::to_string(size) + " " + cells, where,
                "at most " + std::to_string(size));
  }

  // The nearest factors that do divide: "3 and 6 divide them".
  static std::string divisors(std::int64_t size, std::int64_t factor) {
    std::int64_t below = std::min(factor, size);
    while (size % below != 0) --below;
    std::int64_t above = std::min(factor, size);
    while (size % above != 0) ++above;
    if (below == above) return std::to_string(below) + " divides them";
    return std::to_string(below) + " and " + std::to_string(above) + " divide them";
  }

  static TimeAxis times(const TimeAxis& in, const CellWindows& t, std::int64_t factor) {
    if (factor == 1) return in;
    if (in.is_regular()) {
      const Period& step = *in.step();
      const Period longer{step.months * factor, step.days * factor, step.seconds * factor};
      return TimeAxis::regular(in.start(t.first(0)), longer, t.count);
    }
    std::vector<Instant> labels;
    for (std::int64_t i = 0; i < t.count; ++i) labels.push_back(in.start(t.inside(i).begin));
    return TimeAxis::labelled(std::move(labels));
  }

  CellReduction work_;
};

}  // namespace

namespace ops {

OperatorType coarsen() {
  return operator_type<Coarsen>({
      .id = "coarsen",
      .summary = "Reduce blocks of neighbouring cells to one, in space and time.",
      .help =
          "As coarsen of xarray: windows do not overlap and are anchored at the top left (side "
          "\"left\") or the bottom right. All bands are reduced and keep their names; missing "
          "values are skipped, of nothing count is 0 and everything else missing. Cell sizes and "
          "time steps are multiplied; a slice of a labelled time axis takes the first instant of "
          "its window. which_min and which_max give instants, or with \"index\": true slices of "
          "the cube. aggregate_space makes cells of any size.",
      .example = R"({"cube_type": "coarsen", "factor": {"x": 2, "y": 3}, "func": "mean",
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to coarsen."}},
  });
}

}  // namespace ops

}  // namespace cube
