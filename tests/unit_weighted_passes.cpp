// Order statistics of cells in several passes against those of cells that are all held: the same
// to the bit.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "engine/counted_mode.h"
#include "engine/weighted_passes.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kMany = 700'000;  // more than one pass holds

struct Cells {
  std::vector<double> values;
  std::vector<double> weights;

  void add(double value, double weight = 1) {
    values.push_back(value);
    weights.push_back(weight);
  }
};

WeightedReducer reducer(const std::string& text) {
  ReducerSpec spec;
  spec.set_short_form(text);
  return WeightedReducer::make(spec, "");
}

std::int64_t parts_of(const Cells& cells) {
  return std::ranges::count_if(cells.weights, [](double weight) { return weight < 1; });
}

double held(const WeightedReducer& what, const Cells& cells) {
  WeightedCells all({DType::kFloat64, std::nan("")});
  all.begin(static_cast<std::int64_t>(cells.values.size()), parts_of(cells));
  all.add(cells.values, cells.weights);
  return what.of(all);
}

// Twice, which shows that nothing is left of the first time.
double selected(const WeightedReducer& what, const Cells& cells) {
  const auto passes = make_weighted_passes(what);
  for (int again = 0; again < 2; ++again) {
    passes->begin(parts_of(cells));
    int number = 0;
    do {
      passes->add(cells.values, cells.weights);
      REQUIRE(++number < 20);
    } while (passes->wants_again());
  }
  return passes->result();
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

const std::vector<std::string> kAll = {"median", "p0", "p100", "q1", "p90", "p33.3", "mad", "mode"};

void check_same(const Cells& cells, const std::vector<std::string>& names = kAll) {
  for (const std::string& name : names) {
    CAPTURE(name);
    CAPTURE(cells.values.size());
    const double a = held(reducer(name), cells);
    const double b = selected(reducer(name), cells);
    CAPTURE(a);
    CAPTURE(b);
    CHECK(same(a, b));
  }
}

// So many cells of whatever `value` makes, some in part where `weigh`.
Cells cells_of(std::size_t n, bool weigh, const std::function<double(std::mt19937&)>& value) {
  std::mt19937 dice(static_cast<unsigned>(n) + (weigh ? 1 : 0));
  std::uniform_real_distribution<double> share(0.001, 0.999);
  Cells cells;
  for (std::size_t i = 0; i < n; ++i)
    cells.add(value(dice), weigh && i % 50 == 0 ? share(dice) : 1);
  return cells;
}

}  // namespace

TEST_CASE("many cells of any distribution") {
  std::normal_distribution<double> normal(0.3, 0.1);
  std::lognormal_distribution<double> wide(0, 8);
  const std::vector<std::function<double(std::mt19937&)>> kinds = {
      [&](std::mt19937& dice) { return normal(dice); },
      [&](std::mt19937& dice) { return static_cast<double>(static_cast<float>(wide(dice))); },
      [](std::mt19937& dice) { return static_cast<double>(dice() % 5); },
      [](std::mt19937&) { return -7.25; },
      [](std::mt19937& dice) { return dice() % 3 == 0   ? kInfinity
                                      : dice() % 2 == 0 ? -1.0
                                                        : 4.0; },
      [](std::mt19937& dice) { return dice() % 2 == 0 ? 0.0 : -0.0; },
      [&](std::mt19937& dice) { return dice() % 2 == 0 ? std::nan("") : -wide(dice); },
      // Values that differ in their last bits only.
      [](std::mt19937& dice) {
        return std::bit_cast<double>(std::bit_cast<std::uint64_t>(1.0) + dice() % 1'000'000);
      },
  };
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    for (const bool weigh : {false, true}) {
      CAPTURE(kind);
      CAPTURE(weigh);
      const std::vector<std::string> some =
          weigh ? std::vector<std::string>{"median", "p90", "mad", "mode"}
                : std::vector<std::string>{"p33.3", "p100", "mode"};
      check_same(cells_of(kMany, weigh, kinds[kind]), some);
    }
  }
}

TEST_CASE("few cells, in part and whole") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 dice(seed);
    Cells cells;
    const std::size_t n = dice() % 9;
    for (std::size_t i = 0; i < n; ++i) {
      const double weight = dice() % 2 == 0 ? 1.0 : static_cast<double>(1 + dice() % 9) / 10;
      cells.add(static_cast<double>(dice() % 4), weight);
    }
    check_same(cells);
  }
}

TEST_CASE("nothing, only missing cells, and only cells in part") {
  check_same({});
  Cells cells;
  cells.add(std::nan(""));
  cells.add(std::nan(""), 0.5);
  check_same(cells);
  CHECK(std::isnan(selected(reducer("median"), cells)));
  cells.add(3, 0.25);
  CHECK(selected(reducer("median"), cells) == 3);
  cells.add(5, 0.75);
  check_same(cells);
}

// More different values than one pass counts: values come once or twice but for a few, which
// weights of parts decide between.
TEST_CASE("modes of several passes") {
  constexpr std::int64_t kValues = 900'000;
  const auto value = [](std::int64_t i) { return static_cast<double>(i) * 1e-3 - 100; };
  struct Case {
    std::vector<std::pair<std::int64_t, double>> parts;  // value and weight
    std::vector<std::pair<std::int64_t, int>> extra;     // value and further whole cells
    std::int64_t mode;
  };
  const std::vector<Case> cases = {
      {{}, {}, 0},
      {{}, {{899'999, 1}}, 899'999},
      {{}, {{899'999, 1}, {800'000, 1}}, 800'000},
      {{{850'000, 0.5}}, {}, 850'000},
      {{{850'000, 0.5}, {3, 0.25}, {3, 0.25}}, {}, 3},
      {{{850'000, 0.75}, {3, 0.25}, {3, 0.25}}, {}, 850'000},
      {{{899'000, 0.5}, {899'000, 0.5}, {899'000, 0.25}, {7, 0.5}}, {{5, 1}}, 899'000},
      // Of equal ones the smallest; one that comes in part only, below, between and above.
      {{{-9, 0.5}, {-9, 0.5}}, {}, -9},
      {{{-9, 0.5}, {-9, 0.25}}, {}, 0},
      {{{1'000'000, 0.75}, {1'000'000, 0.75}}, {}, 1'000'000},
      {{{1'000'000, 0.5}, {1'000'000, 0.5}}, {}, 0},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    Cells cells;
    for (std::int64_t k = 0; k < kValues; ++k) cells.add(value(k * 7919 % kValues));
    for (const auto& part : cases[i].parts) cells.add(value(part.first), part.second);
    for (const auto& more : cases[i].extra) {
      for (int k = 0; k < more.second; ++k) cells.add(value(more.first));
    }
    CHECK(selected(reducer("mode"), cells) == value(cases[i].mode));
    CHECK(held(reducer("mode"), cells) == value(cases[i].mode));
  }
}

// As many different values as a pass counts, and a cell or two that are left for another one.
TEST_CASE("modes that the last cells decide") {
  constexpr std::int64_t kOnePass = CountedMode::kCountedValues / 4 * 3;
  for (const int last : {1, 2}) {
    for (const double part : {0.0, 0.25}) {
      CAPTURE(last);
      CAPTURE(part);
      Cells cells;
      for (std::int64_t k = 0; k < kOnePass; ++k) cells.add(static_cast<double>(k));
      for (int k = 0; k < last; ++k) cells.add(1e9);
      if (part > 0) cells.add(1e9, part);
      CHECK(selected(reducer("mode"), cells) == (last + part > 1 ? 1e9 : 0));
      CHECK(held(reducer("mode"), cells) == (last + part > 1 ? 1e9 : 0));
    }
  }
}
