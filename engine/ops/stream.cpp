#include "engine/command_code.h"
#include "engine/files_code.h"
#include "engine/registry.h"
#include "engine/user_bands.h"

namespace cube {

namespace {

class Stream final : public UserFunction {
 public:
  struct Params {
    CommandParams command;
    UserBands made;
    Halo halo;
    std::string per = "chunk";
    bool skip_empty = false;
    FreeValues arguments;
    std::optional<std::string> protocol;

    void fields(FieldVisitor& v) {
      command.fields(v);
      made.fields(v);
      v.field(
          {.name = "per",
           .help = "chunk: a call has the slices of a chunk. series: a call has all slices, for "
                   "functions of time.",
           .choices = {"chunk", "series"}},
          per);
      v.field(
          {.name = "halo",
           .help = "Cells that are sent besides those of the chunk, on both sides of each axis, "
                   "as far as the cube reaches."},
          halo);
      v.field(
          {.name = "skip_empty",
           .help = "Do not call the command where all that it would be sent is missing: the result "
                   "is missing there."},
          skip_empty);
      v.field({.name = "arguments", .help = "Values that are handed to the command."}, arguments);
      v.field(
          {.name = "protocol",
           .help = "streams: as below. gdalcubes: through the files that "
                   "GDALCUBES_STREAMING_FILE_IN and _OUT name, for commands made for it, without "
                   "arguments; that is taken where no bands are given, which are then as many as "
                   "the input has, band1, band2, ..., of float64.",
           .choices = {"streams", "gdalcubes"}},
          protocol);
    }
  };

  Stream(const Params& params, std::span<const CubeInfo> in)
      : UserFunction({.input = in[0],
                      .output = {in[0].grid, in[0].time, made(params, in[0])},
                      .halo = params.halo,
                      .whole_time = params.per == "series",
                      .skip_empty = params.skip_empty,
                      .code = code(params)}) {}

 private:
  // gdalcubes' graphs have nothing but the command.
  static bool is_of_gdalcubes(const Params& params) {
    return params.protocol ? *params.protocol == "gdalcubes" : params.made.bands.empty();
  }

  static std::vector<BandInfo> made(const Params& params, const CubeInfo& in) {
    const bool unsaid = is_of_gdalcubes(params) && params.made.bands.empty();
    return command_bands(unsaid ? gdalcubes_bands(in) : params.made, common_arithmetic_dtype(in));
  }

  static std::shared_ptr<const UserCode> code(const Params& params) {
    // Most who leave out the bands do not mean that.
    const char* note = params.protocol
                           ? ""
                           : "\nwithout \"bands\" the command is run as gdalcubes does, "
                             "with the cells in files (cube ops stream tells both ways)";
    return is_of_gdalcubes(params) ? gdalcubes_code(params.command, note)
                                   : command_code(params.command, params.arguments);
  }
};

}  // namespace

namespace ops {

OperatorType stream() {
  return operator_type<Stream>({
      .id = "stream",
      .summary = "New bands from a program of your own, chunk by chunk.",
      .help =
          std::string("The program is started once a call; cube run needs --allow-exec for it. "
                      "Calls run side by side, one a thread. A call that ends with another status "
                      "than 0, takes too long or gives a wrong answer is the failure of its chunk. "
                      "The memory of the program is not counted in --memory. The result is the "
                      "same for any chunks as long as a cell depends on no others than those "
                      "within the halo; at the edges of the cube the halo is cut off, so that the "
                      "program sees an edge only where the cube has one.\n") +
          kStreamProtocol,
      .example = R"({"cube_type": "stream", "command": ["cat"], "bands": ["same1", "same2"],
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})",
      .inputs = {{.name = "in_cube", .help = "The cube whose bands the program is sent."}},
  });
}

}  // namespace ops

}  // namespace cube
