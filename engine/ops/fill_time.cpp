#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/multiversion.h"
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
        places_(series_places(in[0].time)) {
    const auto are_near = [&](double a, double b) { return b - a <= limit_; };
    if (places_.size() == 1) {
      note("", "the cube has one slice: there is none to fill it from");
    } else if (std::adjacent_find(places_.begin(), places_.end(), are_near) == places_.end()) {
      note("/limit", "no two slices are so near to each other: nothing is filled");
    }
  }

 private:
  class Fill;

  static CubeInfo filled(const Params& params, CubeInfo cube) {
    if (params.limit && !(*params.limit > 0)) {
      throw Error(ErrorCode::kInvalid, number_text(*params.limit) + " lets nothing be filled",
                  "/limit", "more than 0, or none");
    }
    if (params.method != "linear") return cube;
    for (BandInfo& band : cube.bands) {
      set_computed(band);
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

  std::int64_t work_bytes(std::int64_t cells, std::int64_t slices) const override {
    constexpr std::int64_t kOthers = 3;  // before, next and none
    return 2 * ((ahead_ ? slices : 0) + kOthers) * cells * std::int64_t{sizeof(double)};
  }

  bool linear_;
  bool back_;   // values before may fill
  bool ahead_;  // values after may
  double limit_;
  std::vector<double> places_;  // of the slices, in the unit of limit_
};

// Values that stand next to a slice in time, of a strip of cells; NaN for none.
struct Neighbours {
  std::vector<double> values;
  std::vector<double> places;

  void reset(std::size_t cells) {
    values.assign(cells, kMissing);
    places.assign(cells, kMissing);
  }
};

// The neighbours seen from the slice beyond `row`, which is at `place`: its values where it has
// some. Selects instead of branches here and below, so that the loops vectorise.
CUBE_MULTIVERSION void pass_slice(std::span<const double> row, double place,
                                  double* __restrict values, double* __restrict places) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const bool there = row[i] == row[i];
    values[i] = there ? row[i] : values[i];
    places[i] = there ? place : places[i];
  }
}

// Distances of neighbours that there are not are NaN, and so never within a limit.
CUBE_MULTIVERSION void fill_nearest(std::span<double> row, double place, double limit,
                                    const double* __restrict before,
                                    const double* __restrict before_places,
                                    const double* __restrict after,
                                    const double* __restrict after_places) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const double back = place - before_places[i];
    const double ahead = after_places[i] - place;
    const double near = ahead < back ? after[i] : before[i];
    const double other = back == back ? near : after[i];
    const bool within = (back <= limit) | (ahead <= limit);
    const double value = within ? other : kMissing;
    row[i] = row[i] == row[i] ? row[i] : value;
  }
}

CUBE_MULTIVERSION void fill_linear(std::span<double> row, double place, double limit,
                                   const double* __restrict before,
                                   const double* __restrict before_places,
                                   const double* __restrict after,
                                   const double* __restrict after_places) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const double a = before[i];
    const double back = place - before_places[i];
    const double ahead = after_places[i] - place;
    const double share = back / (after_places[i] - before_places[i]);
    const double value = a + (after[i] - a) * share;
    const bool within = (back <= limit) & (ahead <= limit);
    const double filled = within ? value : kMissing;
    row[i] = row[i] == row[i] ? row[i] : filled;
  }
}

class FillTime::Fill final : public SeriesWork {
 public:
  explicit Fill(const FillTime& op) : op_(op) {}

  void run(const SeriesStrip& in, std::span<const std::size_t>,
           std::span<SeriesStrip> out) override {
    const Range& slices = out[0].slices();
    if (op_.ahead_) look_ahead(in, slices);
    before_.reset(in.cells());
    none_.reset(in.cells());
    for (std::int64_t t = in.slices().begin; t < slices.end; ++t) {
      if (slices.contains(t)) fill(in, t, out[0].at(t));
      if (op_.back_) pass_slice(in.at(t), place(t), before_.values.data(), before_.places.data());
    }
  }

 private:
  // What stands after each slice.
  void look_ahead(const SeriesStrip& in, const Range& slices) {
    after_.resize(static_cast<std::size_t>(slices.size()));
    Neighbours next;
    next.reset(in.cells());
    for (std::int64_t t = in.slices().end - 1; t >= slices.begin; --t) {
      if (slices.contains(t)) after_[static_cast<std::size_t>(t - slices.begin)] = next;
      pass_slice(in.at(t), place(t), next.values.data(), next.places.data());
    }
    first_ = slices.begin;
  }

  void fill(const SeriesStrip& in, std::int64_t t, std::span<double> row) {
    const auto values = in.at(t);
    std::copy(values.begin(), values.end(), row.begin());
    const Neighbours& after = op_.ahead_ ? after_[static_cast<std::size_t>(t - first_)] : none_;
    (op_.linear_ ? fill_linear : fill_nearest)(row, place(t), op_.limit_, before_.values.data(),
                                               before_.places.data(), after.values.data(),
                                               after.places.data());
  }

  double place(std::int64_t t) const { return op_.places_[static_cast<std::size_t>(t)]; }

  const FillTime& op_;
  Neighbours before_;
  std::vector<Neighbours> after_;  // of each slice that is asked for
  std::int64_t first_ = 0;         // of these
  Neighbours none_;
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
