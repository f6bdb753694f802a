#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/formula_rows.h"
#include "engine/missing.h"
#include "engine/registry.h"
#include "engine/slabs.h"
#include "engine/time_grouping.h"

namespace cube {

namespace {

class BestTime final : public Operator {
 public:
  struct Params : TimeGrouping {
    std::string by;
    std::string order = "max";
    std::optional<std::string> time_band;

    void fields(FieldVisitor& v) {
      v.field({.name = "by",
               .help = "Formula over the bands that says how good a slice is at a cell, "
                       "e.g. \"nd(B08, B04)\".",
               .required = true},
              by);
      v.field({.name = "order",
               .help = "Whether the highest or the lowest is best.",
               .choices = {"max", "min"}},
              order);
      v.field({.name = "time_band",
               .help = "Name of a further band, put last: the start of the slice that is taken, in "
                       "seconds since 1970."},
              time_band);
      TimeGrouping::fields(v);
    }
  };

  BestTime(const Params& params, std::span<const CubeInfo> in)
      : BestTime(params, in[0], groups_of(params, in[0].time)) {}

  Request demand(const Request& out, std::size_t) const override {
    Request in{{hull_of(groups_.members, out.region.t), out.region.y, out.region.x},
               united(taken(out.bands), formula_.bands())};
    if (in.bands.empty()) in.region = {};
    return in;
  }

  std::optional<PullPlan> pulls(const Request& out, std::size_t) const override {
    return PullPlan{std::min(groups_.longest(), slabs_.slices(demand(out, 0))), 0};
  }

  std::unique_ptr<Kernel> kernel() const override;
  Stage stage() const override { return Stage::kReduce; }

  Cost cost(const Request& request) const override {
    const Region& region = request.region;
    const auto rows = static_cast<std::int64_t>(formula_.bands().size() + 3) * region.x.size();
    Cost cost;
    cost.scratch_bytes = region.y.size() * region.x.size() * (kValue + kSlice) + rows * kValue;
    return cost;
  }

  bool passes_emptiness() const override { return !formula_.survives_missing(); }

 private:
  class Work;

  BestTime(const Params& params, const CubeInfo& in, TimeGroups groups)
      : Operator(composed(params, in, groups)),
        formula_(params.by, in, "/by"),
        sign_(params.order == "max" ? 1.0 : -1.0),
        input_(in),
        groups_(std::move(groups)),
        slabs_(in) {
    if (!formula_.constant()) return;
    note("/by", "names no band and is the same for all slices: the first is always taken");
  }

  // Without a grouping all slices belong together.
  static TimeGroups groups_of(const Params& params, const TimeAxis& in) {
    if (in.size() == 0) throw Error(ErrorCode::kInvalid, "the cube has no time slices");
    if (params.given() > 0) return params.groups(in);
    return {whole_axis(in), {{Range{0, in.size()}}}};
  }

  static constexpr std::int64_t kValue = sizeof(double);
  static constexpr std::int64_t kSlice = sizeof(std::int32_t);

  static CubeInfo composed(const Params& params, const CubeInfo& in, const TimeGroups& groups) {
    CubeInfo out{in.grid, groups.axis, {}};
    for (BandInfo band : in.bands) {
      out.bands.push_back(with_gaps(std::move(band), "missing where no slice can be best"));
    }
    if (!params.time_band) return out;
    if (params.time_band->empty()) {
      throw Error(ErrorCode::kInvalid, "a band needs a name", "/time_band");
    }
    BandInfo time;
    time.name = *params.time_band;
    time.dtype = DType::kFloat64;
    time.nodata = kMissing;
    time.unit = "seconds since 1970-01-01 00:00:00";
    out.bands.push_back(std::move(time));
    check_unique_bands(out.bands, "/time_band");
    return out;
  }

  bool is_time(std::size_t band) const { return band == input_.bands.size(); }

  // The bands of the input among those of the result.
  std::vector<std::size_t> taken(const std::vector<std::size_t>& bands) const {
    std::vector<std::size_t> out;
    for (const std::size_t band : bands) {
      if (!is_time(band)) out.push_back(band);
    }
    return out;
  }

  Formula formula_;
  double sign_;  // of the formula, so that the highest is best
  CubeInfo input_;
  TimeGroups groups_;
  Slabs slabs_;
};

class BestTime::Work final : public Kernel {
 public:
  explicit Work(const BestTime& op) : op_(op), rows_(op.formula_, op.input_) {}

  Chunk run(const Request& request, Inputs& inputs) override {
    request_ = &request;
    blocks_.clear();
    blocks_.resize(request.bands.size());
    for (std::int64_t t = request.region.t.begin; t < request.region.t.end; ++t) compose(t, inputs);
    Chunk out{request.region, {}};
    for (auto& block : blocks_) out.bands.push_back(block ? share(std::move(*block)) : nullptr);
    return out;
  }

 private:
  // Slice t of the result: the formula's bands first, slab by slab; the others only where some
  // slice of it is the best so far.
  void compose(std::int64_t t, Inputs& inputs) {
    t_ = t;
    const Region& region = request_->region;
    best_.assign(static_cast<std::size_t>(region.y.size() * region.x.size()), kMissing);
    slice_.assign(best_.size(), -1);
    const std::vector<std::size_t>& tested = op_.formula_.bands();
    const std::int64_t step = op_.slabs_.slices(op_.demand(*request_, 0));
    for (const Range& group : op_.groups_.members[static_cast<std::size_t>(t)]) {
      for (std::int64_t first = group.begin; first < group.end; first += step) {
        const Region slab{{first, std::min(first + step, group.end)}, region.y, region.x};
        Chunk test{slab, {}};
        if (!tested.empty()) test = inputs.pull(0, {slab, tested});
        const Range better = find_better(test);
        if (!better.empty()) take(better, test, inputs);
      }
    }
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (op_.is_time(request_->bands[i])) store_times(i);
    }
  }

  // Notes the slices of the slab that are the best so far at some cell; a range that holds them.
  Range find_better(const Chunk& test) {
    Range found;
    if (rows_.surely_missing(test, op_.formula_.bands())) return found;
    const Region& region = test.region;
    row_.resize(static_cast<std::size_t>(region.x.size()));
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      bool any = false;
      for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
        rows_.run(test, op_.formula_.bands(), region, t, y, row_);
        const std::size_t first = first_of(y);
        for (std::size_t x = 0; x < row_.size(); ++x) {
          const double value = op_.sign_ * row_[x];
          double& best = best_[first + x];
          if (!(value > best || (std::isnan(best) && !std::isnan(value)))) continue;
          best = value;
          slice_[first + x] = static_cast<std::int32_t>(t);
          any = true;
        }
      }
      if (any) found = found.empty() ? Range{t, t + 1} : Range{found.begin, t + 1};
    }
    return found;
  }

  // Takes the cells whose best slice is one of `slices`, in all bands.
  void take(const Range& slices, const Chunk& test, Inputs& inputs) {
    const std::vector<std::size_t>& tested = op_.formula_.bands();
    Request others{{slices, test.region.y, test.region.x}, {}};
    for (const std::size_t band : op_.taken(request_->bands)) {
      if (!std::binary_search(tested.begin(), tested.end(), band)) others.bands.push_back(band);
    }
    const Chunk more = others.bands.empty() ? Chunk{} : inputs.pull(0, others);
    std::size_t next = 0;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const std::size_t band = request_->bands[i];
      if (op_.is_time(band)) continue;
      const auto place = std::lower_bound(tested.begin(), tested.end(), band);
      const bool has = place != tested.end() && *place == band;
      take_band(
          i, slices,
          has ? test.bands[static_cast<std::size_t>(place - tested.begin())] : more.bands[next++]);
    }
  }

  void take_band(std::size_t i, const Range& slices, const BlockPtr& from) {
    if (!from && !blocks_[i]) return;
    make_block(i);
    const Region& region = request_->region;
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      const auto first = slice_.begin() + static_cast<std::ptrdiff_t>(first_of(y));
      const auto last = first + static_cast<std::ptrdiff_t>(region.x.size());
      const auto old = blocks_[i]->row(t_, y, scratch_);
      row_.assign(old.begin(), old.end());
      for (std::int64_t t = slices.begin; t < slices.end; ++t) {
        if (std::find(first, last, static_cast<std::int32_t>(t)) == last) continue;
        const auto values = from ? from->row(t, y, scratch_) : std::span<const double>();
        for (std::size_t x = 0; x < row_.size(); ++x) {
          if (first[static_cast<std::ptrdiff_t>(x)] != t) continue;
          row_[x] = from ? values[x] : kMissing;
        }
      }
      blocks_[i]->set_row(t_, y, row_);
    }
  }

  void make_block(std::size_t i) {
    if (blocks_[i]) return;
    blocks_[i].emplace(request_->region, op_.info().bands[request_->bands[i]].storage());
  }

  void store_times(std::size_t i) {
    make_block(i);
    const Region& region = request_->region;
    row_.resize(static_cast<std::size_t>(region.x.size()));
    for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
      for (std::size_t x = 0; x < row_.size(); ++x) {
        const std::int32_t t = slice_[first_of(y) + x];
        row_[x] = t < 0 ? kMissing : epoch_seconds(op_.input_.time.start(t));
      }
      blocks_[i]->set_row(t_, y, row_);
    }
  }

  // Index of the first cell of a row.
  std::size_t first_of(std::int64_t y) const {
    return static_cast<std::size_t>((y - request_->region.y.begin) * request_->region.x.size());
  }

  const BestTime& op_;
  FormulaRows rows_;
  const Request* request_ = nullptr;  // the one that runs
  std::int64_t t_ = 0;                // slice of the result that is made
  std::vector<double> best_;          // of the formula with its sign, cell by cell
  std::vector<std::int32_t> slice_;   // that has it; -1 = none yet
  std::vector<std::optional<Block>> blocks_;
  std::vector<double> row_;
  std::vector<double> scratch_;
};

std::unique_ptr<Kernel> BestTime::kernel() const { return std::make_unique<Work>(*this); }

}  // namespace

namespace ops {

OperatorType best_time() {
  return operator_type<BestTime>({
      .id = "best_time",
      .summary = "Each pixel, in all bands, from the slice where a formula is best.",
      .help =
          std::string(
              "A greenest pixel, least cloudy pixel or latest pixel (\"t0\") composite: of one "
              "slice, "
              "as long as the cube, or with one of dt, fact, period and group of a slice each "
              "step, "
              "period or time of year, as in aggregate_time (\"period\": \"month\" makes monthly "
              "composites). The formula is computed over the slices of the input. A slice "
              "where the formula is missing is never taken; of equally good ones the earliest is. "
              "All "
              "bands are taken from that slice, also where one of them is missing there. Steps "
              "without "
              "any slice are missing.\n") +
          formula_summary(),
      .example = R"json({"cube_type": "best_time", "by": "nd(band2, band1)",
  "period": "season", "time_band": "when",
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-05", "dt": "P1M"}}}})json",
      .inputs = {{.name = "in_cube", .help = "The cube to choose from."}},
  });
}

}  // namespace ops

}  // namespace cube
