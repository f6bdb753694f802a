#include "engine/simulate.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "engine/error.h"

namespace cube {

namespace {

constexpr double kMostChunks = 2e7;

// The longest that one of the workers takes for its part.
double slowest_part(const std::vector<double>& costs, std::int64_t workers, double threads) {
  const std::vector<std::int64_t> begins = cut_evenly(costs, workers);
  double slowest = 0;
  for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
    double sum = 0;
    double dearest = 0;
    for (std::int64_t chunk = begins[i]; chunk < begins[i + 1]; ++chunk) {
      const double cost = costs[static_cast<std::size_t>(chunk)];
      sum += cost;
      dearest = std::max(dearest, cost);
    }
    // Threads take chunk after chunk, so that they end within one chunk of each other.
    slowest = std::max(slowest, std::max(sum / threads, dearest));
  }
  return slowest;
}

std::string name_of_limit(const SimulatedRun& run, double even_share) {
  const std::array<std::pair<double, const char*>, 4> parts = {
      {{run.work - even_share, "uneven parts"},
       {run.storage, "storage"},
       {run.start, "start of workers"},
       {run.finish, "cube finish"}}};
  const auto& most = *std::ranges::max_element(parts);
  return most.first > even_share / 20 ? most.second : "none";
}

SimulatedRun run_with(std::int64_t workers, const Simulation& all, const std::vector<double>& costs,
                      const SimulationRates& rates) {
  SimulatedRun run{.workers = workers};
  run.start = rates.start + rates.start_image * static_cast<double>(all.images);
  run.work = slowest_part(costs, workers, rates.threads);
  const double transfer = std::max(all.read_bytes / rates.read, all.write_bytes / rates.write);
  run.storage = std::max(0.0, transfer - run.work);
  run.finish = run.start + rates.finish_chunk * static_cast<double>(all.chunks) +
               rates.finish_byte * all.write_bytes;
  run.seconds = run.start + run.work + run.storage + run.finish;
  const double each = all.cpu_seconds / (static_cast<double>(workers) * rates.threads);
  run.busy = each / run.seconds;
  run.limit = name_of_limit(run, each);
  return run;
}

}  // namespace

std::map<std::string, double*> fields_of(SimulationRates& rates) {
  return {{"read_byte", &rates.costs.read_byte},
          {"image", &rates.costs.image},
          {"result_byte", &rates.costs.result_byte},
          {"chunk", &rates.costs.chunk},
          {"threads", &rates.threads},
          {"repeats", &rates.repeats},
          {"start", &rates.start},
          {"start_image", &rates.start_image},
          {"read", &rates.read},
          {"write", &rates.write},
          {"packed", &rates.packed},
          {"finish_chunk", &rates.finish_chunk},
          {"finish_byte", &rates.finish_byte}};
}

Simulation simulate(const Plan& plan, std::int64_t workers, const SimulationRates& rates) {
  const auto repeats = static_cast<std::int64_t>(rates.repeats);
  const double chunks = static_cast<double>(plan.chunks()) * rates.repeats;
  if (chunks > kMostChunks) {
    throw Error(ErrorCode::kInvalid, "more than 20 million chunks are not simulated", "--simulate",
                "larger chunks (--chunk), or fewer repeats");
  }
  Simulation out;
  std::vector<double> costs;
  for (std::int64_t chunk = 0; chunk < plan.chunks(); ++chunk) {
    const Plan::ChunkCost cost = plan.cost(chunk);
    costs.push_back(seconds_of(cost, rates.costs));
    out.read_bytes += static_cast<double>(cost.read_bytes) * rates.packed * rates.repeats;
    out.write_bytes += static_cast<double>(cost.result_bytes) * rates.packed * rates.repeats;
  }
  const std::size_t once = costs.size();
  costs.resize(once * static_cast<std::size_t>(repeats));
  for (std::size_t i = once; i < costs.size(); ++i) costs[i] = costs[i - once];
  out.chunks = static_cast<std::int64_t>(costs.size());
  for (const Graph::Node& node : plan.graph().nodes) {
    out.images += static_cast<std::int64_t>(node.op->source_names().size()) * repeats;
  }
  out.cells = static_cast<double>(plan.info().extent().cells()) * rates.repeats *
              static_cast<double>(plan.info().bands.size());
  out.cpu_seconds = std::accumulate(costs.begin(), costs.end(), 0.0);
  out.dearest_chunk = costs.empty() ? 0 : *std::ranges::max_element(costs);
  for (std::int64_t count = 1;; count *= 2) {
    out.runs.push_back(run_with(std::min(count, workers), out, costs, rates));
    if (count >= workers) return out;
  }
}

}  // namespace cube
