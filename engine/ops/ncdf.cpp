// ncdf: a CF netCDF file.
#include "engine/array_source.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Ncdf final : public ArraySource {
 public:
  using Params = ArrayParams;

  Ncdf(const Params& params, std::span<const CubeInfo>)
      : ArraySource(params, {"ncdf", &open_netcdf}) {}
};

}  // namespace

namespace ops {

OperatorType ncdf() {
  return operator_type<Ncdf>({
      .id = "ncdf",
      .summary = "The variables of a CF netCDF file: our own, xarray's, gdalcubes' and others.",
      .help = std::string(
                  "The file may lie in a zip or tar archive or on a server (GDAL's /vsizip/, "
                  "/vsitar/, /vsicurl/, ... paths), or be the only one in a .zip or .tar or a .gz: "
                  "it is then copied to the folder of temporary files (TMPDIR) when the graph is "
                  "checked, and gone with the program.\n\n") +
              kArrayHelp,
      .example = R"({"cube_type": "ncdf", "file": "cube.nc"})",
      .inputs = {},
  });
}

}  // namespace ops

}  // namespace cube
