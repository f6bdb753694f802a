#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/registry.h"
#include "engine/smoothing.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kWindow = 5;
constexpr std::int64_t kOrder = 2;
constexpr double kLambda = 10;

class SmoothTime final : public SeriesOperator {
 public:
  struct Params {
    std::string method;
    std::optional<std::int64_t> window;
    std::optional<std::int64_t> order;
    std::optional<double> lambda;

    void fields(FieldVisitor& v) {
      v.field(
          {.name = "method",
           .help = "savgol (Savitzky-Golay): a polynomial fitted to a window of slices; "
                   "whittaker (Whittaker-Eilers): as near to the values and as smooth as lambda "
                   "says.",
           .required = true,
           .choices = {"savgol", "whittaker"}},
          method);
      v.field({.name = "window", .help = "savgol: slices of the window, an odd number (5)."},
              window);
      v.field(
          {.name = "order",
           .help = "savgol: degree of the polynomial, 0 to 10, less than window (2); whittaker: "
                   "order of the differences that are to be small, 1 to 4 (2)."},
          order);
      v.field(
          {.name = "lambda",
           .help = "whittaker: how much smoothness counts, more than 0 (10). Values 10 times as "
                   "dense in time need 10000 times the lambda (order 2)."},
          lambda);
    }
  };

  SmoothTime(const Params& params, std::span<const CubeInfo> in)
      : SeriesOperator(smoothed(params, in[0]), in[0]),
        places_(series_places(in[0].time)),
        order_(params.order.value_or(kOrder)),
        lambda_(params.lambda.value_or(kLambda)) {
    if (params.method != "savgol") return;
    polynomials_.emplace(places_, window_of(params), order_);
    if (order_ + 1 < window_of(params)) return;
    note(params.order ? "/order" : "/window", "a polynomial of order " + std::to_string(order_) +
                                                  " passes through all points of a window of " +
                                                  counted(window_of(params), "slice") +
                                                  ": nothing is smoothed");
  }

 private:
  class Savgol;
  class Penalised;

  static std::int64_t window_of(const Params& params) { return params.window.value_or(kWindow); }

  static CubeInfo smoothed(const Params& params, CubeInfo cube) {
    params.method == "savgol" ? check_savgol(params, cube.time.size())
                              : check_whittaker(params, cube.time.size());
    for (BandInfo& band : cube.bands) {
      set_computed(band);
      band.alias.clear();
    }
    return cube;
  }

  static void check_savgol(const Params& params, std::int64_t slices) {
    constexpr std::int64_t kHighestOrder = 10;
    const auto fail = [](const std::string& what, const char* where, const std::string& hint) {
      return Error(ErrorCode::kInvalid, what, where, hint);
    };
    if (params.lambda) throw fail("savgol has no lambda", "/lambda", "whittaker has");
    const std::int64_t window = window_of(params);
    const std::int64_t order = params.order.value_or(kOrder);
    if (window < 1 || window % 2 == 0) {
      throw fail("a window of " + counted(window, "slice") + " has no middle", "/window",
                 "an odd number");
    }
    if (window > slices) {
      throw fail(
          "a window of " + counted(window, "slice") + " for a cube of " + std::to_string(slices),
          params.window ? "/window" : "", "an odd number up to " + std::to_string(slices));
    }
    const std::int64_t most = std::min(window - 1, kHighestOrder);
    if (order < 0 || order > most) {
      throw fail("no polynomial of order " + std::to_string(order) + " in a window of " +
                     counted(window, "slice"),
                 params.order ? "/order" : "", range_text(0, most));
    }
  }

  static void check_whittaker(const Params& params, std::int64_t slices) {
    constexpr std::int64_t kHighestOrder = 4;
    constexpr double kHighestLambda = 1e12;  // beyond it rounding shows
    const auto fail = [](const std::string& what, const char* where, const std::string& hint) {
      return Error(ErrorCode::kInvalid, what, where, hint);
    };
    if (params.window) throw fail("whittaker has no window", "/window", "savgol has");
    const std::int64_t order = params.order.value_or(kOrder);
    const double lambda = params.lambda.value_or(kLambda);
    if (order < 1 || order > kHighestOrder) {
      throw fail("no differences of order " + std::to_string(order), "/order",
                 "1 to " + std::to_string(kHighestOrder));
    }
    if (order >= slices) {
      throw fail("no differences of order " + std::to_string(order) + " in a cube of " +
                     counted(slices, "slice"),
                 params.order ? "/order" : "", "less than the slices");
    }
    if (!(lambda > 0 && lambda <= kHighestLambda)) {
      throw fail(number_text(lambda) + " is no lambda", "/lambda", "more than 0, up to 1e12");
    }
  }

  Range needed(const Range& slices) const override {
    if (!polynomials_) return {0, info().time.size()};
    return {polynomials_->window(slices.begin).begin, polynomials_->window(slices.end - 1).end};
  }

  std::unique_ptr<SeriesWork> work() const override;

  std::int64_t work_bytes(std::int64_t cells, std::int64_t slices) const override {
    if (!polynomials_) {
      return Whittaker::bytes(cells, slices, order_) +
             cells * slices * std::int64_t{sizeof(double)};
    }
    return GappyPolynomials::bytes(cells, polynomials_->window(0).size());
  }

  std::vector<double> places_;
  std::int64_t order_;
  double lambda_;
  std::optional<LocalPolynomials> polynomials_;  // of savgol
};

class SmoothTime::Savgol final : public SeriesWork {
 public:
  explicit Savgol(const LocalPolynomials& fit) : fit_(fit), gappy_(fit) {}

  void run(const SeriesStrip& in, std::span<const std::size_t>,
           std::span<SeriesStrip> out) override {
    for (std::int64_t t = out[0].slices().begin; t < out[0].slices().end; ++t) {
      smooth(in, t, out[0].at(t));
    }
  }

 private:
  // All cells as if nothing were missing; where that shows, once more.
  void smooth(const SeriesStrip& in, std::int64_t t, std::span<double> out) {
    const Range window = fit_.window(t);
    const auto weights = fit_.weights(t);
    std::fill(out.begin(), out.end(), 0.0);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const auto values = in.at(window.begin + static_cast<std::int64_t>(k));
      for (std::size_t i = 0; i < out.size(); ++i) out[i] += weights[k] * values[i];
    }
    const bool gaps = std::any_of(out.begin(), out.end(), [](double v) { return std::isnan(v); });
    if (gaps) gappy_.run(in, t, out);
  }

  const LocalPolynomials& fit_;
  GappyPolynomials gappy_;
};

class SmoothTime::Penalised final : public SeriesWork {
 public:
  explicit Penalised(const SmoothTime& op) : whittaker_(op.places_, op.lambda_, op.order_) {}

  void run(const SeriesStrip& in, std::span<const std::size_t>,
           std::span<SeriesStrip> out) override {
    if (out[0].slices() == in.slices()) return whittaker_.run(in, out[0]);
    all_.reset(in.slices(), in.cells());
    whittaker_.run(in, all_);
    for (std::int64_t t = out[0].slices().begin; t < out[0].slices().end; ++t) {
      std::ranges::copy(all_.at(t), out[0].at(t).begin());
    }
  }

 private:
  Whittaker whittaker_;
  SeriesStrip all_;
};

std::unique_ptr<SeriesWork> SmoothTime::work() const {
  if (polynomials_) return std::make_unique<Savgol>(*polynomials_);
  return std::make_unique<Penalised>(*this);
}

}  // namespace

namespace ops {

OperatorType smooth_time() {
  return operator_type<SmoothTime>({
      .id = "smooth_time",
      .summary = "Smooth each series: Savitzky-Golay or Whittaker.",
      .help =
          "Slices are evenly spaced on a regular time axis; on a labelled one their times count "
          "(whittaker: in units of the mean step). Missing values are left out of the fit. savgol: "
          "a missing cell is filled where its window has values on both sides of it and more than "
          "order; a cell is missing where there are not more than order; at the ends of the cube "
          "the window stays whole, as \"interp\" of scipy. whittaker: every missing cell is "
          "filled, "
          "also before the first value and after the last (order 2: on straight lines), unless "
          "there are fewer values than order.",
      .example = R"({"cube_type": "smooth_time", "method": "whittaker", "lambda": 5,
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-07", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to smooth."}},
  });
}

}  // namespace ops

}  // namespace cube
