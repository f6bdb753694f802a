#include "engine/cost_model.h"

#include <cassert>
#include <numeric>

namespace cube {

double seconds_of(const Plan::ChunkCost& cost, const CostRates& rates) {
  return static_cast<double>(cost.read_bytes) * rates.read_byte +
         static_cast<double>(cost.images) * rates.image +
         static_cast<double>(cost.result_bytes) * rates.result_byte + rates.chunk;
}

std::vector<double> chunk_seconds(const Plan& plan, const CostRates& rates) {
  std::vector<double> out(static_cast<std::size_t>(plan.chunks()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = seconds_of(plan.cost(static_cast<std::int64_t>(i)), rates);
  }
  return out;
}

std::vector<std::int64_t> cut_evenly(std::span<const double> costs, std::int64_t parts) {
  assert(parts > 0);
  const double total = std::accumulate(costs.begin(), costs.end(), 0.0);
  std::vector<std::int64_t> begins = {0};
  std::size_t at = 0;
  double before = 0;
  for (std::int64_t part = 1; part < parts; ++part) {
    const double wanted = total * static_cast<double>(part) / static_cast<double>(parts);
    // The cut that lies nearest to where it should be.
    while (at < costs.size() && before + costs[at] / 2 <= wanted) before += costs[at++];
    begins.push_back(static_cast<std::int64_t>(at));
  }
  begins.push_back(static_cast<std::int64_t>(costs.size()));
  return begins;
}

}  // namespace cube
