// MemoryImages: rasters in memory as the images of a collection, for graphs that name them instead
// of a catalog.
//
//   MemoryImages scenes({{.name = "red", .dtype = DType::kUInt16, .nodata = 0}});
//   scenes.add("a", parse_time("2024-05-01")->start, grid, {red});
//   Resources resources = file_resources();
//   scenes.add_to(resources, "memory://scenes");
//   Environment(settings, document_operators(), resources)
//       .open(image_collection({{"file", "memory://scenes"}, {"view", view}}));
//
// Cells are copied (compressed, among GDAL's files in memory, /vsimem/) and are there as long as
// this object or an environment or cube that they were added to. They are resampled, masked and
// combined as those of files.
//
// Thread rule: one thread; from opening a cube on nothing more may be added.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/cube_info.h"
#include "engine/grid.h"
#include "engine/image_index.h"
#include "engine/resources.h"
#include "engine/time_axis.h"

namespace cube {

class MemoryImages {
 public:
  // The bands that images have. Throws Error(kInvalid) where there is none or one name stands
  // twice.
  explicit MemoryImages(std::vector<BandInfo> bands);

  // Adds an image: for each band its cells, null = it lacks the band. Blocks have the band's type
  // and nodata and hold one slice of the whole grid, {0, 1}, {0, height}, {0, width}. Throws
  // Error(kInvalid) for other blocks, a grid without CRS and a name that is there.
  void add(const std::string& name, Instant time, const Grid& grid,
           const std::vector<BlockPtr>& bands);

  // Has `resources` open them by `name`, such as "memory://scenes": a name that no file can have.
  // Other names are as before.
  void add_to(Resources& resources, const std::string& name) const;

 private:
  class Index;
  std::shared_ptr<Index> index_;
};

}  // namespace cube
