// Footprints: sets of longitude/latitude boxes, and the one box that stands in a catalog's row.
// Thread rule: pure functions.
#pragma once

#include <vector>

#include "engine/grid.h"

namespace cube {

// The same boxes with longitudes from -180 to 180; what reaches beyond is split in two.
std::vector<Box> wrap_longitudes(const std::vector<Box>& boxes);

// Boxes that touch become one.
void merge_touching(std::vector<Box>& boxes);

// A footprint as one box; left > right where it crosses the antimeridian.
// REQUIRES: not empty.
Box to_row(const std::vector<Box>& footprint);

// The footprint of a row: two boxes where left > right.
std::vector<Box> from_row(const Box& row);

}  // namespace cube
