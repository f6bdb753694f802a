// How long the kernels take, in time a cell, so that a regression is seen where it happens:
// formulas, reducers and the conversion of blocks here, the image reader in micro_reader.cpp.
// usage: bench_micro [--benchmark_filter=REGEX] [--benchmark_repetitions=N] ...
#include "tests/bench/micro.h"

#include <numeric>
#include <string>

#include "engine/block.h"
#include "engine/formula.h"
#include "engine/reducers.h"

namespace cube {

namespace {

constexpr std::size_t kStrip = 512;  // cells of a row that a kernel sees at a time

// A formula over two bands of which one cell in a hundred is missing.
void formula(benchmark::State& state, const std::string& expression, Evaluation evaluation) {
  const std::vector<std::string> names = {"B04", "B08"};
  const Formula compiled(expression, names, "");
  FormulaRunner runner(compiled, evaluation);
  const std::vector<std::vector<double>> cells = {bench::reflectances(kStrip, 1, 100),
                                                  bench::reflectances(kStrip, 2)};
  std::vector<std::span<const double>> strips;
  for (const std::size_t band : compiled.bands()) strips.emplace_back(cells[band]);
  std::vector<double> out(kStrip);
  for ([[maybe_unused]] auto _ : state) {
    runner.run(strips, {}, out);
    benchmark::DoNotOptimize(out.data());
  }
  bench::set_cells(state, kStrip);
}

// Series of `length` values; a cell is one value of one series. One in four is missing.
void reducer(benchmark::State& state, const std::string& name) {
  constexpr std::size_t kSeries = kStrip;
  constexpr std::size_t kGap = 4;
  const auto length = static_cast<std::size_t>(state.range(0));
  ReducerSpec spec;
  spec.set_short_form(name);
  const auto reduction = Reducer::make(spec, "").state();
  const std::vector<double> cells = bench::reflectances(kSeries * length, 3, kGap);
  std::vector<double> out(kSeries);
  for ([[maybe_unused]] auto _ : state) {
    reduction->begin(kSeries);
    for (std::size_t t = 0; t < length; ++t) {
      reduction->add(std::span(cells).subspan(t * kSeries, kSeries), static_cast<double>(t));
    }
    reduction->finish(out);
    benchmark::DoNotOptimize(out.data());
  }
  bench::set_cells(state, static_cast<std::int64_t>(kSeries * length));
}

constexpr std::int64_t kSide = 256;
const Region kRegion = {{0, 1}, {0, kSide}, {0, kSide}};

Block filled(Storage storage) {
  Block block(kRegion, storage);
  constexpr std::size_t kGap = 100;
  for (std::int64_t y = 0; y < kSide; ++y) {
    block.set_row(0, y, bench::reflectances(kSide, static_cast<unsigned>(y), kGap));
  }
  return block;
}

void block_to_rows(benchmark::State& state, DType type) {
  const Block block = filled(with_missing(type, 0));
  std::vector<double> scratch;
  for ([[maybe_unused]] auto _ : state) {
    for (std::int64_t y = 0; y < kSide; ++y) {
      benchmark::DoNotOptimize(block.row(0, y, scratch).data());
    }
  }
  bench::set_cells(state, kSide * kSide);
}

void rows_to_block(benchmark::State& state, DType type) {
  Block block = filled(with_missing(type, 0));
  const std::vector<double> row = bench::reflectances(kSide, 4, 100);
  for ([[maybe_unused]] auto _ : state) {
    for (std::int64_t y = 0; y < kSide; ++y) block.set_row(0, y, row);
    benchmark::DoNotOptimize(block.raw().data());
  }
  bench::set_cells(state, kSide * kSide);
}

// Freezing a block looks whether any of its cells has a value: at once when the first has one, at
// the end when none has.
void block_all_missing(benchmark::State& state, DType type) {
  const Block block(kRegion, with_missing(type, 0));
  for ([[maybe_unused]] auto _ : state) {
    bool missing = block.all_missing();
    benchmark::DoNotOptimize(missing);
  }
  bench::set_cells(state, kSide * kSide);
}

void register_formulas() {
  constexpr const char* kExpressions[] = {
      "(B08-B04)/(B08+B04)", "nd(B08,B04)",        "iif(B04>3000,0,B08)",
      "B04*0.0001-0.1",      "sqrt(B04)+log(B08)", "2.5*(B08-B04)/(B08+6*B04-7.5*B04*0.5+10000)",
  };
  for (const std::string expression : kExpressions) {
    benchmark::RegisterBenchmark(("formula/" + expression).c_str(), formula, expression,
                                 Evaluation::kBest);
  }
  benchmark::RegisterBenchmark("formula_cell_by_cell/(B08-B04)/(B08+B04)", formula,
                               std::string("(B08-B04)/(B08+B04)"), Evaluation::kCellByCell);
}

void register_blocks() {
  for (const DType type : {DType::kUInt8, DType::kInt16, DType::kUInt16, DType::kInt32,
                           DType::kUInt32, DType::kFloat32, DType::kFloat64}) {
    const std::string name(cube::name(type));
    benchmark::RegisterBenchmark(("block_to_rows/" + name).c_str(), block_to_rows, type);
    benchmark::RegisterBenchmark(("rows_to_block/" + name).c_str(), rows_to_block, type);
    benchmark::RegisterBenchmark(("block_all_missing/" + name).c_str(), block_all_missing, type);
  }
}

void register_reducers() {
  constexpr std::int64_t kShort = 24;
  constexpr std::int64_t kLong = 365;
  for (const std::string& name : reducer_names()) {
    if (name == "quantile") continue;  // needs a number; q1 is one
    auto* added = benchmark::RegisterBenchmark(("reducer/" + name).c_str(), reducer, name);
    added->Arg(kShort);
    if (name == "median" || name == "mean") added->Arg(kLong);
  }
}

}  // namespace

namespace bench {
void register_reader();  // micro_reader.cpp
}

}  // namespace cube

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  cube::register_formulas();
  cube::register_reducers();
  cube::register_blocks();
  cube::bench::register_reader();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
