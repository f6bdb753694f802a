#include "engine/constant_source.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Dummy final : public ConstantSource {
 public:
  struct Params : Layout {
    double fill = 1;

    void fields(FieldVisitor& v) {
      Layout::fields(v);
      v.field({.name = "fill", .help = "The value of every cell."}, fill);
    }
  };

  Dummy(const Params& params, std::span<const CubeInfo>) : ConstantSource(params, params.fill) {}
};

}  // namespace

namespace ops {

OperatorType dummy() {
  return operator_type<Dummy>({
      .id = "dummy",
      .summary = "A cube whose cells all have the same value.",
      .help = "For tests and examples; reads no file. Bands are float64.",
      .example = R"({"cube_type": "dummy", "nbands": 2, "fill": 1,
  "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
    "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}})",
      .inputs = {},
  });
}

}  // namespace ops

}  // namespace cube
