// The source of `raster`: the bands of plain raster files side by side on one grid.
// Thread rule: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/params.h"
#include "engine/raster_stack.h"
#include "engine/view.h"

namespace cube {

// The arguments of `raster`.
struct RasterParams {
  std::optional<std::string> file;
  std::vector<std::string> files;
  std::vector<std::string> bands;
  std::vector<std::int64_t> band;
  std::optional<std::int64_t> overview_level;
  std::optional<std::string> like;
  std::optional<SpaceOnly> view;
  std::optional<std::string> align;
  std::string resampling = "near";
  std::optional<double> fill;
  std::optional<std::string> dtype;
  std::optional<double> nodata;
  std::optional<std::string> gcp;
  std::optional<std::string> dem;
  std::optional<double> height;
  std::optional<std::string> datetime;
  std::optional<ChunkSize> chunk_size;
  bool unpack = false;

  void fields(FieldVisitor& v);
};

// Opens and compares the files; reads no cell. Throws Error that points into the node ("/files/1").
RasterStack make_raster_source(const RasterParams& params);

}  // namespace cube
