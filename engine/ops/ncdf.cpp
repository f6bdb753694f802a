// ncdf: a CF netCDF file.
#include "engine/array_source.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Ncdf final : public ArraySource {
 public:
  using Params = ArrayParams;

  Ncdf(const Params& params, std::span<const CubeInfo>) : ArraySource(params, &open_netcdf) {}
};

}  // namespace

namespace ops {

OperatorType ncdf() {
  return operator_type<Ncdf>({
      .id = "ncdf",
      .summary = "The variables of a CF netCDF file: our own, xarray's, gdalcubes' and others.",
      .help = kArrayHelp,
      .example = R"({"cube_type": "ncdf", "file": "cube.nc"})",
      .inputs = {},
  });
}

}  // namespace ops

}  // namespace cube
