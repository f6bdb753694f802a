#include "engine/formula.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/formula_program.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

namespace {

using formula::kBlock;
using formula::Variable;

// The value of a variable in column `x` of a row.
double value_of(Variable variable, const CellContext& at, std::int64_t x) {
  const Grid& grid = at.cube->grid;
  switch (variable) {
    case Variable::kIx:
      return static_cast<double>(x);
    case Variable::kIy:
      return static_cast<double>(at.y);
    case Variable::kIt:
      return static_cast<double>(at.t);
    case Variable::kX:
      return grid.x_center(x);
    case Variable::kY:
      return grid.y_center(at.y);
    case Variable::kLeft:
      return grid.x_edge(static_cast<double>(x));
    case Variable::kRight:
      return grid.x_edge(static_cast<double>(x + 1));
    case Variable::kTop:
      return grid.y_edge(static_cast<double>(at.y));
    case Variable::kBottom:
      return grid.y_edge(static_cast<double>(at.y + 1));
    case Variable::kT0:
      return epoch_seconds(at.cube->time.start(at.t));
    case Variable::kT1:
      break;
  }
  return epoch_seconds(at.cube->time.end(at.t));
}

}  // namespace

struct Formula::Program {
  formula::Names names;
  std::optional<formula::ColumnProgram> columns;
};

Formula::Formula(std::string expression, std::span<const std::string> bands, std::string_view where)
    : Formula(std::move(expression), bands, {}, where) {}

Formula::Formula(std::string expression, const CubeInfo& cube, std::string_view where)
    : Formula(std::move(expression), cube.band_names(), cube.band_aliases(), where) {}

Formula::Formula(std::string expression, std::span<const std::string> bands,
                 std::span<const std::string> aliases, std::string_view where)
    : expression_(std::move(expression)) {
  auto program = std::make_shared<Program>();
  program->names = formula::resolve_names(expression_, bands, where, aliases);
  std::vector<double> inputs(program->names.inputs());
  const auto parser = formula::make_parser(expression_, program->names, inputs, where);
  program->columns = formula::translate(*parser, program->names, inputs);
  used_bands_ = program->names.bands;
  for (const auto& variable : program->names.variables) {
    variables_.emplace_back(variable.name);
    needs_float64_ = needs_float64_ || variable.needs_float64;
  }
  survives_missing_ = !program->columns || program->columns->result_survives_missing;
  program_ = std::move(program);
}

Formula::~Formula() = default;
Formula::Formula(Formula&&) noexcept = default;

std::optional<double> Formula::constant() const {
  if (!used_bands_.empty() || !variables_.empty()) return std::nullopt;
  double value = 0;
  FormulaRunner(*this).run({}, {}, std::span(&value, 1));
  return value;
}

std::optional<double> Formula::constant_by_type(std::span<const BandInfo> bands) const {
  if (used_bands_.size() != 1 || !variables_.empty()) return std::nullopt;
  const BandInfo& band = bands[used_bands_[0]];
  if (is_float(band.dtype) || size_of(band.dtype) > 2) return std::nullopt;
  std::vector<double> values;
  for (double value = lowest(band.dtype); value <= highest(band.dtype); ++value) {
    if (value != band.nodata) values.push_back(value);
  }
  values.push_back(kMissing);
  std::vector<double> results(values.size());
  const std::span<const double> strip(values);
  FormulaRunner(*this).run({&strip, 1}, {}, results);
  const double of_missing = results.back();
  results.pop_back();
  const auto same = [&](double result) {
    return result == results[0] || (std::isnan(result) && std::isnan(results[0]));
  };
  if (!std::all_of(results.begin(), results.end(), same)) return std::nullopt;
  // isnan(a) is another where the band is missing.
  if (!std::isnan(of_missing) && of_missing != results[0]) return std::nullopt;
  return results[0];
}

std::string Formula::constant_text(std::span<const BandInfo> bands, double& value) const {
  if (const auto known = constant()) {
    value = *known;
    return "names no band and is the same for all cells: ";
  }
  const auto known = constant_by_type(bands);
  if (!known) return "";
  value = *known;
  const BandInfo& band = bands[used_bands_[0]];
  return "is the same for all values that '" + band.name + "' can have, " +
         std::string(name(band.dtype)) + " from " + number_text(lowest(band.dtype)) + " to " +
         number_text(highest(band.dtype)) + ": ";
}

bool Formula::vectorised() const { return program_->columns.has_value(); }

struct FormulaRunner::State {
  State(const Formula& formula, Evaluation evaluation) : program(formula.program_) {
    const bool by_columns = evaluation == Evaluation::kBest && program->columns;
    if (by_columns) {
      prepare_columns(*program->columns);
    } else {
      cells.resize(program->names.inputs());
      parser = formula::make_parser(formula::without_ternaries(formula.expression()),
                                    program->names, cells, "");
    }
  }

  void prepare_columns(const formula::ColumnProgram& columns) {
    const std::size_t bands = program->names.bands.size();
    strips.resize((columns.registers - bands) * kBlock);
    registers.resize(columns.registers);
    for (std::size_t reg = bands; reg < columns.registers; ++reg) registers[reg] = strip(reg);
    for (std::size_t i = 0; i < columns.constants.size(); ++i) {
      std::fill_n(strip(columns.inputs + i), kBlock, columns.constants[i]);
    }
  }

  // Our own memory of a register. REQUIRES: not a band, which is only read.
  double* strip(std::size_t reg) {
    return strips.data() + (reg - program->names.bands.size()) * kBlock;
  }

  void fill_variables(const CellContext& context, std::int64_t begin, std::size_t size,
                      bool along_row) {
    for (std::size_t i = 0; i < program->names.variables.size(); ++i) {
      const formula::VariableInfo& info = program->names.variables[i];
      if (info.varies_along_row != along_row) continue;
      double* values = strip(program->names.bands.size() + i);
      if (!along_row) {
        std::fill_n(values, kBlock, value_of(info.variable, context, begin));
        continue;
      }
      for (std::size_t k = 0; k < size; ++k) {
        values[k] = value_of(info.variable, context, begin + static_cast<std::int64_t>(k));
      }
    }
  }

  // Runs the instructions of one kind. A uniform one is computed once and spread over the strip.
  // The last one of a varying formula writes to `result`.
  void execute(bool uniform, std::size_t size, double* result) {
    for (const formula::Instruction& instruction : program->columns->instructions) {
      if (instruction.uniform != uniform) continue;
      arguments.clear();
      for (const std::uint32_t reg : instruction.arguments) arguments.push_back(registers[reg]);
      const bool last = &instruction == &program->columns->instructions.back();
      double* out = last && result ? result : strip(instruction.out);
      instruction.loop(arguments, uniform ? 1 : size, out);
      if (uniform) std::fill_n(out + 1, kBlock - 1, out[0]);
    }
  }

  void run_columns(std::span<const std::span<const double>> bands, const CellContext& context,
                   std::span<double> out) {
    fill_variables(context, context.columns.begin, kBlock, false);
    execute(true, 1, nullptr);
    const auto& instructions = program->columns->instructions;
    const bool computed = !instructions.empty() && !instructions.back().uniform;
    for (std::size_t begin = 0; begin < out.size(); begin += kBlock) {
      const std::size_t size = std::min(kBlock, out.size() - begin);
      for (std::size_t i = 0; i < bands.size(); ++i) {
        registers[i] = bands[i].data() + begin;
      }
      fill_variables(context, context.columns.begin + static_cast<std::int64_t>(begin), size, true);
      execute(false, size, computed ? &out[begin] : nullptr);
      if (!computed) std::copy_n(registers[program->columns->result], size, &out[begin]);
    }
  }

  void run_cells(std::span<const std::span<const double>> bands, const CellContext& context,
                 std::span<double> out) {
    for (std::size_t k = 0; k < out.size(); ++k) {
      for (std::size_t i = 0; i < bands.size(); ++i) cells[i] = bands[i][k];
      for (std::size_t i = 0; i < program->names.variables.size(); ++i) {
        cells[bands.size() + i] = value_of(program->names.variables[i].variable, context,
                                           context.columns.begin + static_cast<std::int64_t>(k));
      }
      out[k] = parser->Eval();
    }
  }

  std::shared_ptr<const Formula::Program> program;
  // Column program:
  std::vector<double> strips;            // of all registers but the bands
  std::vector<const double*> registers;  // where each one's cells are
  std::vector<const double*> arguments;
  // Cell by cell:
  std::vector<double> cells;  // the inputs, which the parser points to
  std::unique_ptr<mu::Parser> parser;
};

FormulaRunner::FormulaRunner(const Formula& formula, Evaluation evaluation)
    : state_(std::make_unique<State>(formula, evaluation)) {}

FormulaRunner::~FormulaRunner() = default;
FormulaRunner::FormulaRunner(FormulaRunner&&) noexcept = default;

void FormulaRunner::run(std::span<const std::span<const double>> bands, const CellContext& context,
                        std::span<double> out) {
  if (state_->parser) {
    state_->run_cells(bands, context, out);
  } else {
    state_->run_columns(bands, context, out);
  }
}

std::string formula_help() {
  std::string out;
  const auto add = [&](std::string_view line) {
    if (!line.empty()) out += std::string(line) + "\n";
  };
  for (const auto& function : formula::functions()) add(function.help);
  add("c ? a : b: the same as iif(c, a, b)");
  for (const auto& sign : formula::operators()) add(sign.help);
  add("a + b, a - b, a * b, -a: as usual");
  for (const auto& variable : formula::variables()) add(variable.help);
  add("pi, e: constants, also written _pi, _e; nan: missing");
  return out;
}

std::string formula_summary() {
  std::vector<std::string> called;
  std::vector<std::string> named;
  for (const auto& function : formula::functions()) called.emplace_back(function.name);
  for (const auto& variable : formula::variables()) named.emplace_back(variable.name);
  return "Formulas are made of bands, numbers, + - * / % ^, comparisons (1 or 0), && || !, "
         "c ? a : b, bit operators, the functions " +
         join(called, " ") + ", and the variables " + join(named, " ") +
         " (indices, centre and edges of the cell, start and end of the slice in seconds since "
         "1970); apply_pixel's help tells each. A missing operand makes the result missing, except "
         "in isnan and in the branches that are not taken.";
}

}  // namespace cube
