// simple_cube: aligned raster files with times, without a catalog.
#include "engine/registry.h"
#include "engine/stack_source.h"

namespace cube {

namespace {

class SimpleCube final : public StackSource {
 public:
  using Params = StackParams;

  SimpleCube(const Params& params, std::span<const CubeInfo>)
      : StackSource(make_stack_source(params)) {}
};

}  // namespace

namespace ops {

OperatorType simple_cube() {
  return operator_type<SimpleCube>({
      .id = "simple_cube",
      .summary = "Raster files on one grid, each of a time, as a time series without a catalog.",
      .help =
          "One slice a time, in ascending order on a labelled axis. All files are opened before "
          "any cell is read, and must cover the same extent in the same CRS; those of one band "
          "must have the same cells, too. Where bands differ in resolution the finest is the "
          "cube's and the others are resampled to it. Two files of one time are an error, unless "
          "they are of different bands. Cells keep their data type, and nodata, scale, offset and "
          "unit are kept as attributes: where files of one band differ in type, the smallest type "
          "that holds all is taken; where they differ in nodata, or cells can be missing in a band "
          "without a nodata value, a wider type. A band that a time has no file for is missing "
          "there.",
      .example = R"({"cube_type": "simple_cube", "files": ["scene.tif", "scene_2.tif"],
  "datetime": ["2020-01-15", "2020-02-15"], "band_names": ["red"]})",
      .inputs = {},
      .aliases = {"stack"},
  });
}

}  // namespace ops

}  // namespace cube
