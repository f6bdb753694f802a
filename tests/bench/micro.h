// What the micro-benchmarks share. Built into bench_micro with -DCUBE_BENCH=ON.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace cube::bench {

// States how many cells an iteration works on; printed as seconds a cell ("5.2n" = 5.2 ns).
inline void set_cells(benchmark::State& state, std::int64_t cells) {
  using Counter = benchmark::Counter;
  state.counters["s/cell"] =
      Counter(static_cast<double>(cells), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

// Reflectances between 1 and 10000; one in `gap` is missing (0 = none).
inline std::vector<double> reflectances(std::size_t n, unsigned seed, std::size_t gap = 0) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> value(1, 10000);
  std::vector<double> cells(n);
  for (std::size_t i = 0; i < n; ++i) {
    cells[i] =
        gap != 0 && random() % gap == 0 ? std::numeric_limits<double>::quiet_NaN() : value(random);
  }
  return cells;
}

}  // namespace cube::bench
