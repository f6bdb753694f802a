// The numbers behind trend_time and smooth_time: p values, orthonormal columns, weights of windows.
// What they make of whole cubes is held against numpy by check_series.py.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>

#include "engine/smoothing.h"
#include "engine/trend.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double p_of(double t, std::int64_t dof) {
  const double square = t * t / static_cast<double>(dof);
  return StudentT(dof).p_value(1 / (1 + square), square / (1 + square), dof);
}

void check_close(double a, double b, double tolerance) {
  CAPTURE(a);
  CAPTURE(b);
  CHECK(std::abs(a - b) <= tolerance * std::abs(b));
}

}  // namespace

TEST_CASE("Student's t of 1, 2 and 4 degrees of freedom has closed forms, far into the tail") {
  for (const double t : {1e-9, 1e-3, 0.1, 0.5, 1.0, 2.0, 3.7, 10.0, 1e3, 1e6, 1e12}) {
    CAPTURE(t);
    check_close(p_of(t, 1), 2 / std::numbers::pi * std::atan2(1, t), 1e-12);
    // 1 - t / sqrt(2 + t^2), without cancellation.
    const double root = std::sqrt(2 + t * t);
    check_close(p_of(t, 2), 2 / (root * (root + t)), 1e-12);
    if (t > 100) continue;
    const double r = t / std::sqrt(4 + t * t);
    CHECK(p_of(t, 4) == doctest::Approx(1 - r * (1 + 2 / (4 + t * t))).epsilon(1e-9));
  }
  CHECK(p_of(0, 5) == 1);
  CHECK(StudentT(5).p_value(0, 1, 5) == 0);
}

TEST_CASE("Student's t as printed in tables, and with many degrees of freedom the normal one") {
  check_close(p_of(2.228139, 10), 0.05, 1e-6);
  check_close(p_of(2.750000, 30), 0.01, 1e-4);
  check_close(p_of(636.619249, 1), 0.001, 1e-7);
  check_close(p_of(3.290527, 1000000), 0.001, 1e-4);
  CHECK(p_of(50, 100000) < 1e-300);
}

TEST_CASE("columns become orthonormal, also when they are nearly dependent") {
  OrthonormalColumns basis;
  std::vector<double> ones(50, 1.0);
  std::vector<double> near(50);
  for (std::size_t i = 0; i < near.size(); ++i) near[i] = 1 + 1e-9 * static_cast<double>(i * i % 7);
  REQUIRE(basis.add(ones, 0));
  REQUIRE(basis.add(near, 0));
  CHECK_FALSE(basis.add(ones, 1e-12));
  CHECK(basis.size() == 2);
  CHECK(dot(basis.column(0), basis.column(0)) == doctest::Approx(1).epsilon(1e-14));
  CHECK(dot(basis.column(1), basis.column(1)) == doctest::Approx(1).epsilon(1e-14));
  CHECK(std::abs(dot(basis.column(0), basis.column(1))) < 1e-15);
  for (std::size_t i = 0; i < near.size(); ++i) {
    const double again = basis.r(0, 1) * basis.column(0)[i] + basis.r(1, 1) * basis.column(1)[i];
    CHECK(again == doctest::Approx(near[i]).epsilon(1e-15));
  }
}

TEST_CASE("a fit is made anew for each pattern of missing values") {
  TrendFit fit({0, 1, 2, 3, 4}, TrendFit::Method::kLeastSquares, 0);
  const std::vector<double> line = {1, 3, 5, 7, 9};
  for (int skipped = -1; skipped < 5; ++skipped) {
    std::vector<double> series = line;
    if (skipped >= 0) series[static_cast<std::size_t>(skipped)] = kNaN;
    const Trend trend = fit.fit(series);
    CHECK(trend.slope == doctest::Approx(2).epsilon(1e-14));
    CHECK(trend.intercept == doctest::Approx(1).epsilon(1e-13));
    CHECK(trend.values == (skipped < 0 ? 5 : 4));
    CHECK(std::isnan(fit.fit(std::vector<double>(5, kNaN)).values));
  }
}

TEST_CASE("the median of all slopes is that of sorting them, ties and all") {
  std::mt19937 random(11);
  const auto normal = [&] { return std::normal_distribution<double>(0, 1)(random); };
  MedianSlope median;
  for (const std::size_t n : {2U, 3U, 5U, 46U, 47U, 48U, 100U, 251U, 400U}) {
    for (int kind = 0; kind < 7; ++kind) {
      CAPTURE(n);
      CAPTURE(kind);
      std::vector<double> t(n);
      std::vector<double> y(n);
      for (std::size_t i = 0; i < n; ++i) {
        const auto place = static_cast<double>(i);
        t[i] = kind % 2 == 0 ? place / 7 : place * place + 0.1 * place;
        y[i] = kind == 0   ? normal()
               : kind == 1 ? place + normal()
               : kind == 2 ? std::round(normal())      // ties
               : kind == 3 ? 3 * t[i]                  // one slope
               : kind == 4 ? (i % 3 == 0 ? 1.0 : 0.0)  // two values
               : kind == 5 ? 1e9 + std::round(2 * normal())
                           : (i < n / 2 ? 0.0 : normal());  // half of the pairs of one half
      }
      std::vector<double> slopes;
      double score = 0;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = i + 1; j < n; ++j) {
          slopes.push_back((y[j] - y[i]) / (t[j] - t[i]));
          score += y[j] > y[i] ? 1 : y[j] < y[i] ? -1 : 0;
        }
      }
      std::sort(slopes.begin(), slopes.end());
      const std::size_t half = slopes.size() / 2;
      const double expected =
          slopes.size() % 2 == 1 ? slopes[half] : (slopes[half - 1] + slopes[half]) / 2;
      const MedianSlope::Result result = median.of(t, y);
      CHECK(result.slope == expected);
      CHECK(result.score == score);
    }
  }
}

TEST_CASE("of groups only the slopes between their own points count") {
  std::mt19937 random(12);
  MedianSlope median;
  for (const std::int64_t length : {2, 9, 60, 150}) {
    CAPTURE(length);
    // A group of one point and three of others, each far above the one before.
    const std::vector<Range> groups = {{0, length},
                                       {length, 2 * length},
                                       {2 * length, 2 * length + 1},
                                       {2 * length + 1, 4 * length}};
    std::vector<double> t;
    std::vector<double> y;
    std::vector<double> slopes;
    double score = 0;
    for (const Range& group : groups) {
      for (std::int64_t i = group.begin; i < group.end; ++i) {
        t.push_back(static_cast<double>(i - group.begin) * 1.5);
        y.push_back(1e5 * static_cast<double>(group.begin) + static_cast<double>(random() % 100));
        for (auto j = static_cast<std::size_t>(group.begin); j + 1 < t.size(); ++j) {
          slopes.push_back((y.back() - y[j]) / (t.back() - t[j]));
          score += y.back() > y[j] ? 1 : y.back() < y[j] ? -1 : 0;
        }
      }
    }
    std::sort(slopes.begin(), slopes.end());
    const std::size_t half = slopes.size() / 2;
    const MedianSlope::Result result = median.of(t, y, groups);
    CHECK(result.slope ==
          (slopes.size() % 2 == 1 ? slopes[half] : (slopes[half - 1] + slopes[half]) / 2));
    CHECK(result.score == score);
  }
}

TEST_CASE("lines side by side are those of the general fit, one by one") {
  constexpr std::size_t kCells = 40;
  constexpr std::int64_t kSlices = 25;
  std::mt19937 random(3);
  std::vector<double> times;
  for (std::int64_t t = 0; t < kSlices; ++t) {
    times.push_back(static_cast<double>(t) + 0.4 * static_cast<double>(t % 3));
  }
  SeriesStrip strip;
  strip.reset({0, kSlices}, kCells);
  for (std::int64_t t = 0; t < kSlices; ++t) {
    for (std::size_t i = 0; i < kCells; ++i) {
      // From full series to two values, far from 0; a line without noise; equal values.
      const bool there = random() % kCells >= i || t < 2;
      const double noise = i == 1 ? 0 : static_cast<double>(random() % 1000) / 999;
      const double value = i == 2 ? 5 : 1e6 + 0.25 * times[static_cast<std::size_t>(t)] + noise;
      strip.at(t)[i] = there ? value : kNaN;
    }
  }
  LineFits lines(times);
  TrendFit general(times, TrendFit::Method::kLeastSquares, 0);
  const auto trends = lines.fit(strip, true);
  for (std::size_t i = 0; i < kCells; ++i) {
    CAPTURE(i);
    std::vector<double> series;
    for (std::int64_t t = 0; t < kSlices; ++t) series.push_back(strip.at(t)[i]);
    const Trend expected = general.fit(series);
    CHECK(trends[i].slope == doctest::Approx(expected.slope).epsilon(1e-8));
    CHECK(trends[i].intercept == doctest::Approx(expected.intercept).epsilon(1e-12));
    CHECK(trends[i].values == expected.values);
    CHECK(std::isnan(trends[i].r2) == std::isnan(expected.r2));
    CHECK(std::isnan(trends[i].p_value) == std::isnan(expected.p_value));
    if (i == 1 || i == 2) continue;  // of rounding, and of nothing
    CHECK(trends[i].r2 == doctest::Approx(expected.r2).epsilon(1e-8));
    if (expected.values > 2) {
      CHECK(trends[i].p_value == doctest::Approx(expected.p_value).epsilon(1e-7));
    }
  }
}

TEST_CASE("no line goes through an infinite value") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<double> series = {1, kInfinity, 2, -kInfinity, kInfinity, 3};
  for (const auto method : {TrendFit::Method::kLeastSquares, TrendFit::Method::kTheilSen}) {
    TrendFit fit({0, 1, 2, 3, 4, 5}, method, 0);
    const Trend trend = fit.fit(series);
    CHECK(std::isnan(trend.slope));
    CHECK(std::isnan(trend.p_value));
    CHECK(trend.values == 6);
  }
  SeriesStrip strip;
  strip.reset({0, 6}, 1);
  for (std::size_t t = 0; t < 6; ++t) strip.at(static_cast<std::int64_t>(t))[0] = series[t];
  LineFits lines({0, 1, 2, 3, 4, 5});
  CHECK(std::isnan(lines.fit(strip, true)[0].slope));
  CHECK(lines.fit(strip, true)[0].values == 6);
}

TEST_CASE("weights of a window: Savitzky and Golay's, and any polynomial of the order exactly") {
  std::vector<double> places(30);
  std::iota(places.begin(), places.end(), 0.0);
  const LocalPolynomials fit(places, 7, 2);
  const std::vector<double> published = {-2, 3, 6, 7, 6, 3, -2};
  for (std::size_t i = 0; i < 7; ++i) {
    CHECK(fit.weights(15)[i] == doctest::Approx(published[i] / 21).epsilon(1e-13));
  }
  for (double& place : places) place = place * place;  // uneven
  const LocalPolynomials uneven(places, 9, 4);
  for (const std::int64_t t : {0, 3, 17, 29}) {
    const auto weights = uneven.weights(t);
    double sum = 0;
    const auto first = static_cast<std::size_t>(uneven.window(t).begin);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      sum += weights[i] * std::pow(places[first + i] - 100, 4);
    }
    CHECK(sum == doctest::Approx(std::pow(places[static_cast<std::size_t>(t)] - 100, 4)));
  }
}
