// How long a plan would take on many machines, by a model: the costs of its chunks (cost_model.h)
// shared out over workers as `cube run --part` shares them, what each worker takes to begin, the
// storage that all of them read and write, and what is left to one process at the end.
//
// What the model does not know: other users of machines and storage, workers that wait for a place
// in a queue, that are of different speed or are killed, and caches that get cold.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/cost_model.h"
#include "engine/plan.h"

namespace cube {

struct SimulationRates {
  CostRates costs;
  double threads = 1;          // of a worker
  double repeats = 1;          // the chunks of the plan so many times over: a larger area or time
  double start = 0.1;          // seconds until a worker has the graph
  double start_image = 5e-5;   // for each image of the result that it looks up, and its files
  double read = 2e9;           // bytes a second that the storage gives to all workers together
  double write = 1e9;          // the same that it takes
  double packed = 0.5;         // a byte of cells in files, compressed
  double finish_chunk = 3e-5;  // seconds of cube finish for each chunk: journal, a look at its file
  double finish_byte = 0;  // seconds for each byte written: 0 for Zarr, which is not touched again
};

// Names and values as in {"workers", ...} of the rates, for reading and writing them.
std::map<std::string, double*> fields_of(SimulationRates& rates);

struct SimulatedRun {
  std::int64_t workers = 0;
  double seconds = 0;  // until the output is there
  double start = 0;    // of these: until each worker computes
  double work = 0;     // until the last worker has computed its part, were storage without limit
  double storage = 0;  // that all workers take longer than that for want of storage
  double finish = 0;
  double busy = 0;    // share of the workers' time until the end in which they compute
  std::string limit;  // what takes longest besides computing
};

struct Simulation {
  std::int64_t chunks = 0;
  std::int64_t images = 0;
  double cells = 0;
  double read_bytes = 0;           // from files
  double write_bytes = 0;          // to the output
  double cpu_seconds = 0;          // of all chunks
  double dearest_chunk = 0;        // seconds
  std::vector<SimulatedRun> runs;  // for 1, 2, 4, ... workers
};

// Throws Error(kInvalid) for more chunks than can be looked at.
Simulation simulate(const Plan& plan, std::int64_t workers, const SimulationRates& rates);

}  // namespace cube
