// RasterSource: the bands of plain raster files side by side on one grid, described and checked.
// Thread rule: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/image_reader.h"
#include "engine/params.h"

namespace cube {

// The arguments of `raster`.
struct RasterParams {
  std::optional<std::string> file;
  std::vector<std::string> files;
  std::vector<std::string> bands;
  std::vector<std::int64_t> band;
  std::optional<std::int64_t> overview_level;
  std::optional<std::string> like;
  std::optional<std::string> align;
  std::string resampling = "near";
  std::optional<std::string> datetime;

  void fields(FieldVisitor& v);
};

struct RasterSource {
  struct Band {
    RasterBand source;
    Resampling resampling = Resampling::kNearest;  // nearest where the grid is the file's own
  };

  CubeInfo info;
  std::vector<Band> bands;           // of info.bands
  std::optional<ChunkShape> blocks;  // of the files, where the grid is their own
};

// Opens and compares the files; reads no cell. Throws Error that points into the node ("/files/1").
RasterSource make_raster_source(const RasterParams& params);

}  // namespace cube
