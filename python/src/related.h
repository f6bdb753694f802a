// Which bands of a cube are made from the same cells.
#pragma once

#include <cstddef>
#include <vector>

#include "cube/cube.h"

namespace cube::python {

// Of each band the bands, itself one of them, that read a band of a source, or a file, that it
// reads too: computed together they take less than one after the other. What is read is looked up
// for a chunk in the middle. Ascending.
std::vector<std::vector<std::size_t>> related_bands(const Cube& cube);

}  // namespace cube::python
