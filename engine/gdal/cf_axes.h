// The axes of a CF file: which dimensions are time, y and x, and where their cells lie.
// Thread rule: pure functions and values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/gdal/array_store.h"
#include "engine/grid.h"

namespace cube {

enum class AxisRole { kNone, kTime, kY, kX };

// What an array of coordinates says: by its `axis`, `standard_name` and `units`, else by its name.
AxisRole role_of(const ArrayInfo& coordinate);

// What a dimension is: by its coordinate's `axis`, `standard_name` and `units`, else by its name.
AxisRole role_of(const ArrayStore& store, const std::string& dimension);

// Whether two dimensions are one, or have the same coordinates, as those of two groups may.
bool same_axis(const ArrayStore& store, const std::string& a, const std::string& b);

// The arrays of two dimensions that say where the cells of a variable lie, "lat(y, x) and
// lon(y, x)"; "" when there are none.
std::string curved_places(const ArrayStore& store, const ArrayInfo& variable);
Error on_curved_grid(const std::string& places);

// The rows and columns that a variable lies on.
struct CfGrid {
  Grid grid;
  bool flip_x = false;  // stored from right to left
  bool flip_y = false;  // stored from bottom to top
};

// The grid of a variable by its coordinates and its grid mapping: a GeoTransform is taken where the
// coordinates agree with it, being more exact. Throws Error(kInvalid) where cells are not evenly
// spaced or their place is not told.
CfGrid decode_grid(const ArrayStore& store, const ArrayInfo& variable, const std::string& y,
                   const std::string& x);

}  // namespace cube
