// Statistics of whole slices against sums in exact arithmetic and sorted values, in slices large
// enough for selection in several passes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "engine/counted_mode.h"
#include "engine/space_statistic.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kColumns = 1200;

Reducer reducer(const std::string& text) {
  ReducerSpec spec;
  spec.set_short_form(text);
  return Reducer::make(spec, "");
}

// Rows of a slice in blocks of some rows each.
std::vector<Block> blocks(const std::vector<double>& cells, const Storage& storage,
                          std::int64_t rows_each) {
  std::vector<Block> out;
  const auto rows = static_cast<std::int64_t>(cells.size()) / kColumns;
  for (std::int64_t y = 0; y < rows; y += rows_each) {
    Block block({{3, 4}, {y, std::min(y + rows_each, rows)}, {0, kColumns}}, storage);
    for (std::int64_t r = y; r < block.region().y.end; ++r) {
      block.set_row(3, r, {cells.data() + r * kColumns, static_cast<std::size_t>(kColumns)});
    }
    out.push_back(std::move(block));
  }
  return out;
}

struct Outcome {
  double value;
  int passes;
};

// `cells` may be said to be more than there are, so that small slices are treated as large ones.
Outcome reduce(const std::string& name, const std::vector<Block>& pieces, const Storage& storage,
               std::int64_t cells) {
  const auto statistic = make_space_statistic(reducer(name), storage, cells, kColumns);
  Outcome out{kNaN, 0};
  for (int slice = 0; slice < 2; ++slice) {  // the second shows that nothing is left of the first
    statistic->begin();
    out.passes = 0;
    do {
      for (const Block& block : pieces) statistic->add(block, 3);
      ++out.passes;
    } while (statistic->wants_again());
  }
  out.value = statistic->result();
  return out;
}

double quantile(const std::vector<double>& sorted, double q) {
  const double at = (static_cast<double>(sorted.size()) - 1) * q;
  const auto i = static_cast<std::size_t>(at);
  const double fraction = at - static_cast<double>(i);
  if (!(fraction > 0)) return sorted[i];
  return fraction == 0.5 ? (sorted[i] + sorted[i + 1]) / 2
                         : sorted[i] + fraction * (sorted[i + 1] - sorted[i]);
}

std::vector<double> sorted_values(const std::vector<double>& cells) {
  std::vector<double> out;
  for (const double v : cells) {
    if (!std::isnan(v)) out.push_back(v);
  }
  std::sort(out.begin(), out.end());
  return out;
}

double mode(const std::vector<double>& sorted) {
  std::map<double, int> counts;
  for (const double v : sorted) ++counts[v];
  double best = kNaN;
  int most = 0;
  for (const auto& [value, count] : counts) {
    if (count > most) best = value;
    most = std::max(most, count);
  }
  return best;
}

double mad(const std::vector<double>& sorted) {
  const double center = quantile(sorted, 0.5);
  std::vector<double> out;
  for (const double v : sorted) out.push_back(std::abs(v - center));
  std::sort(out.begin(), out.end());
  return quantile(out, 0.5);
}

// Values as the type can hold them, every sixth or so missing.
std::vector<double> cells_of(DType type, std::int64_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  std::vector<double> out(static_cast<std::size_t>(rows * kColumns));
  for (double& v : out) {
    const double z = normal(random);
    switch (type) {
      case DType::kFloat64:
        v = z * 1e-3 + 1e6;
        break;
      case DType::kFloat32:
        v = static_cast<double>(static_cast<float>(z * std::exp(z * 3)));
        break;
      case DType::kInt32:
        v = std::round(z * 3e8);
        break;
      case DType::kUInt32:
        v = std::round(std::abs(z) * 7e8);
        break;
      case DType::kInt16:
        v = std::round(z * 5000);
        break;
      case DType::kUInt16:
        v = std::round(std::abs(z) * 9000);
        break;
      default:
        v = std::round(std::abs(z) * 50);
    }
    v = std::clamp(v, lowest(type), highest(type));
    if (random() % 6 == 0) v = kNaN;
  }
  return out;
}

Storage storage_of(DType type) {
  const std::map<DType, double> nodata = {{DType::kUInt8, 255},
                                          {DType::kInt16, -32768},
                                          {DType::kUInt16, 0},
                                          {DType::kInt32, -2147483647.0 - 1},
                                          {DType::kUInt32, 4294967295.0}};
  return is_float(type) ? Storage{type, kNaN} : Storage{type, nodata.at(type)};
}

std::vector<double> as_stored(const std::vector<Block>& pieces) {
  std::vector<double> out;
  std::vector<double> scratch;
  for (const Block& block : pieces) {
    for (std::int64_t y = block.region().y.begin; y < block.region().y.end; ++y) {
      const auto row = block.row(3, y, scratch);
      out.insert(out.end(), row.begin(), row.end());
    }
  }
  return out;
}

constexpr std::int64_t kHuge = std::int64_t{1} << 40;

}  // namespace

TEST_CASE("order statistics of every type, held and in passes, are those of the sorted values") {
  for (const DType type : {DType::kUInt8, DType::kInt16, DType::kUInt16, DType::kInt32,
                           DType::kUInt32, DType::kFloat32, DType::kFloat64}) {
    CAPTURE(name(type));
    const Storage storage = storage_of(type);
    for (const std::int64_t rows : {1, 2, 40}) {
      const auto pieces = blocks(cells_of(type, rows, 5), storage, 7);
      const auto sorted = sorted_values(as_stored(pieces));
      const std::map<std::string, double> wanted = {{"median", quantile(sorted, 0.5)},
                                                    {"q1", quantile(sorted, 0.25)},
                                                    {"q3", quantile(sorted, 0.75)},
                                                    {"p0", sorted.front()},
                                                    {"p100", sorted.back()},
                                                    {"p99.9", quantile(sorted, 99.9 / 100)},
                                                    {"mode", mode(sorted)},
                                                    {"mad", mad(sorted)}};
      for (const auto& one : wanted) {
        const std::string& statistic = one.first;
        const double value = one.second;
        CAPTURE(statistic);
        CHECK(reduce(statistic, pieces, storage, rows * kColumns).value == value);
        CHECK(reduce(statistic, pieces, storage, kHuge).value == value);
      }
    }
  }
}

TEST_CASE("passes are as few as promised") {
  const auto passes = [](const std::string& statistic, DType type) {
    const auto pieces = blocks(cells_of(type, 3, 1), storage_of(type), 2);
    return reduce(statistic, pieces, storage_of(type), kHuge).passes;
  };
  CHECK(passes("median", DType::kUInt16) == 1);
  CHECK(passes("mad", DType::kInt16) == 1);
  CHECK(passes("mode", DType::kUInt16) == 1);
  CHECK(passes("p90", DType::kFloat32) == 2);
  CHECK(passes("p90", DType::kInt32) == 2);
  CHECK(passes("median", DType::kFloat64) == 4);
  CHECK(passes("mad", DType::kFloat32) == 6);
  CHECK(passes("mode", DType::kFloat64) == 1);
  CHECK(passes("var", DType::kFloat64) == 1);
}

TEST_CASE("of nothing everything but count is missing") {
  const Storage storage = storage_of(DType::kFloat32);
  const auto pieces = blocks(std::vector<double>(2 * kColumns, kNaN), storage, 1);
  for (const std::string& statistic : reducer_names()) {
    if (statistic == "quantile" || statistic == "count") continue;
    CAPTURE(statistic);
    CHECK(std::isnan(reduce(statistic, pieces, storage, 2 * kColumns).value));
    CHECK(std::isnan(reduce(statistic, pieces, storage, kHuge).value));
  }
  CHECK(reduce("count", pieces, storage, kHuge).value == 0);
}

TEST_CASE("the mode of more different values than are counted at a time") {
  // Each value once but one of the highest, which comes twice: all passes are needed.
  const Storage storage{DType::kFloat64, kNaN};
  const std::int64_t rows = 2 * CountedMode::kCountedValues / kColumns;
  std::vector<double> cells(static_cast<std::size_t>(rows * kColumns));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = static_cast<double>((i * 7919) % cells.size()) - 1000;
  }
  const double high = static_cast<double>(cells.size()) - 1005;
  *std::find(cells.begin(), cells.end(), 0.0) = high;
  const Outcome outcome = reduce("mode", blocks(cells, storage, 512), storage, kHuge);
  CHECK(outcome.value == high);
  CHECK(outcome.passes == 3);
}

TEST_CASE("the mode of values that are all different takes few passes") {
  const Storage storage = storage_of(DType::kFloat64);
  const std::int64_t rows = 6 * CountedMode::kCountedValues / kColumns;
  std::vector<double> cells(static_cast<std::size_t>(rows * kColumns));
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (double& v : cells) v = uniform(random);
  const double lowest = *std::min_element(cells.begin(), cells.end());
  Outcome outcome = reduce("mode", blocks(cells, storage, 512), storage, kHuge);
  CHECK(outcome.value == lowest);
  CHECK(outcome.passes <= 5);                        // 8 if each value were counted
  cells[0] = cells[cells.size() / 2] = 0.987654321;  // the second of few that come twice
  outcome = reduce("mode", blocks(cells, storage, 512), storage, kHuge);
  CHECK(outcome.value == 0.987654321);
  CHECK(outcome.passes <= 4);
}

TEST_CASE("sums keep what a plain loop loses, infinities stay") {
  const Storage storage{DType::kFloat64, kNaN};
  std::vector<double> cells(10 * kColumns, 0.1);
  cells[7] = 1e17;
  cells[11 * 800] = -1e17;
  const auto n = static_cast<double>(cells.size());
  const auto pieces = blocks(cells, storage, 3);
  CHECK(reduce("sum", pieces, storage, kHuge).value ==
        doctest::Approx((n - 2) * 0.1).epsilon(1e-15));
  std::vector<double> infinite(kColumns, 1);
  infinite[5] = std::numeric_limits<double>::infinity();
  const auto row = blocks(infinite, storage, 1);
  CHECK(std::isinf(reduce("sum", row, storage, kHuge).value));
  CHECK(std::isinf(reduce("max", row, storage, kHuge).value));
  CHECK(reduce("median", row, storage, kHuge).value == 1);
}

TEST_CASE("a variance far from zero, also when the first value is an outlier") {
  const Storage storage{DType::kFloat64, kNaN};
  std::mt19937 random(3);
  for (const double first : {1e9, -9999.0}) {
    std::vector<double> cells(20 * kColumns);
    for (double& v : cells) v = 1e9 + static_cast<double>(random() % 4096) / 4096;
    cells[0] = first;
    long double mean = 0;
    for (const double v : cells) mean += v;
    mean /= static_cast<long double>(cells.size());
    long double squares = 0;
    for (const double v : cells) squares += (v - mean) * (v - mean);
    const auto wanted = static_cast<double>(squares / static_cast<long double>(cells.size() - 1));
    CHECK(reduce("var", blocks(cells, storage, 6), storage, kHuge).value ==
          doctest::Approx(wanted).epsilon(1e-12));
  }
}

TEST_CASE("ends and places go row by row, in whatever order pieces come") {
  const Storage storage{DType::kFloat64, kNaN};
  Block left({{3, 4}, {0, 2}, {0, 2}}, storage);
  Block right({{3, 4}, {0, 2}, {2, 4}}, storage);
  left.set_row(3, 0, std::vector<double>{kNaN, kNaN});
  left.set_row(3, 1, std::vector<double>{5, 1});
  right.set_row(3, 0, std::vector<double>{1, 5});
  right.set_row(3, 1, std::vector<double>{2, kNaN});
  const auto value = [&](const std::string& statistic) {
    const auto made = make_space_statistic(reducer(statistic), storage, 8, 4);
    made->begin();
    made->add(left, 3);
    made->add(right, 3);
    made->wants_again();
    return made->result();
  };
  CHECK(value("first") == 1);
  CHECK(value("last") == 2);
  CHECK(value("which_max") == 3);
  CHECK(value("which_min") == 2);
}
