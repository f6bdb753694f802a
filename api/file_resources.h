// What the library itself opens catalogs and reads images with.
#pragma once

#include <memory>

#include "engine/gdal/block_cache.h"
#include "engine/resources.h"

namespace cube {

// All readers share the blocks that they decode. Null: each has a small cache of its own.
Resources file_resources(std::shared_ptr<BlockCache> blocks);

}  // namespace cube
