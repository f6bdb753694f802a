// cube calc: formulas over the bands of raster files.
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/shorthand.h"
#include "engine/text.h"

namespace cube {

namespace {

struct CalcArguments {
  Shorthand shorthand;
  std::string formulas;  // separated by ";"
  std::vector<std::string> files;
  std::vector<std::string> names;
  std::string like;
  std::string resampling;
  std::string dtype;
  std::optional<double> nodata;
  bool unpack = false;
};

nlohmann::json graph_of(const CalcArguments& args) {
  nlohmann::json raster = {{"cube_type", "raster"}, {"files", args.files}};
  if (!args.like.empty()) raster["like"] = args.like;
  if (!args.resampling.empty()) raster["resampling"] = args.resampling;
  if (args.unpack) raster["unpack"] = true;
  std::vector<std::string> formulas;
  for (const std::string& formula : split(args.formulas, ';')) {
    if (formula.find_first_not_of(' ') != std::string::npos) formulas.push_back(formula);
  }
  nlohmann::json out = {{"cube_type", "apply_pixel"}, {"expr", formulas}, {"in_cube", raster}};
  if (!args.names.empty()) out["band_names"] = args.names;
  if (!args.dtype.empty()) out["dtype"] = args.dtype;
  if (args.nodata) out["nodata"] = *args.nodata;
  return out;
}

const Shorthand::Places& calc_places() {
  static const Shorthand::Places kPlaces = {
      {"/expr", "EXPR"},           {"/band_names", "--name"},
      {"/dtype", "--dtype"},       {"/nodata", "--nodata"},
      {"/in_cube/like", "--like"}, {"/in_cube/resampling", "--resampling"},
      {"/in_cube/files", "FILE"}};
  return kPlaces;
}

}  // namespace

void add_calc(CLI::App& app, Program& program) {
  CLI::App* command = app.add_subcommand("calc", "Formulas over the bands of raster files");
  const auto args = std::make_shared<CalcArguments>();
  add_operand(*command, "EXPR", args->formulas,
              "Formula, or several separated by ';', each a band of the result");
  command->add_option("FILE", args->files, "Rasters on one grid")->type_name("...")->required();
  command->add_option("--name", args->names, "Names of the new bands, one a formula")
      ->type_name("NAME[,NAME]...")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--dtype", args->dtype,
                   "Type of the result, e.g. uint8; float32 (float64 from wider bands) if not "
                   "given. Integers round to nearest and clamp")
      ->type_name("TYPE");
  command->add_option("--nodata", args->nodata, "What missing cells of an integer type hold")
      ->type_name("VALUE");
  command->add_option("--like", args->like, "Bring files onto the grid of this raster")
      ->type_name("RASTER");
  command
      ->add_option("--resampling", args->resampling,
                   "How, where their cells differ: near (default), bilinear, cubic, average, ...")
      ->type_name("METHOD");
  complete(
      *command, args, &graph_of, calc_places(),
      "im2b1 is band 1 of the second file; bands also answer to the names that files give them.\n"
      "Where a file has no data the result has none. `cube ops apply_pixel` lists the "
      "functions.\n\n"
      "Examples:\n"
      "  cube calc \"(im2b1-im1b1)/(im2b1+im1b1)\" B04.tif B08.tif -o ndvi.tif\n"
      "  cube calc \"im1b1 > 0.4 ? 1 : 0\" ndvi.tif --dtype uint8 --nodata 255 -o green.tif\n"
      "  cube calc \"nd(im1b1,im2b1); im1b1/im2b1\" a.tif b.tif --name nd,ratio --save graph.json",
      program);
}

}  // namespace cube
