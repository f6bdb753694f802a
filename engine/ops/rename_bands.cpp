#include "engine/error.h"
#include "engine/registry.h"
#include "engine/text.h"

namespace cube {

namespace {

class RenameBands final : public Operator {
 public:
  struct Params {
    std::map<std::string, std::string> band_names;

    void fields(FieldVisitor& v) {
      v.field({.name = "band_names",
               .help = "Old name to new name; bands not named keep theirs.",
               .required = true},
              band_names);
    }
  };

  RenameBands(const Params& params, std::span<const CubeInfo> in)
      : Operator(renamed(params, in[0])) {
    if (info().band_names() == in[0].band_names()) {
      note("/band_names", "no band gets another name");
    }
  }

  Request demand(const Request& out, std::size_t) const override { return out; }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Forward>(); }

 private:
  // Blocks have no names, so that they pass through untouched.
  struct Forward final : Kernel {
    Chunk run(const Request& request, Inputs& inputs) override { return inputs.pull(0, request); }
  };

  static CubeInfo renamed(const Params& params, const CubeInfo& in) {
    CubeInfo out = in;
    std::vector<std::string> renamed_as(in.bands.size());
    for (const auto& [old_name, new_name] : params.band_names) {
      const std::string where = "/band_names" + pointer_step(old_name);
      const std::size_t band = in.band(old_name, where);
      if (new_name.empty()) throw Error(ErrorCode::kInvalid, "a band needs a name", where);
      if (!renamed_as[band].empty()) {
        throw Error(ErrorCode::kInvalid,
                    "the band '" + in.bands[band].name + "' is already renamed to '" +
                        renamed_as[band] + "'",
                    where);
      }
      renamed_as[band] = new_name;
      out.bands[band].name = new_name;
    }
    check_unique_bands(out.bands, "/band_names");
    return out;
  }
};

}  // namespace

namespace ops {

OperatorType rename_bands() {
  return operator_type<RenameBands>({
      .id = "rename_bands",
      .summary = "Give bands other names.",
      .help = "Two bands can swap their names.",
      .example = R"({"cube_type": "rename_bands", "band_names": {"band1": "red", "band2": "nir"},
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose bands to rename."}},
  });
}

}  // namespace ops

}  // namespace cube
