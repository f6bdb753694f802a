// Formulas: compiled and evaluated in columns and by muParser, which must give the same.
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/formula.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace cube;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

CubeInfo sample_cube() {
  CubeInfo cube;
  cube.grid = {"EPSG:32618", 1000, 5000, 10, 20, 600, 4};
  cube.time = TimeAxis::regular(parse_time("2020-02")->start, {.months = 1}, 3);
  cube.bands = {
      {.name = "a", .dtype = DType::kUInt8, .nodata = 0}, {.name = "B04"}, {.name = "x1.c"}};
  return cube;
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

}  // namespace

CUBE_FUZZ_TARGET(formula) {
  static const CubeInfo cube = sample_cube();
  static const std::vector<double> values = {0,    1,    -2.5,  255, 1e300, 1e-300,
                                             kNaN, kInf, -kInf, 7,   -0.0,  3};
  const Formula formula(std::string(bytes), cube, "/expr/0");
  formula.constant();
  double constant = 0;
  formula.constant_text(cube.bands, constant);
  std::vector<std::vector<double>> columns;
  for (std::size_t band = 0; band < formula.bands().size(); ++band) {
    columns.push_back(values);
    std::rotate(columns[band].begin(), columns[band].begin() + static_cast<long>(band),
                columns[band].end());
  }
  const std::vector<std::span<const double>> strips(columns.begin(), columns.end());
  const CellContext context{.cube = &cube, .t = 1, .y = 2, .columns = {5, 5 + 12}};
  std::vector<double> fast(values.size());
  std::vector<double> slow(values.size());
  FormulaRunner(formula).run(strips, context, fast);
  FormulaRunner(formula, Evaluation::kCellByCell).run(strips, context, slow);
  for (std::size_t i = 0; i < fast.size(); ++i) {
    fuzz::require(same(fast[i], slow[i]), "columns and muParser give the same");
  }
  if (formula.survives_missing() || !formula.variables().empty()) return;
  for (auto& column : columns) column.assign(column.size(), kNaN);
  const std::vector<std::span<const double>> missing(columns.begin(), columns.end());
  FormulaRunner(formula).run(missing, context, fast);
  for (const double value : fast) fuzz::require(std::isnan(value), "missing stays missing");
}
