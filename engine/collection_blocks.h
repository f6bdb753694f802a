// How the images of a collection are stored, seen from a grid.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "engine/grid.h"
#include "engine/image_index.h"
#include "engine/stored_blocks.h"

namespace cube {

// At most five of so many images, from the first to the last: those in the middle tell most that
// the first does not. REQUIRES: there are some.
std::vector<std::size_t> some_of(std::size_t count);

// The commonest blocks that cells of a few images are stored in, two alike being enough: of images
// that lie cell on cell on `grid` so that a block begins at its first cell. The first band of an
// image that does tells (of kBandsTried). Opens files, at most five images' bands; nullopt when
// none lines up or none can be opened, which is told when it is read.
std::optional<StoredBlocks> blocks_of_collection(const std::vector<Image>& images,
                                                 const Grid& grid);

}  // namespace cube
