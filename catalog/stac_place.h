// Where STAC items and their assets say that they are.
// Thread rule: pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "engine/grid.h"

namespace cube {

// The box that the grid of a raster covers, in its CRS, of proj:transform with proj:shape, else of
// proj:bbox; nullopt where neither is said.
std::optional<Box> grid_extent(const nlohmann::ordered_json& transform,
                               const nlohmann::ordered_json& shape,
                               const nlohmann::ordered_json& bbox);

// The boxes (longitude/latitude) round an item's geometry, where it crosses the antimeridian one on
// each side, which a bbox made carelessly does not tell. Throws Error(kInvalid); where() is a JSON
// pointer in the item.
std::vector<Box> item_bounds(const nlohmann::ordered_json& item);

}  // namespace cube
