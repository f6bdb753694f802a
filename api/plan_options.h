// What a plan may use of the machine.
// Thread rule: pure functions.
#pragma once

#include <memory>
#include <vector>

#include "cube/cube.h"
#include "engine/host_limits.h"

namespace cube {

// For a graph, whose sources tell how many threads have something to do.
PlanOptions plan_options(const Graph& graph, const Settings& settings, const HostLimits& host);

// What the outputs ask of a plan. REQUIRES: `sinks` outlives the result.
PlanOptions with_sinks(PlanOptions options, std::span<const std::unique_ptr<Sink>> sinks);

// Bytes of decoded blocks of files that the readers of a plan had better keep, within its budget.
std::int64_t kept_block_bytes(const Plan& plan);

}  // namespace cube
