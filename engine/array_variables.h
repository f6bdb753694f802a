// The variables of a file of arrays that can be bands of a cube.
// Thread rule: pure functions and values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/gdal/array_store.h"

namespace cube {

// A variable that has rows and columns: the places of its dimensions.
struct Variable {
  std::size_t array = 0;
  std::optional<std::size_t> t;
  std::size_t y = 0;
  std::size_t x = 0;
};

// Those that the user asks for, by name or wildcard, in that order; empty = all, without those of
// groups if there are others. Throws Error.
std::vector<Variable> selected_variables(const std::vector<std::string>& selection,
                                         const ArrayStore& store);

// Throws Error unless all lie on the same rows and columns, and those with times on the same.
void check_dimensions(const ArrayStore& store, const std::vector<Variable>& variables);

}  // namespace cube
