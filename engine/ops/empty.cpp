#include "engine/constant_source.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Empty final : public ConstantSource {
 public:
  using Params = Layout;

  Empty(const Params& params, std::span<const CubeInfo>) : ConstantSource(params, std::nullopt) {}
};

}  // namespace

namespace ops {

OperatorType empty() {
  return operator_type<Empty>({
      .id = "empty",
      .summary = "A cube whose cells are all missing.",
      .help = "For tests; costs nothing however large it is. Bands are float64.",
      .example = R"({"cube_type": "empty", "nbands": 1,
  "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
    "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}})",
      .inputs = {},
  });
}

}  // namespace ops

}  // namespace cube
