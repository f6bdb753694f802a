// The source of `simple_cube`: raster files on one grid, each of one time, as a time series.
// Thread rule: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/params.h"
#include "engine/raster_stack.h"
#include "engine/view.h"

namespace cube {

// The arguments of `simple_cube`.
struct StackParams {
  std::vector<std::string> files;
  std::vector<std::string> datetime;
  std::optional<std::string> datetime_pattern;
  std::optional<std::string> datetime_format;
  std::vector<std::string> bands;
  std::vector<std::string> band_names;
  std::optional<double> dx, dy;
  std::string resampling = "near";
  std::optional<ChunkSize> chunk_size;
  bool strict = true;
  bool unpack = false;

  void fields(FieldVisitor& v);
};

// Opens and compares the files; reads no cell. Throws Error that points into the node ("/files/1").
RasterStack make_stack_source(const StackParams& params);

}  // namespace cube
