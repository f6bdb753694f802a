// Reducers against numbers worked out by hand and against slow, obvious implementations.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>

#include "engine/reducers.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Series = std::vector<double>;

Reducer reducer(const std::string& text) {
  ReducerSpec spec;
  spec.set_short_form(text);
  return Reducer::make(spec, "/func");
}

// One series, at positions 100, 101, ...
double reduce(const std::string& text, const Series& values) {
  const auto state = reducer(text).state();
  state->begin(1);
  double position = 100;
  for (const double value : values) state->add({&value, 1}, position++);
  double out = 0;
  state->finish({&out, 1});
  return out;
}

Series valid_sorted(Series values) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  std::sort(values.begin(), values.end());
  return values;
}

double slow_quantile(const Series& values, double quantile) {
  const Series sorted = valid_sorted(values);
  if (sorted.empty()) return kNaN;
  const double h = static_cast<double>(sorted.size() - 1) * quantile;
  const auto low = static_cast<std::size_t>(std::floor(h));
  const auto high = static_cast<std::size_t>(std::ceil(h));
  return sorted[low] + (h - std::floor(h)) * (sorted[high] - sorted[low]);
}

double slow_mode(const Series& values) {
  std::map<double, int> counts;
  for (const double value : valid_sorted(values)) ++counts[value];
  const auto best = std::max_element(counts.begin(), counts.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return best == counts.end() ? kNaN : best->first;
}

double slow_mad(const Series& values) {
  const double center = slow_quantile(values, 0.5);
  Series deviations;
  for (const double value : values) deviations.push_back(std::abs(value - center));
  return slow_quantile(deviations, 0.5);
}

double slow_var(const Series& values) {
  const Series sorted = valid_sorted(values);
  if (sorted.size() < 2) return kNaN;
  long double mean = 0;
  for (const double v : sorted) mean += v;
  mean /= static_cast<long double>(sorted.size());
  long double squares = 0;
  for (const double v : sorted) squares += (v - mean) * (v - mean);
  return static_cast<double>(squares / static_cast<long double>(sorted.size() - 1));
}

void check_same(double a, double b) {
  if (std::isnan(b)) {
    CHECK(std::isnan(a));
  } else {
    CHECK(a == doctest::Approx(b).epsilon(1e-12));
  }
}

}  // namespace

TEST_CASE("numbers worked out by hand, missing values skipped") {
  const Series values = {kNaN, 3, 1, kNaN, 4, 1, 5};
  const std::map<std::string, double> expected = {{"min", 1},
                                                  {"max", 5},
                                                  {"mean", 2.8},
                                                  {"median", 3},
                                                  {"sum", 14},
                                                  {"prod", 60},
                                                  {"count", 5},
                                                  {"var", 3.2},
                                                  {"sd", std::sqrt(3.2)},
                                                  {"first", 3},
                                                  {"last", 5},
                                                  {"mode", 1},
                                                  {"range", 4},
                                                  {"q1", 1},
                                                  {"q3", 4},
                                                  {"p90", 4.6},
                                                  {"any", 1},
                                                  {"all", 1},
                                                  {"mad", 2},
                                                  {"which_min", 102},
                                                  {"which_max", 106},
                                                  {"rms", std::sqrt(52.0 / 5)}};
  for (const auto& entry : expected) {
    INFO(entry.first);
    check_same(reduce(entry.first, values), entry.second);
  }
  CHECK(expected.size() == reducer_names().size());  // p90 stands for "quantile"
}

TEST_CASE("of nothing count is 0 and everything else is missing") {
  for (const Series& nothing : {Series{}, Series{kNaN}, Series(600, kNaN)}) {
    for (std::string name : reducer_names()) {
      if (name == "quantile") name = "p10";
      INFO(name);
      const double result = reduce(name, nothing);
      if (name == "count") {
        CHECK(result == 0);
      } else {
        CHECK(std::isnan(result));
      }
    }
  }
}

TEST_CASE("of one value") {
  for (std::string name : reducer_names()) {
    if (name == "quantile") name = "p10";
    INFO(name);
    const double result = reduce(name, {kNaN, -7, kNaN});
    if (name == "var" || name == "sd") {
      CHECK(std::isnan(result));
    } else if (name == "count" || name == "any" || name == "all") {
      CHECK(result == 1);
    } else if (name == "range" || name == "mad") {
      CHECK(result == 0);
    } else if (name.starts_with("which")) {
      CHECK(result == 101);
    } else {
      CHECK(result == (name == "rms" ? 7 : -7));
    }
  }
}

TEST_CASE("ties: the first extreme, the smallest mode") {
  CHECK(reduce("which_min", {2, 1, 1, 2}) == 101);
  CHECK(reduce("which_max", {2, 1, 1, 2}) == 100);
  CHECK(reduce("mode", {9, 2, 9, 2, 5}) == 2);
  CHECK(reduce("mode", {5, 4, 3}) == 3);
  CHECK(reduce("mad", {1, 1, 2, 2, 4, 6, 9}) == 1);  // no factor 1.4826
}

TEST_CASE("predicates") {
  CHECK(reduce("any", {0, kNaN, 0}) == 0);
  CHECK(reduce("any", {0, -0.5}) == 1);
  CHECK(reduce("all", {1, kNaN, 2}) == 1);
  CHECK(reduce("all", {1, 0}) == 0);
}

TEST_CASE("infinities are values") {
  CHECK(reduce("min", {kInfinity}) == kInfinity);
  CHECK(reduce("max", {-kInfinity, kNaN}) == -kInfinity);
  CHECK(reduce("median", {kNaN, kInfinity, 1, kInfinity}) == kInfinity);
  CHECK(reduce("median", {kInfinity, kNaN, 1, 0}) == 1);
  CHECK(reduce("mode", {kNaN, kInfinity, kInfinity, 1, kNaN, kNaN}) == kInfinity);
  CHECK(reduce("which_max", {kInfinity}) == 100);
}

TEST_CASE("variance does not cancel") {
  CHECK(reduce("var", {1e9 + 1, 1e9 + 2, 1e9 + 3}) == doctest::Approx(1).epsilon(1e-12));
  CHECK(reduce("sd", {1e9 + 0.25, 1e9 + 0.75}) == doctest::Approx(std::sqrt(0.125)).epsilon(1e-9));
  CHECK(reduce("var", {0, 1e9 + 1, 1e9 + 2}) ==
        doctest::Approx(slow_var({0, 1e9 + 1, 1e9 + 2})).epsilon(1e-12));
  CHECK(reduce("var", Series(50, 0.1)) == doctest::Approx(0).epsilon(1e-30));
}

TEST_CASE("a state of many series gives what each gives alone, and can be used again") {
  std::mt19937 random(1);
  for (std::string name : reducer_names()) {
    if (name == "quantile") name = "p33.5";
    INFO(name);
    const auto state = reducer(name).state();
    for (const std::size_t length : {1U, 2U, 7U, 16U, 33U, 128U, 512U, 513U, 600U}) {
      const std::size_t n = 1 + random() % 40;
      std::vector<Series> series(n, Series(length));
      for (Series& s : series) {
        for (double& v : s) v = random() % 3 == 0 ? kNaN : static_cast<double>(random() % 9) - 4;
      }
      state->begin(n);
      for (std::size_t j = 0; j < length; ++j) {
        Series row;
        for (const Series& s : series) row.push_back(s[j]);
        state->add(row, 100 + static_cast<double>(j));
      }
      Series out(n);
      state->finish(out);
      for (std::size_t i = 0; i < n; ++i) {
        const double alone = reduce(name, series[i]);
        CHECK((out[i] == alone || (std::isnan(out[i]) && std::isnan(alone))));
      }
    }
  }
}

TEST_CASE("order statistics and variance agree with the obvious way, for every length") {
  std::mt19937 random(2);
  std::normal_distribution<double> normal(1000, 30);
  std::vector<std::size_t> lengths = {200, 365, 511, 512, 513, 514, 515, 1000};
  for (std::size_t length = 1; length <= 140; ++length) lengths.push_back(length);
  for (const std::size_t length : lengths) {
    Series values(length);
    for (double& v : values) v = random() % 4 == 0 ? kNaN : normal(random);
    if (length % 3 == 0) {
      for (double& v : values) v = std::round(v / 20);
    }
    INFO(length);
    check_same(reduce("median", values), slow_quantile(values, 0.5));
    check_same(reduce("q1", values), slow_quantile(values, 0.25));
    check_same(reduce("q3", values), slow_quantile(values, 0.75));
    check_same(reduce("p0", values), slow_quantile(values, 0));
    check_same(reduce("p100", values), slow_quantile(values, 1));
    check_same(reduce("p97.5", values), slow_quantile(values, 0.975));
    check_same(reduce("mode", values), slow_mode(values));
    check_same(reduce("mad", values), slow_mad(values));
    check_same(reduce("var", values), slow_var(values));
  }
}

// Series of `n` values that are hard in one way or another, some missing; magnitudes whose squares
// are doubles.
std::vector<std::pair<std::string, Series>> hard_series(std::size_t n) {
  std::mt19937_64 random(n);
  std::uniform_real_distribution<double> unit(0, 1);
  std::normal_distribution<double> normal;
  const std::vector<std::pair<std::string, std::function<double(std::size_t)>>> kinds = {
      {"digital numbers", [&](auto) { return std::floor(10000 * unit(random)); }},
      {"reflectances", [&](auto) { return unit(random); }},
      {"far from zero", [&](auto) { return 1e9 + normal(random); }},
      {"cancelling", [&](auto i) { return (i % 2 == 0 ? 1e12 : -1e12) + unit(random); }},
      {"of all magnitudes",
       [&](auto) { return normal(random) * std::pow(10, 24 * unit(random) - 12); }},
      {"ties", [&](auto) { return std::floor(4 * unit(random)) / 8; }}};
  std::vector<std::pair<std::string, Series>> result;
  for (const auto& [name, value] : kinds) {
    Series series;
    for (std::size_t i = 0; i < n; ++i) series.push_back(random() % 10 == 0 ? kNaN : value(i));
    result.emplace_back(name, std::move(series));
  }
  return result;
}

// What a reducer of arithmetic gives, in long double, and how far a double may be from it: the
// bounds of recursive summation (Higham 2002, section 4.2), of updated variances (Chan, Golub and
// LeVeque 1983) and of one rounding an operation for the rest.
struct Exact {
  long double value;
  long double bound;
};

Exact exact(const std::string& name, const Series& values) {
  using Long = long double;
  const Series x = valid_sorted(values);
  const Long n = static_cast<Long>(x.size());
  const Long u = std::numeric_limits<double>::epsilon() / 2;
  Long sum = 0, size = 0, squares = 0, spread = 0;
  for (const double v : x) {
    sum += v;
    size += std::abs(static_cast<Long>(v));
    squares += static_cast<Long>(v) * v;
  }
  const Long mean = sum / n;
  for (const double v : x) spread += (v - mean) * (v - mean);
  if (name == "sum") return {sum, n * u * size};
  if (name == "mean") return {mean, (n + 1) * u * size / n};
  if (name == "rms") return {std::sqrt(squares / n), (n + 3) * u * std::sqrt(squares / n)};
  const Long var = spread / (n - 1);
  const Long relative = (n + 4) * u * std::sqrt(squares / spread);
  if (name == "var") return {var, relative * var};
  return {std::sqrt(var), relative * std::sqrt(var)};
}

// A rounding of the result, and of the place between two values.
double quantile_bound(const Series& sorted, double quantile) {
  const double n = static_cast<double>(sorted.size());
  const auto low = static_cast<std::size_t>((n - 1) * quantile);
  const double a = sorted[low];
  const double b = sorted[std::min(low + 1, sorted.size() - 1)];
  const double u = std::numeric_limits<double>::epsilon();
  return u * (std::max(std::abs(a), std::abs(b)) + n * (b - a));
}

TEST_CASE("hard series: arithmetic within its bounds of long double, order exact") {
  for (const std::size_t n : {3U, 24U, 1000U, 30000U}) {
    for (const auto& entry : hard_series(n)) {
      const Series& series = entry.second;
      INFO(entry.first << ", " << n);
      const Series sorted = valid_sorted(series);
      if (sorted.size() < 2 || sorted.front() == sorted.back()) continue;
      for (const std::string name : {"sum", "mean", "rms", "var", "sd"}) {
        const Exact wanted = exact(name, series);
        const long double error = std::abs(reduce(name, series) - wanted.value);
        INFO(name << ": error " << static_cast<double>(error));
        CHECK(error <= wanted.bound);
      }
      for (const auto& quantile : std::map<std::string, double>{
               {"median", 0.5}, {"q1", 0.25}, {"q3", 0.75}, {"p5", 0.05}, {"p99.9", 0.999}}) {
        INFO(quantile.first);
        const double error =
            reduce(quantile.first, series) - slow_quantile(series, quantile.second);
        CHECK(std::abs(error) <= quantile_bound(sorted, quantile.second));
      }
      CHECK(reduce("min", series) == sorted.front());
      CHECK(reduce("max", series) == sorted.back());
      CHECK(reduce("range", series) == sorted.back() - sorted.front());
      CHECK(reduce("count", series) == static_cast<double>(sorted.size()));
      CHECK(reduce("mode", series) == slow_mode(series));
      CHECK(reduce("mad", series) == doctest::Approx(slow_mad(series)).epsilon(1e-12));
    }
  }
}

TEST_CASE("products of many factors") {
  for (const std::size_t n : {2U, 24U, 1000U}) {
    std::mt19937_64 random(n);
    std::uniform_real_distribution<double> factor(0.5, 2);
    Series series;
    long double product = 1;
    for (std::size_t i = 0; i < n; ++i) {
      series.push_back(factor(random) * (i % 3 == 0 ? -1 : 1));
      product *= series.back();
    }
    const long double bound = static_cast<double>(n) * std::numeric_limits<double>::epsilon() / 2;
    CHECK(std::abs(reduce("prod", series) - product) <= bound * std::abs(product));
  }
}

TEST_CASE("what a result is stored as") {
  const Storage counts{DType::kUInt16, 0};
  const Storage bytes{DType::kUInt8, std::nullopt};
  CHECK(reducer("min").result(counts, 12).dtype == DType::kUInt16);
  CHECK(*reducer("mode").result(counts, 12).nodata == 0);
  CHECK_FALSE(reducer("first").result(bytes, 12).nodata.has_value());
  CHECK(reducer("median").result(counts, 12).dtype == DType::kFloat32);
  CHECK(reducer("sum").result({DType::kInt32, {}}, 12).dtype == DType::kFloat64);
  CHECK(reducer("count").result(counts, 65535).dtype == DType::kUInt16);
  CHECK(reducer("count").result(counts, 65536).dtype == DType::kUInt32);
  CHECK_FALSE(reducer("count").result(counts, 12).nodata.has_value());
  CHECK(*reducer("all").result(counts, 12).nodata == 255);
  CHECK(reducer("which_max").result(counts, 12).dtype == DType::kFloat64);
  ReducerSpec index;
  index.name = "which_max";
  index.index = true;
  CHECK(Reducer::make(index, "").result(counts, 12).dtype == DType::kInt32);
  CHECK(*Reducer::make(index, "").result(counts, 12).nodata == -1);
}

TEST_CASE("unit, scale and offset are kept as far as they hold") {
  BandInfo band;
  band.dtype = DType::kUInt16;
  band.unit = "K";
  band.scale = 0.02;
  band.offset = 200;
  const auto described = [&](const std::string& name) {
    return reducer(name).result_band(band, 5);
  };
  CHECK(described("median").offset == 200);
  CHECK(described("median").unit == "K");
  CHECK(described("sd").scale == 0.02);
  CHECK(described("sd").offset == 0);
  CHECK(described("var").unit == "(K)2");
  CHECK(described("var").scale == doctest::Approx(0.0004));
  CHECK(described("sum").unit.empty());
  CHECK(described("sum").scale == 1);
  CHECK(described("count").unit == "1");
  CHECK(described("which_min").unit == "seconds since 1970-01-01 00:00:00");
}

TEST_CASE("names and short forms") {
  CHECK(reducer("Q1").name() == "q1");  // as gdalcubes writes it
  CHECK(reducer("p90").name() == "p90");
  CHECK(reducer("p2.5").name() == "p2.5");
  for (const std::string text : {"median", "p90", "p7", "p2.5", "p0", "p100", "which_min"}) {
    ReducerSpec spec;
    spec.set_short_form(text);
    CHECK(*spec.short_form() == text);
  }
  ReducerSpec spec;
  spec.name = "quantile";
  spec.quantile = 1.0 / 3;
  CHECK_FALSE(spec.short_form().has_value());
  spec.quantile = 0.07;
  CHECK(*spec.short_form() == "p7");
  CHECK_FALSE(reducer("mean").holds_values());
  CHECK(reducer("p90").holds_values());
  CHECK(reducer("mean").state_bytes(100, 1000) == 100 * 4 * 8);
  CHECK(reducer("median").state_bytes(100, 1000) == (100 + 1) * 8000);  // and one series alone
  CHECK(reducer("median").state_bytes(1, 100) > 800);
}

TEST_CASE("what is wrong with a reducer is said") {
  const auto error = [](ReducerSpec spec) {
    return test::error_of([&] { Reducer::make(spec, "/func"); });
  };
  ReducerSpec spec;
  spec.name = "meen";
  CHECK(error(spec) == "/func: there is no reducer 'meen' (did you mean 'mean'?)");
  spec.name = "quantile";
  CHECK(error(spec) == "/func: which quantile? (write \"p90\" or {\"quantile\": 0.9})");
  spec.quantile = 1.5;
  CHECK(error(spec) == "/func: there is no quantile 1.5 (0 to 1, or p0 to p100 as a text)");
  spec.quantile = kNaN;
  CHECK(error(spec) == "/func: there is no quantile nan (0 to 1, or p0 to p100 as a text)");
  spec.name = "median";
  spec.quantile = 0.5;
  CHECK(error(spec) == "/func: reducer 'median' takes no quantile (leave one of the two away)");
  spec = {};
  spec.index = true;
  CHECK(error(spec) ==
        "/func: reducer 'mean' has no index (only which_min and which_max have one)");
}
