// The functions, operators, variables and constants that formulas know, each defined once.
//
// A scalar function gives both what muParser calls cell by cell and, through a template, the loop
// over a strip, so that the two cannot disagree. All follow one rule: a missing (NaN) argument
// gives NaN, except in isnan, isfinite and the branches of iif that are not chosen.
//
// Thread rule: constant tables and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

namespace cube::formula {

// What muParser calls. The last form takes any number of arguments, at least one.
using Scalar1 = double (*)(double);
using Scalar2 = double (*)(double, double);
using Scalar3 = double (*)(double, double, double);
using ScalarN = double (*)(const double*, int);
using Scalar = std::variant<Scalar1, Scalar2, Scalar3, ScalarN>;

// One instruction of a column program: `arguments[k]` and `out` are strips of `size` cells.
// REQUIRES: `out` overlaps no argument.
using ColumnLoop = void (*)(std::span<const double* const> arguments, std::size_t size,
                            double* out);

// What becomes of a missing argument.
enum class Missing : std::uint8_t {
  kPasses,   // any missing argument gives missing
  kAbsorbs,  // the result is never missing
  kSelects,  // iif: missing condition or missing chosen value
};

struct Function {
  std::string_view name;
  std::string_view help;  // "clamp(x, lo, hi): ..."
  Scalar scalar;
  ColumnLoop column;
  Missing missing = Missing::kPasses;
};

struct OperatorSign : Function {
  int precedence = 0;  // higher binds tighter
  bool right_to_left = false;
  bool prefix() const { return std::holds_alternative<Scalar1>(scalar); }
};

std::span<const Function> functions();
std::span<const OperatorSign> operators();

// iif, for `?:`, and x * x, for x ^ 2 with that constant.
ColumnLoop select_loop();
ColumnLoop square_loop();
// The sign `^`, so that a program can tell it.
Scalar2 power();

enum class Variable : std::uint8_t {
  kIx,
  kIy,
  kIt,
  kX,
  kY,
  kLeft,
  kRight,
  kTop,
  kBottom,
  kT0,
  kT1
};

struct VariableInfo {
  std::string_view name;
  std::string_view help;
  Variable variable;
  bool varies_along_row = false;
  bool needs_float64 = false;  // coordinates and times have more digits than float32 holds
};
std::span<const VariableInfo> variables();

struct Constant {
  std::string_view name;
  double value;
};
std::span<const Constant> constants();

}  // namespace cube::formula
