// Sharing out chunks over parts, and the model of many workers.
#include <algorithm>
#include <numeric>
#include <random>
#include <span>

#include "engine/cost_model.h"
#include "tests/support.h"

using namespace cube;

namespace {

double cost_of(std::span<const double> costs, std::int64_t begin, std::int64_t end) {
  return std::accumulate(costs.begin() + begin, costs.begin() + end, 0.0);
}

}  // namespace

TEST_CASE("parts are disjoint, are all chunks, and cost about the same") {
  std::mt19937_64 generator(7);
  for (int round = 0; round < 2000; ++round) {
    const auto number = [&](unsigned most) { return static_cast<int>(generator() % most); };
    std::vector<double> costs(static_cast<std::size_t>(number(60)));
    for (double& cost : costs) cost = number(3) == 0 ? 0 : number(1000);
    const std::int64_t parts = 1 + number(80);
    const std::vector<std::int64_t> begins = cut_evenly(costs, parts);
    REQUIRE(begins.size() == static_cast<std::size_t>(parts) + 1);
    REQUIRE(begins.front() == 0);
    REQUIRE(begins.back() == static_cast<std::int64_t>(costs.size()));
    REQUIRE(std::ranges::is_sorted(begins));
    const double dearest = costs.empty() ? 0 : *std::ranges::max_element(costs);
    const double mean = cost_of(costs, 0, begins.back()) / static_cast<double>(parts);
    for (std::int64_t part = 0; part < parts; ++part) {
      const auto p = static_cast<std::size_t>(part);
      const double cost = cost_of(costs, begins[p], begins[p + 1]);
      CHECK(std::abs(cost - mean) <= dearest + 1e-9);
    }
  }
}
