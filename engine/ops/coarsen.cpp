#include <algorithm>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/reducers.h"
#include "engine/registry.h"

namespace cube {

namespace {

// How one axis is cut into windows of `factor` cells: window i starts at input cell
// begin + i * factor and may stick out at either end of the axis ("pad").
struct Windows {
  std::int64_t factor = 1;
  std::int64_t size = 0;   // of the input
  std::int64_t begin = 0;  // negative where the first window sticks out
  std::int64_t count = 0;

  Range whole(const Range& windows) const {
    return {begin + windows.begin * factor, begin + windows.end * factor};
  }
  Range inside(const Range& windows) const { return intersect(whole(windows), Range{0, size}); }
  Range inside(std::int64_t window) const { return inside(Range{window, window + 1}); }
};

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
      v.field({.name = "func", .help = "The reducer, as in reduce_time."}, func);
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
      : Coarsen(in[0], Reducer::make(params.func, "/func"),
                cut(params, "t", "slices", params.factor.t, in[0].time.size()),
                cut(params, "y", "rows", params.factor.y, in[0].grid.height),
                cut(params, "x", "columns", params.factor.x, in[0].grid.width)) {}

  Request demand(const Request& out, std::size_t) const override {
    return {{t_.inside(out.region.t), y_.inside(out.region.y), x_.inside(out.region.x)}, out.bands};
  }

  std::unique_ptr<Kernel> kernel() const override;

  Cost cost(const Request& request) const override {
    const auto cell = static_cast<std::int64_t>(sizeof(double));
    Cost cost;
    cost.scratch_bytes =
        request.region.x.size() * (reducer_.state_bytes(window_cells()) + 2 * cell);
    return cost;
  }

  bool passes_emptiness() const override { return !reducer_.counts(); }

 private:
  class Work;

  Coarsen(const CubeInfo& in, const Reducer& reducer, const Windows& t, const Windows& y,
          const Windows& x)
      : Operator(coarsened(in, reducer, t, y, x)),
        reducer_(reducer),
        t_(t),
        y_(y),
        x_(x),
        in_time_(in.time) {}

  static Windows cut(const Params& params, const std::string& axis, const std::string& cells,
                     std::int64_t factor, std::int64_t size) {
    const std::string where = "/factor/" + axis;
    constexpr std::int64_t kLargest = 1'000'000;  // three of them multiply without overflow
    if (factor < 1 || factor > kLargest) {
      throw Error(ErrorCode::kInvalid, std::to_string(factor) + " " + cells + " cannot make one",
                  where, "1 to " + std::to_string(kLargest));
    }
    Windows out{factor, size, 0, size / factor};
    const std::int64_t rest = size % factor;
    const bool right = params.side == "right";
    if (rest == 0) return out;
    if (params.boundary == "pad") {
      out.count += 1;
      if (right) out.begin = rest - factor;
    } else if (params.boundary == "trim") {
      if (right) out.begin = rest;
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

  static CubeInfo coarsened(const CubeInfo& in, const Reducer& reducer, const Windows& t,
                            const Windows& y, const Windows& x) {
    const Grid whole = in.grid.window(y.whole({0, y.count}), x.whole({0, x.count}));
    CubeInfo out{whole.coarsened(y.factor, x.factor), times(in.time, t), {}};
    for (const BandInfo& band : in.bands) {
      out.bands.push_back(reducer.result_band(band, t.factor * y.factor * x.factor));
    }
    return out;
  }

  static TimeAxis times(const TimeAxis& in, const Windows& t) {
    if (t.factor == 1) return in;
    if (in.is_regular()) {
      const Period& step = *in.step();
      const Period longer{step.months * t.factor, step.days * t.factor, step.seconds * t.factor};
      return TimeAxis::regular(in.start(t.begin), longer, t.count);
    }
    std::vector<Instant> labels;
    for (std::int64_t i = 0; i < t.count; ++i) labels.push_back(in.start(t.inside(i).begin));
    return TimeAxis::labelled(std::move(labels));
  }

  std::int64_t window_cells() const { return t_.factor * y_.factor * x_.factor; }

  Reducer reducer_;
  Windows t_;
  Windows y_;
  Windows x_;
  TimeAxis in_time_;
};

// Windows are filled slice by slice, row by row, from left to right.
class Coarsen::Work final : public Kernel {
 public:
  explicit Work(const Coarsen& op) : op_(op), state_(op.reducer_.state()) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    const Region& region = request.region;
    std::vector<std::optional<Block>> blocks(request.bands.size());
    if (op_.reducer_.counts()) {  // zeros stand where nothing comes
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i].emplace(region, op_.info().bands[request.bands[i]].storage());
      }
    }
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      const Region window{op_.t_.inside(t), op_.y_.inside(region.y), op_.x_.inside(region.x)};
      const Chunk in = inputs.pull(0, {window, request.bands});
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!in.bands[i]) continue;
        if (!blocks[i]) {
          blocks[i].emplace(region, op_.info().bands[request.bands[i]].storage());
        }
        reduce(*in.bands[i], t, *blocks[i]);
      }
    }
    Chunk out{region, {}};
    for (auto& block : blocks) out.bands.push_back(block ? share(std::move(*block)) : nullptr);
    return out;
  }

 private:
  // Slice t of the result.
  void reduce(const Block& in, std::int64_t t, Block& out) {
    const Range& columns = out.region().x;
    const auto n = static_cast<std::size_t>(columns.size());
    strip_.resize(n);
    for (std::int64_t y = out.region().y.begin; y < out.region().y.end; ++y) {
      state_->begin(n);
      const Range slices = op_.t_.inside(t);
      const Range rows = op_.y_.inside(y);
      for (std::int64_t s = slices.begin; s < slices.end; ++s) {
        const double position = op_.reducer_.wants_index() ? static_cast<double>(s)
                                                           : epoch_seconds(op_.in_time_.start(s));
        for (std::int64_t r = rows.begin; r < rows.end; ++r) {
          add_row(in.row(s, r, row_), in.region().x, columns, position);
        }
      }
      state_->finish(strip_);
      out.set_row(t, y, strip_);
    }
  }

  // Cell k of every window makes a strip; a cell outside the cube is missing.
  void add_row(std::span<const double> row, const Range& there, const Range& columns,
               double position) {
    const std::int64_t factor = op_.x_.factor;
    const std::int64_t first = op_.x_.whole(columns).begin - there.begin;
    const auto size = static_cast<std::int64_t>(row.size());
    for (std::int64_t k = 0; k < factor; ++k) {
      for (std::size_t i = 0; i < strip_.size(); ++i) {
        const std::int64_t x = first + static_cast<std::int64_t>(i) * factor + k;
        strip_[i] = x >= 0 && x < size ? row[static_cast<std::size_t>(x)] : kMissing;
      }
      state_->add(strip_, position);
    }
  }

  const Coarsen& op_;
  std::unique_ptr<ReducerState> state_;
  std::vector<double> strip_;
  std::vector<double> row_;
};

std::unique_ptr<Kernel> Coarsen::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType coarsen() {
  return operator_type<Coarsen>({
      .id = "coarsen",
      .summary = "Reduce blocks of neighbouring cells to one, in space and time.",
      .help =
          "As coarsen of xarray: windows do not overlap and are anchored at the top left (side "
          "\"left\") or the bottom right. Missing values are skipped. Cell sizes and time steps "
          "are multiplied; a slice of a labelled time axis takes the first instant of its window.",
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
