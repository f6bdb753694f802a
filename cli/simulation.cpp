#include "cli/simulation.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "cli/common.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kMostWorkers = 1e6;

double number_of(const std::string& name, const std::string& text) {
  const auto value = parse_number(text);
  if (value && std::isfinite(*value) && *value >= 0) return *value;
  throw Error(ErrorCode::kInvalid, name + " is '" + text + "'", "--simulate",
              "a number that is not negative");
}

void check(bool right, const std::string& what, const std::string& hint) {
  if (!right) throw Error(ErrorCode::kInvalid, what, "--simulate", hint);
}

}  // namespace

SimulationRequest parse_simulation(const std::string& text) {
  SimulationRequest out;
  const auto fields = fields_of(out.rates);
  double workers = 0;
  for (const std::string& pair : split(text, ',')) {
    const std::size_t equals = pair.find('=');
    const std::string name = pair.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : pair.substr(equals + 1);
    const auto field = fields.find(name);
    if (name == "workers") {
      workers = number_of(name, value);
    } else if (field != fields.end()) {
      *field->second = number_of(name, value);
    } else {
      std::vector<std::string> names = {"workers"};
      for (const auto& [known, place] : fields) names.push_back(known);
      check(false, "there is no '" + name + "'", suggest(names, name));
    }
  }
  check(workers >= 1 && workers <= kMostWorkers, "there are no workers", "workers=1 to 1000000");
  check(out.rates.threads >= 1 && out.rates.repeats >= 1, "a count is below 1",
        "threads and repeats are 1 or more");
  check(out.rates.read > 0 && out.rates.write > 0, "the storage moves nothing",
        "read and write are bytes a second");
  out.workers = static_cast<std::int64_t>(workers);
  return out;
}

std::string simulation_text(const Simulation& all) {
  std::array<char, 200> line{};
  std::snprintf(line.data(), line.size(),
                "work    %lld chunks, %lld images, %.3g cells; reads %s, writes %s, %s of CPU, the "
                "dearest chunk %s\n",
                static_cast<long long>(all.chunks), static_cast<long long>(all.images), all.cells,
                bytes_text(all.read_bytes).c_str(), bytes_text(all.write_bytes).c_str(),
                duration_text(all.cpu_seconds).c_str(), duration_text(all.dearest_chunk).c_str());
  std::string out = line.data();
  out +=
      " workers          wall         start          work       storage        finish  busy  "
      "limit\n";
  for (const SimulatedRun& run : all.runs) {
    std::snprintf(line.data(), line.size(), "%8lld", static_cast<long long>(run.workers));
    out += line.data();
    for (const double seconds : {run.seconds, run.start, run.work, run.storage, run.finish}) {
      std::snprintf(line.data(), line.size(), "%14s", duration_text(seconds).c_str());
      out += line.data();
    }
    std::snprintf(line.data(), line.size(), "%5.0f%%  %s\n", 100 * run.busy, run.limit.c_str());
    out += line.data();
  }
  return out;
}

nlohmann::ordered_json simulation_json(const Simulation& all, SimulationRates rates) {
  Json used = Json::object();
  for (const auto& [name, value] : fields_of(rates)) used[name] = *value;
  Json runs = Json::array();
  for (const SimulatedRun& run : all.runs) {
    runs.push_back({{"workers", run.workers},
                    {"seconds", run.seconds},
                    {"start", run.start},
                    {"work", run.work},
                    {"storage", run.storage},
                    {"finish", run.finish},
                    {"busy", run.busy},
                    {"limit", run.limit}});
  }
  return {{"chunks", all.chunks},
          {"images", all.images},
          {"cells", all.cells},
          {"read_bytes", all.read_bytes},
          {"write_bytes", all.write_bytes},
          {"cpu_seconds", all.cpu_seconds},
          {"dearest_chunk", all.dearest_chunk},
          {"rates", used},
          {"runs", runs}};
}

}  // namespace cube
