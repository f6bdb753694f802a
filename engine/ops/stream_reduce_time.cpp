#include "engine/gdalcubes_stream.h"
#include "engine/registry.h"

namespace cube {

namespace {

class StreamReduceTime final : public GdalcubesStream {
 public:
  struct Params : GdalcubesStream::Params {
    void fields(FieldVisitor& v) { GdalcubesStream::Params::fields(v, false); }
  };

  StreamReduceTime(const Params& params, std::span<const CubeInfo> in)
      : GdalcubesStream(params, in[0], {.whole_time = true, .one_slice = true, .prefix = "X"}) {}
};

}  // namespace

namespace ops {

OperatorType stream_reduce_time() {
  return operator_type<StreamReduceTime>({
      .id = "stream_reduce_time",
      .summary = "gdalcubes' reducer of R over time: one slice from a command.",
      .help = std::string("A call has all slices of some pixels and makes one slice of nbands "
                          "bands, X1, X2, ... without names. The slice is that of reduce_time. ") +
              kGdalcubesStreamHelp,
      .example = R"({"cube_type": "stream_reduce_time", "nbands": 1, "names": ["last"],
  "cmd": "i=$GDALCUBES_STREAMING_FILE_IN; (head -c 4 $i; printf '\\1\\0\\0\\0'; head -c 16 $i | tail -c 8; tail -c $(od -An -i -N16 $i | awk '{print 8*$1*$3*$4}') $i) > $GDALCUBES_STREAMING_FILE_OUT",
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose series the command is given."}},
  });
}

}  // namespace ops

}  // namespace cube
