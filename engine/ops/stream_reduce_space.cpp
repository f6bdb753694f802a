#include "engine/gdalcubes_stream.h"
#include "engine/registry.h"

namespace cube {

namespace {

class StreamReduceSpace final : public GdalcubesStream {
 public:
  struct Params : GdalcubesStream::Params {
    void fields(FieldVisitor& v) { GdalcubesStream::Params::fields(v, false); }
  };

  StreamReduceSpace(const Params& params, std::span<const CubeInfo> in)
      : GdalcubesStream(params, in[0], {.whole_space = true, .one_cell = true, .prefix = "band"}) {}
};

}  // namespace

namespace ops {

OperatorType stream_reduce_space() {
  return operator_type<StreamReduceSpace>({
      .id = "stream_reduce_space",
      .summary = "gdalcubes' reducer of R over space: one cell a slice from a command.",
      .help = std::string(
                  "A call has all cells of some slices and makes one cell a slice of nbands bands, "
                  "band1, band2, ... without names. The whole slices are held in memory. ") +
              kGdalcubesStreamHelp,
      .example = R"({"cube_type": "stream_reduce_space", "nbands": 1, "names": ["first"],
  "cmd": "i=$GDALCUBES_STREAMING_FILE_IN; set -- $(od -An -i -N16 $i); n=$(($1 * $2)); (head -c 8 $i; printf '\\1\\0\\0\\0\\1\\0\\0\\0'; while [ $n -gt 0 ]; do tail -c $((8 * n * $3 * $4)) $i | head -c 8; n=$((n - 1)); done) > $GDALCUBES_STREAMING_FILE_OUT",
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose slices the command is given."}},
  });
}

}  // namespace ops

}  // namespace cube
