// The column program: a formula as a list of loops over strips of cells.
//
// Registers are numbered: inputs (bands, then variables), constants, then intermediate strips.
// Strips have at most kBlock cells, so that all registers of a usual formula stay in the L1 cache.
//
// Thread rule: a program is immutable and shared; scratch memory is the caller's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/formula_syntax.h"

namespace cube::formula {

inline constexpr std::size_t kBlock = 256;  // cells

struct Instruction {
  ColumnLoop loop;
  std::vector<std::uint32_t> arguments;  // registers
  std::uint32_t out = 0;                 // register
  bool uniform = false;                  // every cell of a row has the same value
};

struct ColumnProgram {
  std::size_t inputs = 0;
  std::vector<double> constants;
  std::size_t registers = 0;
  std::vector<Instruction> instructions;  // uniform ones never share their register
  std::uint32_t result = 0;               // register
  bool result_survives_missing = true;    // can be something where all bands are missing
};

// Translates muParser's reverse Polish code. `inputs` are the variables that the parser was made
// with. nullopt when the code holds something that is not known here.
std::optional<ColumnProgram> translate(const mu::Parser& parser, const Names& names,
                                       std::span<const double> inputs);

}  // namespace cube::formula
