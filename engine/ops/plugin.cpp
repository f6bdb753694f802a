#include "engine/plugin_code.h"
#include "engine/registry.h"

namespace cube {

namespace {

class Plugin final : public UserFunction {
 public:
  struct Params {
    PluginParams plugin;
    UserBands made;
    std::optional<Halo> halo;
    bool skip_empty = false;
    FreeValues arguments;

    void fields(FieldVisitor& v) {
      plugin.fields(v);
      made.fields(v);
      v.field(
          {.name = "halo",
           .help = "Cells that are handed over besides those of the chunk, on both sides of each "
                   "axis, as far as the cube reaches; by default what the plugin asks for."},
          halo);
      v.field(
          {.name = "skip_empty",
           .help = "Do not call the plugin where all that it would be given is missing: the result "
                   "is missing there."},
          skip_empty);
      v.field({.name = "arguments", .help = "Values that are handed to the plugin."}, arguments);
    }
  };

  Plugin(const Params& params, std::span<const CubeInfo> in, const Resources& resources)
      : Plugin(params, in[0], load_plugin(params.plugin, params.arguments, in[0], resources)) {}

 private:
  Plugin(const Params& params, const CubeInfo& in, const LoadedPlugin& loaded)
      : UserFunction(
            {.input = in,
             .output = {in.grid, in.time,
                        plugin_bands(loaded.bands, params.made, common_arithmetic_dtype(in))},
             .halo = params.halo.value_or(loaded.halo),
             .whole_time = loaded.whole_series,
             .skip_empty = params.skip_empty,
             .code = loaded.code}) {}
};

}  // namespace

namespace ops {

OperatorType plugin() {
  return operator_type<Plugin>({
      .id = "plugin",
      .summary = "New bands from a shared library of your own.",
      .help =
          "The library exports the C functions that include/cube_plugin.h describes; "
          "examples/plugin/local_range.c is one. Loading it, which check and plan do too, needs "
          "--allow-exec. The plugin says which bands it makes, how they are stored, how large a "
          "halo it needs and whether it needs whole series; bands (their names), dtype, nodata and "
          "halo change that, and give the bands where it says none. It sees cells as float64 with "
          "NaN for missing, 8 bytes a cell of input and result besides those of the cube, which "
          "--memory counts. A call that fails is the failure of its chunk. Code in the process "
          "cannot be stopped: there is no time limit, and when it crashes so does the run.",
      .example = R"({"cube_type": "plugin", "file": "local_range.so", "arguments": {"radius": 1},
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose bands the plugin is given."}},
  });
}

}  // namespace ops

}  // namespace cube
