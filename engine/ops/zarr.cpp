// zarr: a Zarr v2 group with CF attributes.
#include "engine/array_source.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Zarr final : public ArraySource {
 public:
  using Params = ArrayParams;

  Zarr(const Params& params, std::span<const CubeInfo>)
      : ArraySource(params, {"zarr", &open_zarr}) {}
};

}  // namespace

namespace ops {

OperatorType zarr() {
  return operator_type<Zarr>({
      .id = "zarr",
      .summary = "The arrays of a Zarr v2 group with CF attributes: our own, xarray's and others.",
      .help = std::string(
                  "The group is a folder, or a .zip file of one, in which arrays name their "
                  "dimensions as xarray does; consolidated metadata is used where it is there. "
                  "Chunks that were never written cost nothing; the fill value is missing, as in "
                  "xarray. Read are blosc, zlib, gzip, zstd, lz4 and lzma, the filters delta, "
                  "fixedscaleoffset, quantize, bitround, astype, shuffle and packbits, and "
                  "float16 as float32; not version 3.\n\n") +
              kArrayHelp,
      .example = R"({"cube_type": "zarr", "file": "cube.zarr"})",
      .inputs = {},
  });
}

}  // namespace ops

}  // namespace cube
