#include "engine/error.h"
#include "engine/registry.h"
#include "engine/text.h"

namespace cube {

namespace {

class SelectBands final : public Operator {
 public:
  struct Params {
    std::vector<std::string> bands;

    void fields(FieldVisitor& v) {
      v.field({.name = "bands",
               .help = "Bands to keep, in output order.",
               .required = true,
               .one_or_many = true},
              bands);
    }
  };

  SelectBands(const Params& params, std::span<const CubeInfo> in)
      : SelectBands(in[0], pick(params, in[0])) {}

  Request demand(const Request& out, std::size_t) const override { return translated(out); }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Forward>(*this); }

 private:
  // Only bands are renumbered; blocks pass through untouched.
  struct Forward final : Kernel {
    explicit Forward(const SelectBands& op) : op_(op) {}
    Chunk run(const Request& request, Inputs& inputs) override {
      return inputs.pull(0, op_.translated(request));
    }
    const SelectBands& op_;
  };

  SelectBands(const CubeInfo& in, std::vector<std::size_t> sources)
      : Operator(selected(in, sources)), sources_(std::move(sources)) {}

  static std::vector<std::size_t> pick(const Params& params, const CubeInfo& in) {
    if (params.bands.empty())
      throw Error(ErrorCode::kInvalid, "no band is selected", "/bands",
                  "one or more of " + join(in.band_names()));
    std::vector<std::size_t> sources;
    for (std::size_t i = 0; i < params.bands.size(); ++i) {
      sources.push_back(in.band(params.bands[i], "/bands" + pointer_step(i)));
    }
    return sources;
  }

  static CubeInfo selected(const CubeInfo& in, const std::vector<std::size_t>& sources) {
    CubeInfo out{in.grid, in.time, {}};
    for (const std::size_t source : sources) out.bands.push_back(in.bands[source]);
    check_unique_bands(out.bands, "/bands");
    return out;
  }

  Request translated(const Request& out) const {
    Request in{out.region, {}};
    for (const std::size_t band : out.bands) in.bands.push_back(sources_[band]);
    return in;
  }

  std::vector<std::size_t> sources_;
};

}  // namespace

namespace ops {

OperatorType select_bands() {
  return operator_type<SelectBands>({
      .id = "select_bands",
      .summary = "Keep some bands, in the given order.",
      .help = "Bands that are not kept are never read.",
      .example = R"({"cube_type": "select_bands", "bands": ["band2"],
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube to take bands from."}},
  });
}

}  // namespace ops

}  // namespace cube
