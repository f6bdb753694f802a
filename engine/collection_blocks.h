// How the images of a collection are stored, seen from a grid.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "engine/grid.h"
#include "engine/image_index.h"
#include "engine/region.h"

namespace cube {

// The blocks that the first image's cells are stored in, where they lie cell on cell on `grid` and
// one begins at its first cell; the first of its bands that does tells (of kBandsTried). Opens
// files; nullopt when none lines up or none can be opened, which is told when it is read.
std::optional<ChunkShape> blocks_of_collection(const std::vector<Image>& images, const Grid& grid);

}  // namespace cube
