#include <algorithm>
#include <array>

#include "engine/calendar.h"
#include "engine/error.h"
#include "engine/missing.h"
#include "engine/registry.h"
#include "engine/series.h"
#include "engine/text.h"
#include "engine/time_groups.h"
#include "engine/trend.h"

namespace cube {

namespace {

// UCUM's "a", the Julian year.
constexpr double kDaysAYear = 365.25;

constexpr std::array kResults = {"slope", "intercept", "r2", "p_value", "n"};
enum Result : std::size_t { kSlope, kIntercept, kR2, kPValue, kCount };

class TrendTime final : public SeriesOperator {
 public:
  struct Params {
    std::string method = "ols";
    std::int64_t season_harmonics = 0;
    std::optional<std::string> group;

    void fields(FieldVisitor& v) {
      v.field({.name = "method",
               .help = "ols: ordinary least squares, with the t test of the slope; theil_sen: the "
                       "median of the slopes between all pairs of values, with the Mann-Kendall "
                       "test (normal approximation: for 10 values or more).",
               .choices = {"ols", "theil_sen"}},
              method);
      v.field({.name = "season_harmonics",
               .help = "ols: how many pairs of sine and cosine (of a year, half a year, a third, "
                       "...) are fitted together with the line."},
              season_harmonics);
      v.field({.name = "group",
               .help = "theil_sen: only the slopes between values of the same month, season, ... "
                       "count, so that seasons cancel (the seasonal Kendall slope and test of "
                       "Hirsch, Slack and Smith, 1982). Default: all slopes.",
               .choices = {kCycles.begin(), kCycles.end()}},
              group);
    }
  };

  TrendTime(const Params& params, std::span<const CubeInfo> in)
      : SeriesOperator(described(params, in[0]), in[0], sources(in[0])),
        method_(params.method == "ols" ? TrendFit::Method::kLeastSquares
                                       : TrendFit::Method::kTheilSen),
        harmonics_(params.season_harmonics),
        slices_(in[0].time.size()) {
    for (std::int64_t t = 0; t < slices_; ++t) {
      const double seconds =
          epoch_seconds(in[0].time.start(t)) - epoch_seconds(in[0].time.start(0));
      years_.push_back(seconds / (kDaysAYear * static_cast<double>(kSecondsADay)));
    }
    if (params.group) find_groups(in[0].time, *params.group);
  }

 private:
  class Line;
  class Fit;

  static std::vector<std::size_t> sources(const CubeInfo& in) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < in.bands.size() * kResults.size(); ++i) {
      out.push_back(i / kResults.size());
    }
    return out;
  }

  static void check(const Params& params, const CubeInfo& in) {
    const std::int64_t harmonics = params.season_harmonics;
    const std::int64_t slices = in.time.size();
    constexpr const char* kWhere = "/season_harmonics";
    if (harmonics < 0) {
      throw Error(ErrorCode::kInvalid, "there are no " + counted(harmonics, "harmonic"), kWhere,
                  "0 or more");
    }
    if (harmonics > 0 && params.method != "ols") {
      throw Error(ErrorCode::kInvalid, "Theil and Sen's slope has no harmonics", kWhere,
                  "\"method\": \"ols\", or group");
    }
    if (params.group && params.method == "ols") {
      throw Error(ErrorCode::kInvalid, "least squares have no groups", "/group",
                  "\"method\": \"theil_sen\", or season_harmonics");
    }
    if (slices < 2) {
      throw Error(ErrorCode::kInvalid, "a cube of " + counted(slices, "slice") + " has no trend");
    }
    if (harmonics > (slices - 2) / 2) {
      throw Error(ErrorCode::kInvalid,
                  counted(harmonics, "harmonic") + " and a line are too many for " +
                      counted(slices, "slice"),
                  kWhere, "at most " + std::to_string((slices - 2) / 2));
    }
  }

  static CubeInfo described(const Params& params, const CubeInfo& in) {
    check(params, in);
    CubeInfo out{in.grid, whole_axis(in.time), {}};
    for (const BandInfo& source : in.bands) {
      for (std::size_t result = 0; result < kResults.size(); ++result) {
        out.bands.push_back(band_of(source, static_cast<Result>(result)));
      }
    }
    check_unique_bands(out.bands, "");
    return out;
  }

  static BandInfo band_of(const BandInfo& source, Result result) {
    BandInfo band = source;
    band.name = source.name + "_" + kResults[result];
    band.alias.clear();
    set_computed(band);
    if (result == kPValue) band.dtype = DType::kFloat64;
    if (result == kIntercept) return band;
    band.offset = 0;
    if (result == kSlope) {
      if (!band.unit.empty()) band.unit += "/a";
      return band;
    }
    band.scale = 1;
    band.unit = std::string("1");
    if (result == kCount) {
      band.dtype = DType::kUInt32;
      band.nodata = 0;
    }
    return band;
  }

  void find_groups(const TimeAxis& time, const std::string& cycle) {
    const auto members = group_by_cycle(time, cycle, "/group").members;
    groups_.resize(static_cast<std::size_t>(slices_));
    for (std::size_t g = 0; g < members.size(); ++g) {
      for (const Range& range : members[g]) {
        std::fill_n(groups_.begin() + range.begin, range.size(), g);
      }
    }
  }

  Range needed(const Range&) const override { return {0, slices_}; }
  std::unique_ptr<SeriesWork> work() const override;
  std::int64_t work_bytes(std::int64_t cells, std::int64_t slices) const override {
    return line() ? LineFits::bytes(cells, slices) : TrendFit::bytes(method_, slices, harmonics_);
  }

  // True for what LineFits does.
  bool line() const { return method_ == TrendFit::Method::kLeastSquares && harmonics_ == 0; }

  static double value(const Trend& trend, std::size_t band) {
    const std::array<double, kResults.size()> results = {trend.slope, trend.intercept, trend.r2,
                                                         trend.p_value, trend.values};
    return results[band % kResults.size()];
  }

  TrendFit::Method method_;
  std::int64_t harmonics_;
  std::int64_t slices_;  // of the input
  std::vector<double> years_;
  std::vector<std::size_t> groups_;  // of each slice; none = one of all
};

class TrendTime::Fit final : public SeriesWork {
 public:
  explicit Fit(const TrendTime& op) : fit_(op.years_, op.method_, op.harmonics_, op.groups_) {}

  void run(const SeriesStrip& in, std::span<const std::size_t> bands,
           std::span<SeriesStrip> out) override {
    series_.resize(static_cast<std::size_t>(in.slices().size()));
    for (std::size_t cell = 0; cell < in.cells(); ++cell) {
      for (std::size_t t = 0; t < series_.size(); ++t) {
        series_[t] = in.at(in.slices().begin + static_cast<std::int64_t>(t))[cell];
      }
      const Trend trend = fit_.fit(series_);
      for (std::size_t k = 0; k < bands.size(); ++k) out[k].at(0)[cell] = value(trend, bands[k]);
    }
  }

 private:
  TrendFit fit_;
  std::vector<double> series_;
};

class TrendTime::Line final : public SeriesWork {
 public:
  explicit Line(const TrendTime& op) : fits_(op.years_) {}

  void run(const SeriesStrip& in, std::span<const std::size_t> bands,
           std::span<SeriesStrip> out) override {
    const bool p_values = std::any_of(bands.begin(), bands.end(), [](std::size_t band) {
      return band % kResults.size() == kPValue;
    });
    const auto trends = fits_.fit(in, p_values);
    for (std::size_t k = 0; k < bands.size(); ++k) {
      const auto to = out[k].at(0);
      for (std::size_t i = 0; i < to.size(); ++i) to[i] = value(trends[i], bands[k]);
    }
  }

 private:
  LineFits fits_;
};

std::unique_ptr<SeriesWork> TrendTime::work() const {
  if (line()) return std::make_unique<Line>(*this);
  return std::make_unique<Fit>(*this);
}

}  // namespace

namespace ops {

OperatorType trend_time() {
  return operator_type<TrendTime>({
      .id = "trend_time",
      .summary = "The linear trend of each series, with a test of its slope.",
      .help =
          "One slice with five bands for each of the input: BAND_slope, the change in a year of "
          "365.25 days; BAND_intercept, the value of the line at the first slice; BAND_r2, the "
          "part "
          "of the variance that the fit explains (with its harmonics); BAND_p_value, two-sided, of "
          "the hypothesis that the slope is 0; BAND_n, how many values there are (missing where "
          "none is). Times are the "
          "starts of the slices. Missing values are skipped. Everything but n is missing where "
          "there are fewer values than the fit has terms (2, and 2 a harmonic) or their times "
          "cannot tell the terms apart (harmonics of one value a year); p_value also where there "
          "are no more; r2 where all values are equal; with group also where no two values are of "
          "one group. The tests assume that values do not depend on those before. The intercept "
          "of theil_sen is median(value) - slope * median(time), and its time grows with the "
          "square of the series' length.",
      .example = R"({"cube_type": "trend_time", "season_harmonics": 1,
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2022-06", "dt": "P2M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube of series."}},
  });
}

}  // namespace ops

}  // namespace cube
