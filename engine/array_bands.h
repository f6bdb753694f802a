// The bands that a variable of a file of arrays makes: their types, missing values and levels.
// Thread rule: pure functions and values.
#pragma once

#include <vector>

#include "engine/array_cube.h"
#include "engine/array_variables.h"

namespace cube {

struct DescribedBand {
  BandInfo info;
  ArrayCube::Band band;
};

// The bands of a variable: one a level of each dimension that is none of time, rows and columns.
// With `unpack` they are physical values. Throws Error.
std::vector<DescribedBand> bands_of(const ArrayStore& store, const Variable& variable, bool unpack);

}  // namespace cube
