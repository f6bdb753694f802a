// Formula: an expression over bands, compiled once and run over strips of cells.
//
// muParser parses and checks; its reverse Polish code is translated into a column program that
// runs over strips in double. What the column program cannot do falls back to muParser, cell by
// cell. Missing (NaN) in an operand gives missing, except through isnan, isfinite and iif.
//
// Grammar: muParser's; functions, operators, variables and constants: those of formula_help(), all
// case-sensitive. A band wins over a variable or constant of its name; a function is told from
// both by its parenthesis. Names may hold dots ("s2.B04").
//
// Thread rule: Formula is immutable and shared; a FormulaRunner belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cube_info.h"

namespace cube {

// What a cell knows besides its bands; see Formula::variables().
struct CellContext {
  const CubeInfo* cube = nullptr;
  std::int64_t t = 0;  // slice
  std::int64_t y = 0;  // row
  Range columns;       // of the strip
};

class Formula {
 public:
  // `bands` are the names that stand for band values. A name that matches a band only when case is
  // ignored is accepted if it is unambiguous (gdalcubes lower-cases formulas).
  // Throws Error(kInvalid) with `where`, the position (in bytes, from 1) and the nearest name.
  Formula(std::string expression, std::span<const std::string> bands, std::string_view where);
  // The same with the names and aliases of a cube's bands.
  Formula(std::string expression, const CubeInfo& cube, std::string_view where);
  ~Formula();
  Formula(Formula&&) noexcept;

  const std::string& expression() const { return expression_; }

  // Indices into `bands` of those the formula uses, ascending.
  const std::vector<std::size_t>& bands() const { return used_bands_; }

  // True when the result can be something where every band is missing (constants, isnan, iif, ...).
  bool survives_missing() const { return survives_missing_; }

  // Its value where it is the same for all cells, as it names no band and no variable; NaN =
  // missing.
  std::optional<double> constant() const;

  // The same where the type of the only band it names leaves no other value, as of "a > 300" and
  // uint8: wherever the band is not missing. `bands` are those of the constructor. nullopt too for
  // bands of more than 16 bits and formulas of several bands or of variables.
  std::optional<double> constant_by_type(std::span<const BandInfo> bands) const;

  // What a note says of a predicate that is one of both, up to what becomes of the cells; "" where
  // it is none. `value` is then its value.
  std::string constant_text(std::span<const BandInfo> bands, double& value) const;

  // Names of the variables it uses (ix, x, t0, ...).
  const std::vector<std::string>& variables() const { return variables_; }

  // True when it uses coordinates or times, which have more digits than float32 holds.
  bool needs_float64() const { return needs_float64_; }

  // True when the whole formula runs as a column program (else muParser evaluates it).
  bool vectorised() const;

 private:
  friend class FormulaRunner;
  struct Program;
  Formula(std::string expression, std::span<const std::string> bands,
          std::span<const std::string> aliases, std::string_view where);

  std::string expression_;
  std::vector<std::size_t> used_bands_;
  std::vector<std::string> variables_;
  bool survives_missing_ = false;
  bool needs_float64_ = false;
  std::shared_ptr<const Program> program_;
};

// How a formula is evaluated. Both give the same cells; the second is slow and there for what the
// first cannot do, and for tests.
enum class Evaluation : std::uint8_t { kBest, kCellByCell };

class FormulaRunner {
 public:
  explicit FormulaRunner(const Formula& formula, Evaluation evaluation = Evaluation::kBest);
  ~FormulaRunner();
  FormulaRunner(FormulaRunner&&) noexcept;

  // `bands[k]` is the strip of formula.bands()[k]; all strips and `out` have the same length, and
  // `out` overlaps none. `context.cube` may be null when formula.variables() is empty.
  void run(std::span<const std::span<const double>> bands, const CellContext& context,
           std::span<double> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One line a function, operator or variable that formulas know, for help texts.
std::string formula_help();

// The same in a few sentences, for operators that take a formula besides.
std::string formula_summary();

}  // namespace cube
