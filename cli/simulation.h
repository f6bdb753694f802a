// cube plan --simulate: how long a plan would take on many machines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/simulate.h"

namespace cube {

// What --simulate asks for: "workers=64,read=5e9", names as of fields_of().
struct SimulationRequest {
  std::int64_t workers = 1;
  SimulationRates rates;
};

// Throws Error(kInvalid) naming --simulate.
SimulationRequest parse_simulation(const std::string& text);

std::string simulation_text(const Simulation& simulation);
nlohmann::ordered_json simulation_json(const Simulation& simulation, SimulationRates rates);

}  // namespace cube
