#include "engine/gdalcubes_stream.h"

#include "engine/error.h"
#include "engine/files_code.h"
#include "engine/text.h"
#include "engine/time_groups.h"

namespace cube {

namespace {

constexpr std::int64_t kMostBands = 10000;

// Doubles, as the files hold.
UserBands made_bands(const GdalcubesStream::Params& params, std::string_view prefix) {
  if (params.nbands < 1 || params.nbands > kMostBands) {
    throw Error(ErrorCode::kInvalid, "the number of bands is " + std::to_string(params.nbands),
                "/nbands", "from 1 to " + std::to_string(kMostBands));
  }
  const auto count = static_cast<std::size_t>(params.nbands);
  if (!params.names.empty() && params.names.size() != count) {
    throw Error(ErrorCode::kInvalid,
                counted(params.names.size(), "name") + " for nbands " + std::to_string(count),
                "/names", "one a band, or none");
  }
  UserBands out{params.names, {}};
  for (std::size_t i = out.bands.size(); i < count; ++i) {
    out.bands.push_back(std::string(prefix).append(std::to_string(i + 1)));
  }
  out.storage.dtype = {"float64"};
  return out;
}

// make(), whose errors at `from` are at `to`: what is shared has other keys.
template <class F>
auto with_keys(std::string_view from, std::string_view to, F&& make) {
  try {
    return make();
  } catch (const Error& error) {
    if (!error.where().starts_with(from)) throw;
    throw Error(error.code(), error.message(), std::string(to) + error.where().substr(from.size()),
                error.hint());
  }
}

std::vector<BandInfo> described(const UserBands& bands) {
  return with_keys("/bands", "/names", [&] { return bands.made(DType::kFloat64); });
}

UserFunction::Setup setup_of(const GdalcubesStream::Params& params, const CubeInfo& in,
                             const StreamShape& shape) {
  if (shape.one_cell && in.extent().empty()) {
    throw Error(ErrorCode::kInvalid, "the cube has no cells to reduce", "/in_cube");
  }
  const Grid grid = shape.one_cell ? in.grid.coarsened(in.grid.height, in.grid.width) : in.grid;
  const TimeAxis axis = shape.one_slice ? whole_axis(in.time) : in.time;
  return {.input = in,
          .output = {grid, axis, described(made_bands(params, shape.prefix))},
          .halo = {},
          .whole_time = shape.whole_time,
          .whole_space = shape.whole_space,
          .keep_bands = params.keep_bands,
          .skip_empty = true,
          .code = with_keys("/command", "/cmd", [&] { return gdalcubes_code(params.command); })};
}

}  // namespace

const char* const kGdalcubesStreamHelp =
    "Kept for graphs of gdalcubes, whose functions of R become such commands; stream and "
    "apply_time "
    "have a simpler protocol, halos and types. Where all that a call would be given is missing, "
    "the result is, and the command is not run. Running it needs --allow-exec.\n"
    "Files. GDALCUBES_STREAMING_FILE_IN names the file to read: int32 numbers of bands, slices, "
    "rows and columns; of each band the length of its name (int32) and the name; doubles of each "
    "slice (its date as a number, 20200131, or 202001 on months), row (from the top) and column "
    "(centres); the length "
    "(int32) and text of the CRS; the cells as doubles over bands, slices, rows and columns, NaN "
    "for missing. GDALCUBES_STREAMING_FILE_OUT names the file to write: the four numbers and the "
    "cells.";

void GdalcubesStream::Params::fields(FieldVisitor& v, bool may_keep_bands) {
  v.field({.name = "cmd",
           .help = "What to run: one text, which the shell runs (sh -c), or a list of the program "
                   "and its arguments. The program inherits the environment.",
           .required = true,
           .aliases = {"command"},
           .one_or_many = true},
          command.command);
  v.field({.name = "nbands", .help = "How many bands it makes.", .required = true}, nbands);
  v.field({.name = "names", .help = "Names of these bands; without them numbered."}, names);
  if (may_keep_bands) {
    v.field({.name = "keep_bands", .help = "Put the bands of the input before those."}, keep_bands);
  }
}

GdalcubesStream::GdalcubesStream(const Params& params, const CubeInfo& in, const StreamShape& shape)
    : UserFunction(setup_of(params, in, shape)) {}

}  // namespace cube
