#include "engine/gdalcubes_stream.h"
#include "engine/registry.h"

namespace cube {

namespace {

class StreamApplyTime final : public GdalcubesStream {
 public:
  struct Params : GdalcubesStream::Params {
    void fields(FieldVisitor& v) { GdalcubesStream::Params::fields(v, true); }
  };

  StreamApplyTime(const Params& params, std::span<const CubeInfo> in)
      : GdalcubesStream(params, in[0], {.whole_time = true, .prefix = "x"}) {}
};

}  // namespace

namespace ops {

OperatorType stream_apply_time() {
  return operator_type<StreamApplyTime>({
      .id = "stream_apply_time",
      .summary = "gdalcubes' function of R over series: new series from a command.",
      .help = std::string("A call has all slices of some pixels and makes as many of nbands bands, "
                          "x1, x2, ... without names. ") +
              kGdalcubesStreamHelp,
      .example = R"({"cube_type": "stream_apply_time", "nbands": 1, "names": ["same"],
  "cmd": "i=$GDALCUBES_STREAMING_FILE_IN; (head -c 16 $i; tail -c $(od -An -i -N16 $i | awk '{print 8*$1*$2*$3*$4}') $i) > $GDALCUBES_STREAMING_FILE_OUT",
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose series the command is given."}},
      .aliases = {"stream_apply_time_cube"},
  });
}

}  // namespace ops

}  // namespace cube
