// Reading formulas: names, their meaning, and the muParser object that knows them.
//
// Names and literals are scanned here, for errors that say where and what would be right; the
// grammar is muParser's. All of muParser's operators are replaced by those of
// formula_functions.h, which follow the rule for missing values, so that its own evaluation and
// the column program agree.
//
// Thread rule: pure functions; a mu::Parser belongs to one thread.
#pragma once

#include <muParser.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/formula_functions.h"

namespace cube::formula {

// What the names of a formula mean. A band wins over a variable or constant of the same name.
struct Names {
  struct Binding {
    std::string name;   // as the formula writes it
    std::size_t input;  // index into bands, then variables
    bool is_band = false;
  };
  std::vector<Binding> bindings;
  std::vector<std::size_t> bands;       // indices of the bands used, ascending
  std::vector<VariableInfo> variables;  // those used

  std::size_t inputs() const { return bands.size() + variables.size(); }
};

// Finds out what each name means; `aliases` are other exact names of the bands, "" = none, which
// count only where nothing else has the name. Throws Error(kInvalid) at `where` for unknown names
// and functions, ambiguous bands, literals and signs that formulas do not have, unbalanced
// parentheses and an empty formula.
Names resolve_names(std::string_view expression, std::span<const std::string> bands,
                    std::string_view where, std::span<const std::string> aliases = {});

// A parser that has read `expression`, whose names are bound to `inputs`.
// Throws Error(kInvalid) at `where`. REQUIRES: inputs.size() == names.inputs(), and that they
// outlive the parser.
std::unique_ptr<mu::Parser> make_parser(std::string_view expression, const Names& names,
                                        std::span<double> inputs, std::string_view where);

// The same formula with every `c ? a : b` as iif(c, a, b): muParser takes a for a missing c.
std::string without_ternaries(std::string_view expression);

}  // namespace cube::formula
