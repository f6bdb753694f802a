// raster: plain raster files on one grid, without a catalog.
#include "engine/raster_source.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Raster final : public StackSource {
 public:
  using Params = RasterParams;

  Raster(const Params& params, std::span<const CubeInfo>)
      : StackSource(make_raster_source(params)) {}
};

}  // namespace

namespace ops {

OperatorType raster() {
  return operator_type<Raster>({
      .id = "raster",
      .summary = "The bands of plain raster files side by side, without a catalog.",
      .help =
          "One slice of time. Cells keep their data type; nodata, scale, offset and unit are "
          "kept as attributes. Formulas know each band by its name and by the numbers of its "
          "file and band: im1b1 is band 1 of the first file. A file that is resampled keeps its "
          "data type too: results are rounded and clamped to it, as resample does. Cells beyond "
          "it are missing; a band without a nodata value is widened for them.",
      .example = R"({"cube_type": "raster", "file": "scene.tif"})",
      .inputs = {},
  });
}

}  // namespace ops

}  // namespace cube
