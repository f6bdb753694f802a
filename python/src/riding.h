// Which bands of a cube hardly cost more when another band is computed.
#pragma once

#include <cstddef>
#include <vector>

#include "cube/cube.h"

namespace cube::python {

// Of each band the bands, itself one of them, for which the graph's last operator takes no band of
// its inputs that it does not take for this one: those of a trend, of formulas over the same bands,
// of a program of the user. Ascending.
std::vector<std::vector<std::size_t>> riding_bands(const Graph& graph);

}  // namespace cube::python
