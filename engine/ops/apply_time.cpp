#include "engine/command_code.h"
#include "engine/error.h"
#include "engine/plugin_code.h"
#include "engine/registry.h"

namespace cube {

namespace {

class ApplyTime final : public UserFunction {
 public:
  struct Params {
    CommandParams command;
    std::optional<std::string> file;
    std::string function = PluginParams().function;
    UserBands made;
    std::vector<std::string> times;
    bool skip_empty = false;
    FreeValues arguments;

    void fields(FieldVisitor& v) {
      command.fields(v, false);
      v.field({.name = "file", .help = "Or the shared library of a plugin.", .path = true}, file);
      v.field(
          {.name = "function",
           .help =
               "The function of the library that describes the plugin, where it holds several."},
          function);
      made.fields(v);
      v.field({.name = "times",
               .help = "Times of the slices that it makes, in ascending order, of any number; by "
                       "default those of the input. One time makes one slice of all.",
               .one_or_many = true},
              times);
      v.field({.name = "skip_empty",
               .help = "Do not call it where all series are missing: the result is missing there."},
              skip_empty);
      v.field({.name = "arguments", .help = "Values that are handed to it."}, arguments);
    }
  };

  ApplyTime(const Params& params, std::span<const CubeInfo> in, const Resources& resources)
      : UserFunction(setup(params, in[0], resources)) {}

 private:
  static Setup setup(const Params& params, const CubeInfo& in, const Resources& resources) {
    if (params.file.has_value() != params.command.command.empty()) {
      throw Error(ErrorCode::kInvalid,
                  params.file ? "both a command and a plugin are given"
                              : "neither a command nor a plugin is given",
                  params.file ? "/file" : "/command", "give one of \"command\" and \"file\"");
    }
    const DType preset = common_arithmetic_dtype(in);
    Setup setup{.input = in, .output = {in.grid, axis(params, in), {}}, .halo = {}};
    setup.whole_time = true;
    setup.skip_empty = params.skip_empty;
    if (params.file) {
      const LoadedPlugin plugin =
          load_plugin({*params.file, params.function}, params.arguments, in, resources);
      setup.halo = plugin.halo;
      setup.output.bands = plugin_bands(plugin.bands, params.made, preset);
      setup.code = plugin.code;
    } else {
      setup.output.bands = command_bands(params.made, preset);
      setup.code = command_code(params.command, params.arguments);
    }
    return setup;
  }

  static TimeAxis axis(const Params& params, const CubeInfo& in) {
    if (params.times.empty()) return in.time;
    std::vector<Instant> labels;
    for (std::size_t i = 0; i < params.times.size(); ++i) {
      const auto time = parse_time(params.times[i]);
      const std::string where = "/times" + pointer_step(i);
      if (!time) {
        throw Error(ErrorCode::kInvalid, "'" + params.times[i] + "' is no time", where,
                    "such as 2020, 2020-03 or 2020-03-05T10:00:00");
      }
      if (!labels.empty() && time->start <= labels.back()) {
        throw Error(ErrorCode::kInvalid,
                    "'" + params.times[i] + "' is not after the time before it", where);
      }
      labels.push_back(time->start);
    }
    return TimeAxis::labelled(std::move(labels));
  }
};

}  // namespace

namespace ops {

OperatorType apply_time() {
  return operator_type<ApplyTime>({
      .id = "apply_time",
      .summary = "A function of your own over the series of every pixel.",
      .help =
          std::string(
              "The function is a command, as of stream with \"per\": \"series\", or a plugin, as "
              "of "
              "plugin. Each call has all slices of some pixels and makes any number of bands and "
              "slices of them; its result must not depend on which pixels come together. Running "
              "it needs --allow-exec, a plugin already when the graph is checked. Chunks hold "
              "whole "
              "series of up to 256 x 256 pixels; where --memory or --chunk cuts them in time, each "
              "piece is computed from the whole series again.\n") +
          kStreamProtocol,
      .example = R"({"cube_type": "apply_time", "command": ["cat"], "bands": ["same"],
  "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose series it is given."}},
  });
}

}  // namespace ops

}  // namespace cube
