#include "api/plan_options.h"

#include <algorithm>
#include <numeric>

namespace cube {

PlanOptions plan_options(const Graph& graph, const Settings& settings, const HostLimits& host) {
  // Who waits for a server needs no core.
  constexpr int kPerCore = 8;
  constexpr int kLeast = 16;
  constexpr int kMost = 64;
  PlanOptions out;
  out.threads = settings.threads > 0 ? settings.threads : usable_cores(host);
  if (settings.threads <= 0 && graph.reads_remote()) {
    out.threads = std::max(out.threads, std::clamp(out.threads * kPerCore, kLeast, kMost));
  }
  out.memory_bytes = settings.memory_bytes > 0 ? settings.memory_bytes : default_memory_bytes(host);
  out.chunk = settings.chunk;
  return out;
}

PlanOptions with_sinks(PlanOptions options, std::span<const std::unique_ptr<Sink>> sinks) {
  for (const auto& sink : sinks) {
    const ChunkShape tile = sink->tile();
    ChunkShape& all = options.sink_tile;
    all = {1, std::lcm(all.y, tile.y), std::lcm(all.x, tile.x)};
    options.sink_resident_bytes += sink->resident_bytes();
  }
  options.sink_bytes_per_write = [sinks](const ChunkShape& shape) {
    std::int64_t sum = 0;
    for (const auto& sink : sinks) sum += sink->bytes_per_write(shape);
    return sum;
  };
  return options;
}

std::int64_t kept_block_bytes(const Plan& plan) {
  // A run that makes few cells, as the series of a pixel, hardly comes back to a block.
  constexpr std::int64_t kFewCells = std::int64_t{1} << 16;
  constexpr std::int64_t kForFewCells = std::int64_t{16} << 20;
  const std::int64_t bytes = plan.cache_bytes();
  return plan.info().extent().cells() <= kFewCells ? std::min(bytes, kForFewCells) : bytes;
}

}  // namespace cube
