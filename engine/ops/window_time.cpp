#include <algorithm>
#include <array>
#include <map>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/reducer_bands.h"
#include "engine/registry.h"
#include "engine/series.h"
#include "engine/text.h"

namespace cube {

namespace {

// Slices that a window takes in besides the one it stands at.
struct Reach {
  std::int64_t before = 0;
  std::int64_t after = 0;

  std::int64_t slices() const { return before + 1 + after; }
  Range around(const Range& slices) const { return {slices.begin - before, slices.end + after}; }
};

class WindowTime final : public SeriesOperator {
 public:
  struct Params : ReducerBands {
    std::optional<std::array<std::int64_t, 2>> window;
    std::optional<std::int64_t> win_size_l, win_size_r;
    std::vector<double> kernel;

    void fields(FieldVisitor& v) {
      v.field({.name = "window",
               .help = "How many slices before and after each slice belong to its window, [2, 0]."},
              window);
      v.field({.name = "win_size_l", .help = "The same as in gdalcubes: slices before, (0)."},
              win_size_l);
      v.field({.name = "win_size_r", .help = "And slices after (0)."}, win_size_r);
      ReducerBands::fields(v, false);
      v.field({.name = "kernel",
               .help = "Instead of reducers: weights, one a slice of the window from the earliest "
                       "on; all bands become weighted sums and keep their names."},
              kernel);
    }
  };

  WindowTime(const Params& params, std::span<const CubeInfo> in)
      : WindowTime(params, in[0], reach_of(params)) {
    const std::int64_t slices = reach_of(params).slices();
    const char* where = params.window       ? "/window"
                        : params.win_size_l ? "/win_size_l"
                                            : "/win_size_r";
    if (slices == 1 && kernel_.empty()) {
      note(where, "windows are of one slice: no slices are put together");
    } else if (slices > in[0].time.size()) {
      note(where, "windows of " + counted(slices, "slice") + " are longer than the cube, of " +
                      std::to_string(in[0].time.size()) +
                      (kernel_.empty() ? "" : ", so all cells are missing"));
    }
  }

  bool passes_emptiness() const override {
    return std::none_of(bands_.begin(), bands_.end(),
                        [](const ReducedBand& band) { return band.reducer.counts(); });
  }

 private:
  class Reduce;
  class Slide;
  class Convolve;

  // Windows of more slices are not gone through one by one, where the reducers can be merged.
  static constexpr std::int64_t kLongWindow = 12;
  bool slides() const {
    return kernel_.empty() && reach_.slices() > kLongWindow &&
           std::none_of(bands_.begin(), bands_.end(),
                        [](const ReducedBand& band) { return band.reducer.holds_values(); });
  }

  // What which_min and which_max give of slice t.
  double position(std::size_t band, std::int64_t t) const {
    return bands_[band].reducer.wants_index() ? static_cast<double>(t)
                                              : epoch_seconds(info().time.start(t));
  }

  WindowTime(const Params& params, const CubeInfo& in, const Reach& reach)
      : WindowTime(params, in, reach, pick(params, in, reach)) {}
  WindowTime(const Params& params, const CubeInfo& in, const Reach& reach,
             std::vector<ReducedBand> bands)
      : SeriesOperator(filtered(params, in, bands), in, sources(in, bands)),
        bands_(std::move(bands)),
        kernel_(params.kernel),
        // No window reaches further than the cube; so indices stay far from overflow.
        reach_(clipped(reach, in.time.size())) {}

  static Reach reach_of(const Params& params) {
    const bool sides = params.win_size_l || params.win_size_r;
    if (params.window.has_value() == sides) {
      throw Error(ErrorCode::kInvalid,
                  sides ? "the window is given twice" : "the window is not given",
                  sides ? "/window" : "", "window, or win_size_l and win_size_r");
    }
    if (params.window) {
      return {checked((*params.window)[0], "/window/0"), checked((*params.window)[1], "/window/1")};
    }
    return {checked(params.win_size_l.value_or(0), "/win_size_l"),
            checked(params.win_size_r.value_or(0), "/win_size_r")};
  }

  static std::int64_t checked(std::int64_t slices, const char* where) {
    constexpr std::int64_t kLargest = 1'000'000;
    if (slices >= 0 && slices <= kLargest) return slices;
    throw Error(ErrorCode::kInvalid, "a window cannot take " + counted(slices, "slice"), where,
                "0 to " + std::to_string(kLargest));
  }

  static Reach clipped(const Reach& reach, std::int64_t slices) {
    return {std::min(reach.before, slices), std::min(reach.after, slices)};
  }

  static std::vector<ReducedBand> pick(const Params& params, const CubeInfo& in,
                                       const Reach& reach) {
    if (params.kernel.empty()) {
      return reduced_bands(params, in, std::min(reach.slices(), in.time.size()));
    }
    if (!params.reducer_bands.empty()) {
      throw Error(ErrorCode::kInvalid, "reducers and a kernel cannot both be given", "/kernel",
                  "reducer_bands or kernel");
    }
    if (!params.names.empty()) {
      throw Error(ErrorCode::kInvalid, "with a kernel bands keep their names", "/names",
                  "rename_bands gives others");
    }
    if (static_cast<std::int64_t>(params.kernel.size()) != reach.slices()) {
      throw Error(ErrorCode::kInvalid,
                  counted(params.kernel.size(), "weight") + " for a window of " +
                      counted(reach.slices(), "slice"),
                  "/kernel", "one a slice: those before, the slice itself, those after");
    }
    return {};
  }

  static CubeInfo filtered(const Params& params, const CubeInfo& in,
                           const std::vector<ReducedBand>& bands) {
    CubeInfo out{in.grid, in.time, infos(bands)};
    if (!bands.empty()) return out;
    double sum = 0;
    for (const double weight : params.kernel) sum += weight;
    for (BandInfo band : in.bands) {
      set_computed(band);
      band.offset *= sum;  // of a weighted sum of physical values
      band.alias.clear();
      out.bands.push_back(std::move(band));
    }
    return out;
  }

  static std::vector<std::size_t> sources(const CubeInfo& in,
                                          const std::vector<ReducedBand>& bands) {
    std::vector<std::size_t> out;
    for (const ReducedBand& band : bands) out.push_back(band.source);
    for (std::size_t i = 0; bands.empty() && i < in.bands.size(); ++i) out.push_back(i);
    return out;
  }

  Range needed(const Range& slices) const override {
    return intersect(reach_.around(slices), Range{0, info().time.size()});
  }

  std::unique_ptr<SeriesWork> work() const override;

  std::int64_t work_bytes(std::int64_t cells, std::int64_t) const override {
    std::int64_t bytes = 0;
    for (const ReducedBand& band : bands_) {
      bytes += band.reducer.state_bytes(cells, reach_.slices());
    }
    constexpr std::int64_t kOthers = 2;  // the start of a block, and the window
    return bytes * (slides() ? reach_.slices() + kOthers : 1);
  }

  std::vector<ReducedBand> bands_;  // none with a kernel
  std::vector<double> kernel_;
  Reach reach_;
};

class WindowTime::Reduce final : public SeriesWork {
 public:
  explicit Reduce(const WindowTime& op) : op_(op) {
    for (const ReducedBand& band : op.bands_) {
      states_.push_back(band.reducer.state(op.reach_.slices()));
    }
  }

  void run(const SeriesStrip& in, std::span<const std::size_t> bands,
           std::span<SeriesStrip> out) override {
    for (std::size_t k = 0; k < bands.size(); ++k) {
      ReducerState& state = *states_[bands[k]];
      const Range slices = out[k].slices();
      for (std::int64_t t = slices.begin; t < slices.end; ++t) {
        const Range window = op_.needed({t, t + 1});
        state.begin(in.cells());
        for (std::int64_t s = window.begin; s < window.end; ++s) {
          state.add(in.at(s), op_.position(bands[k], s));
        }
        state.finish(out[k].at(t));
      }
    }
  }

 private:
  const WindowTime& op_;
  std::vector<std::unique_ptr<ReducerState>> states_;
};

// The axis is cut into blocks as long as the window, counted from its first slice, so that a window
// is the end of a block and the start of the next one: both grow by a slice at a time (van Herk, "A
// fast algorithm for local minimum and maximum filters", 1992).
class WindowTime::Slide final : public SeriesWork {
 public:
  explicit Slide(const WindowTime& op) : op_(op), length_(op.reach_.slices()) {}

  void run(const SeriesStrip& in, std::span<const std::size_t> bands,
           std::span<SeriesStrip> out) override {
    for (std::size_t k = 0; k < bands.size(); ++k) {
      band_ = bands[k];
      make_states();
      const Range slices = out[k].slices();
      start_ = {-1, -1};
      ends_ = {-1, -1};
      for (std::int64_t t = slices.begin; t < slices.end; ++t) reduce(in, t, out[k].at(t));
    }
  }

 private:
  struct States {
    std::vector<std::unique_ptr<ReducerState>> ends;  // from each slice of a block to its end
    std::unique_ptr<ReducerState> start;              // of a block
    std::unique_ptr<ReducerState> window;
  };

  void make_states() {
    States& states = states_[band_];
    if (states.start) return;
    const Reducer& reducer = op_.bands_[band_].reducer;
    states.start = reducer.state();
    states.window = reducer.state();
    for (std::int64_t i = 0; i < length_; ++i) states.ends.push_back(reducer.state());
  }

  void reduce(const SeriesStrip& in, std::int64_t t, std::span<double> out) {
    States& states = states_[band_];
    const Range window = op_.needed({t, t + 1});
    const std::int64_t block = window.begin / length_ * length_;
    if (window.begin == block) {  // no longer than the block
      grow_start(in, window);
      return states.start->finish(out);
    }
    const Range end{window.begin, std::min(block + length_, op_.info().time.size())};
    if (ends_.end != end.end) make_ends(in, end);
    ReducerState& last = *states.ends[static_cast<std::size_t>(window.begin - block)];
    if (window.end <= end.end) return last.finish(out);
    grow_start(in, {end.end, window.end});
    states.window->begin(in.cells());
    states.window->merge(last);
    states.window->merge(*states.start);
    states.window->finish(out);
  }

  // The start of a block up to the end of `slices`.
  void grow_start(const SeriesStrip& in, const Range& slices) {
    ReducerState& state = *states_[band_].start;
    if (start_.begin != slices.begin) {
      state.begin(in.cells());
      start_ = {slices.begin, slices.begin};
    }
    for (; start_.end < slices.end; ++start_.end) {
      state.add(in.at(start_.end), op_.position(band_, start_.end));
    }
  }

  // From each of `slices` to the last of them, which ends a block.
  void make_ends(const SeriesStrip& in, const Range& slices) {
    ends_ = slices;
    const ReducerState* later = nullptr;
    for (std::int64_t t = slices.end - 1; t >= slices.begin; --t) {
      ReducerState& state = *states_[band_].ends[static_cast<std::size_t>(t % length_)];
      state.begin(in.cells());
      state.add(in.at(t), op_.position(band_, t));
      if (later) state.merge(*later);
      later = &state;
    }
  }

  const WindowTime& op_;
  std::int64_t length_;
  std::size_t band_ = 0;  // that is made
  std::map<std::size_t, States> states_;
  Range start_;  // that states_.start has taken in
  Range ends_;   // that states_.ends are of
};

class WindowTime::Convolve final : public SeriesWork {
 public:
  explicit Convolve(const WindowTime& op) : op_(op) {}

  void run(const SeriesStrip& in, std::span<const std::size_t>,
           std::span<SeriesStrip> out) override {
    const Range slices = out[0].slices();
    for (std::int64_t t = slices.begin; t < slices.end; ++t) {
      const auto sums = out[0].at(t);
      const Range window = op_.reach_.around({t, t + 1});
      const bool whole = Range{0, op_.info().time.size()}.contains(window) &&
                         window.size() == static_cast<std::int64_t>(op_.kernel_.size());
      std::fill(sums.begin(), sums.end(), whole ? 0.0 : kMissing);
      if (!whole) continue;
      for (std::size_t k = 0; k < op_.kernel_.size(); ++k) {
        const double weight = op_.kernel_[k];
        const auto values = in.at(window.begin + static_cast<std::int64_t>(k));
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += weight * values[i];
      }
    }
  }

 private:
  const WindowTime& op_;
};

std::unique_ptr<SeriesWork> WindowTime::work() const {
  if (slides()) return std::make_unique<Slide>(*this);
  if (kernel_.empty()) return std::make_unique<Reduce>(*this);
  return std::make_unique<Convolve>(*this);
}

}  // namespace

namespace ops {

OperatorType window_time() {
  return operator_type<WindowTime>({
      .id = "window_time",
      .summary = "Reduce or weight a window of slices that moves along the time axis.",
      .help =
          "With reducer_bands, missing values are skipped and windows at the ends of the axis take "
          "the slices that are there; which_min and which_max give instants, or with \"index\": "
          "true slices of the cube, as in reduce_time. With a kernel, a cell is missing where any "
          "value of its window is missing or beyond the ends; {\"window\": [1, 0], \"kernel\": "
          "[-1, 1]} is the difference to the slice before. Windows count slices, also on a "
          "labelled axis.",
      .example = R"({"cube_type": "window_time", "window": [1, 1],
  "reducer_bands": [["mean", "band1"], ["median", "band2"]],
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-06", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube that the window moves over."}},
  });
}

}  // namespace ops

}  // namespace cube
