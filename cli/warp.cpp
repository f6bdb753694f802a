// cube warp: raster files onto another grid.
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/shorthand.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

struct WarpArguments {
  Shorthand shorthand;
  std::vector<std::string> files;
  std::string like;
  std::string srs;
  std::string res, extent, size;  // numbers, separated by commas
  bool snap = false;
  std::string resampling = "near";
  std::optional<double> fill;
  std::string dtype;
  std::optional<double> nodata;
  std::string dem;
  std::optional<double> height;
  std::optional<int> order;
  bool tps = false;
  bool unpack = false;
};

// The numbers of "1,2"; between `least` and `most` of them.
std::vector<double> numbers_of(const std::string& text, std::size_t least, std::size_t most,
                               const char* option, const char* form) {
  std::vector<double> numbers;
  for (const std::string& part : split(text, ',')) {
    const auto number = parse_number(part);
    if (!number) break;
    numbers.push_back(*number);
  }
  if (numbers.size() >= least && numbers.size() <= most &&
      numbers.size() == split(text, ',').size()) {
    return numbers;
  }
  throw Error(ErrorCode::kInvalid, "'" + text + "' is not " + form, option);
}

nlohmann::json space_of(const WarpArguments& args) {
  nlohmann::json space = nlohmann::json::object();
  if (!args.srs.empty()) space["srs"] = args.srs;
  const auto put = [&](const std::string& text, const std::vector<const char*>& keys,
                       std::size_t least, const char* option, const char* form) {
    if (text.empty()) return;
    const std::vector<double> numbers = numbers_of(text, least, keys.size(), option, form);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (std::string_view(option) == "--size") {
        space[keys[i]] = static_cast<std::int64_t>(numbers[i]);
      } else {
        space[keys[i]] = numbers[i];
      }
    }
  };
  put(args.res, {"dx", "dy"}, 1, "--res", "DX or DX,DY");
  put(args.extent, {"left", "bottom", "right", "top"}, 4, "--extent", "LEFT,BOTTOM,RIGHT,TOP");
  put(args.size, {"nx", "ny"}, 2, "--size", "COLUMNS,ROWS");
  if (args.snap) space["snap"] = true;
  return space;
}

nlohmann::json graph_of(const WarpArguments& args) {
  nlohmann::json raster = {
      {"cube_type", "raster"}, {"files", args.files}, {"resampling", args.resampling}};
  const nlohmann::json space = space_of(args);
  if (!args.like.empty()) {
    if (!space.empty()) {
      throw Error(ErrorCode::kInvalid,
                  "says where the grid is, so --srs, --res, --extent, --size "
                  "and --snap may not",
                  "--like", "leave one of them out");
    }
    raster["like"] = args.like;
  } else if (!space.empty()) {
    raster["view"] = {{"space", space}};
  } else {
    throw Error(ErrorCode::kInvalid, "nothing says which grid is wanted", "cube warp",
                "give --like RASTER, --srs or --res");
  }
  if (args.fill) raster["fill"] = *args.fill;
  if (!args.dtype.empty()) raster["dtype"] = args.dtype;
  if (args.nodata) raster["nodata"] = *args.nodata;
  if (!args.dem.empty()) raster["dem"] = args.dem;
  if (args.height) raster["height"] = *args.height;
  if (args.tps) raster["gcp"] = "tps";
  if (args.order) raster["gcp"] = "order" + std::to_string(*args.order);
  if (args.unpack) raster["unpack"] = true;
  return raster;
}

const Shorthand::Places& warp_places() {
  static const Shorthand::Places kPlaces = {{"/files", "FILE"},
                                            {"/like", "--like"},
                                            {"/view/space/srs", "--srs"},
                                            {"/view/space/d", "--res"},
                                            {"/view/space/n", "--size"},
                                            {"/view/space/snap", "--snap"},
                                            {"/view/space/", "--extent"},
                                            {"/view/space", "FILE"},
                                            {"/resampling", "-r"},
                                            {"/fill", "--fill"},
                                            {"/dtype", "--dtype"},
                                            {"/nodata", "--nodata"},
                                            {"/dem", "--dem"},
                                            {"/height", "--height"},
                                            {"/gcp", "--order, --tps"}};
  return kPlaces;
}

void add_grid(CLI::App& command, WarpArguments& args) {
  command.add_option("--like", args.like, "Take the grid of this raster")->type_name("RASTER");
  command
      .add_option(
          "--srs", args.srs,
          "Or a grid in this CRS (EPSG:32631, WKT, PROJ); default: the first file's. Extent "
          "and cell size are those that gdalwarp chooses for the first file, unless given")
      ->type_name("SRS");
  command
      .add_option(
          "--res", args.res,
          "Size of cells in units of the CRS. From the upper left corner on; from both sides "
          "of an --extent that it does not divide")
      ->type_name("DX[,DY]");
  command.add_option("--extent", args.extent, "Edges, in units of the CRS")->type_name("L,B,R,T");
  command.add_option("--size", args.size, "Numbers of cells, instead of --res")->type_name("NX,NY");
  command.add_flag("--snap", args.snap, "Move edges outwards to multiples of the cell size");
}

void add_placing(CLI::App& command, WarpArguments& args) {
  command.add_option("--dem", args.dem, "Heights for files that RPCs place")->type_name("RASTER");
  command
      .add_option("--height", args.height,
                  "Height of the ground for RPCs, or what to add to --dem, in metres")
      ->type_name("METRES");
  CLI::Option* order =
      command.add_option("--order", args.order, "Order of polynomials through control points")
          ->type_name("1|2|3")
          ->check(CLI::IsMember({1, 2, 3}));
  command.add_flag("--tps", args.tps, "Thin plate splines through control points")->excludes(order);
}

}  // namespace

void add_warp(CLI::App& app, Program& program) {
  CLI::App* command =
      app.add_subcommand("warp", "Raster files onto another grid: superimpose, reproject");
  const auto args = std::make_shared<WarpArguments>();
  command
      ->add_option(
          "FILE", args->files,
          "Rasters, placed by a grid, control points, RPCs or geolocation arrays; bands of "
          "several stand side by side")
      ->type_name("...")
      ->required();
  add_grid(*command, *args);
  command
      ->add_option(
          "-r,--resampling", args->resampling,
          "near (default), bilinear, cubic, cubicspline, lanczos, average, rms, sum, mode, "
          "min, max, med, q1, q3")
      ->type_name("METHOD");
  command
      ->add_option("--fill", args->fill,
                   "What stands in cells whose centre lies outside of a file; default: missing")
      ->type_name("VALUE");
  command->add_option("--dtype", args->dtype, "Type of the result; default: each file's own")
      ->type_name("TYPE");
  command
      ->add_option("--nodata", args->nodata,
                   "What missing cells of integers hold, a number that no other cell has; default: "
                   "each file's own")
      ->type_name("VALUE");
  add_placing(*command, *args);
  complete(
      *command, args, &graph_of, warp_places(),
      "Cells whose centre lies in no file or in a missing cell are missing; elsewhere missing "
      "cells "
      "are left out\nand weights renormalised. A band that has no value for missing cells gets a "
      "wider type, unless --nodata\nsays what to put there, or --fill beyond files. `cube ops "
      "raster` "
      "tells more.\n\n"
      "Examples:\n"
      "  cube warp xs.tif --like pan.tif -r cubic -o xs_on_pan.tif\n"
      "  cube warp scene.tif --srs EPSG:3857 -r bilinear -o mercator.tif\n"
      "  cube warp raw.tif --dem heights.tif --srs EPSG:32631 --res 2 -r bilinear -o ortho.tif",
      program);
}

}  // namespace cube
