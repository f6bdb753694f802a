#include "api/file_resources.h"

#include "catalog/catalog.h"
#include "cube/extend.h"
#include "engine/gdal/raster_info.h"
#include "engine/image_reader.h"

namespace cube {

Resources file_resources(std::shared_ptr<BlockCache> blocks) {
  Resources resources;
  resources.open_index = open_catalog;
  resources.make_reader = [blocks = std::move(blocks)] { return make_image_reader(blocks); };
  return resources;
}

Resources file_resources() { return file_resources(nullptr); }

}  // namespace cube
