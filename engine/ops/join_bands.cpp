#include <set>
#include <string>

#include "engine/error.h"
#include "engine/limits.h"
#include "engine/registry.h"
#include "engine/text.h"

namespace cube {

namespace {

class JoinBands final : public Operator {
 public:
  struct Params {
    std::vector<std::string> prefixes;

    void fields(FieldVisitor& v) {
      v.field({.name = "prefixes",
               .help = "One a cube: bands are named PREFIX.BAND; \"\" leaves the names as they "
                       "are. Needed where names clash."},
              prefixes);
    }
  };

  JoinBands(const Params& params, std::span<const CubeInfo> in) : Operator(joined(params, in)) {
    for (std::size_t cube = 0; cube < in.size(); ++cube) {
      for (std::size_t band = 0; band < in[cube].bands.size(); ++band) {
        sources_.push_back({cube, band});
      }
    }
    inputs_ = in.size();
  }

  Request demand(const Request& out, std::size_t input) const override {
    Request in{out.region, {}};
    for (const std::size_t band : out.bands) {
      if (sources_[band].cube == input) in.bands.push_back(sources_[band].band);
    }
    if (in.bands.empty()) in.region = {};
    return in;
  }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Gather>(*this); }

 private:
  struct Source {
    std::size_t cube;
    std::size_t band;
  };

  // Blocks are shared; only cubes that have a requested band are pulled.
  struct Gather final : Kernel {
    explicit Gather(const JoinBands& op) : op_(op) {}

    Chunk run(const Request& request, Inputs& inputs) override {
      Chunk out{request.region, std::vector<BlockPtr>(request.bands.size())};
      for (std::size_t cube = 0; cube < op_.inputs_; ++cube) {
        const Request wanted = op_.demand(request, cube);
        if (wanted.bands.empty()) continue;
        const Chunk in = inputs.pull(cube, wanted);
        std::size_t next = 0;
        for (std::size_t i = 0; i < request.bands.size(); ++i) {
          if (op_.sources_[request.bands[i]].cube == cube) out.bands[i] = in.bands[next++];
        }
      }
      return out;
    }

    const JoinBands& op_;
  };

  static CubeInfo joined(const Params& params, std::span<const CubeInfo> in) {
    if (in.size() < 2) {
      throw Error(ErrorCode::kInvalid, std::to_string(in.size()) + " cube cannot be joined",
                  "/in_cubes", "two or more");
    }
    if (!params.prefixes.empty() && params.prefixes.size() != in.size()) {
      throw Error(ErrorCode::kInvalid,
                  counted(params.prefixes.size(), "prefix", "prefixes") + " for " +
                      counted(in.size(), "cube"),
                  "/prefixes", "one a cube");
    }
    std::size_t bands = 0;
    for (const CubeInfo& cube : in) bands += cube.bands.size();
    if (bands > static_cast<std::size_t>(limits::kBands)) {
      throw Error(ErrorCode::kInvalid, "the cubes have " + counted(bands, "band"), "/in_cubes",
                  "at most " + std::to_string(limits::kBands));
    }
    CubeInfo out{in[0].grid, in[0].time, {}};
    std::set<std::string> names;
    for (std::size_t cube = 0; cube < in.size(); ++cube) {
      const std::string where = "/in_cubes" + pointer_step(cube);
      if (cube > 0) check_same_axes(in[0], in[cube], where);
      for (BandInfo band : in[cube].bands) {
        if (!params.prefixes.empty() && !params.prefixes[cube].empty()) {
          band.name = params.prefixes[cube] + "." + band.name;
        }
        add(std::move(band), names, out, where);
      }
    }
    return out;
  }

  static void add(BandInfo band, std::set<std::string>& names, CubeInfo& out,
                  const std::string& where) {
    if (!names.insert(band.name).second) {
      throw Error(ErrorCode::kInvalid, "two cubes have a band named '" + band.name + "'", where,
                  "give each cube another prefix: \"prefixes\": [\"a\", \"b\"]");
    }
    out.bands.push_back(std::move(band));
  }

  std::vector<Source> sources_;  // of the result's bands
  std::size_t inputs_ = 0;
};

}  // namespace

namespace ops {

OperatorType join_bands() {
  return operator_type<JoinBands>({
      .id = "join_bands",
      .summary = "The bands of several cubes side by side.",
      .help = "The cubes need the same grid and time axis. Formulas can use names with a prefix "
              "as they are: a.B04 - b.B04.",
      .example = R"({"cube_type": "join_bands", "prefixes": ["a", "b"],
  "in_cubes": [
    {"cube_type": "dummy", "nbands": 1, "fill": 1,
      "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
          "srs": "EPSG:3857"},
        "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}},
    {"cube_type": "dummy", "nbands": 1, "fill": 2,
      "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
          "srs": "EPSG:3857"},
        "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}]})",
      .inputs = {{.name = "in_cubes", .help = "Cubes on one grid and time axis.", .many = true}},
  });
}

}  // namespace ops

}  // namespace cube
