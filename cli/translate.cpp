// cube translate: raster files into another format or layout, as they are.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cli/shorthand.h"
#include "engine/error.h"
#include "engine/raster_files.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

struct TranslateArguments {
  Shorthand shorthand;
  std::vector<std::string> files;
  std::string folder;  // --to
  std::vector<std::int64_t> bands;
  std::string dtype;
  std::optional<double> nodata;
  std::optional<std::int64_t> overview;
  bool unpack = false;
};

nlohmann::json graph_of(const TranslateArguments& args, const std::string& file) {
  nlohmann::json raster = {{"cube_type", "raster"}, {"file", file}};
  if (!args.bands.empty()) raster["band"] = args.bands;
  if (!args.dtype.empty()) raster["dtype"] = args.dtype;
  if (args.nodata) raster["nodata"] = *args.nodata;
  if (args.overview) raster["overview_level"] = *args.overview;
  if (args.unpack) raster["unpack"] = true;
  return raster;
}

const Shorthand::Places& translate_places() {
  static const Shorthand::Places kPlaces = {{"/file", "FILE"},
                                            {"/band", "--bands"},
                                            {"/dtype", "--dtype"},
                                            {"/nodata", "--nodata"},
                                            {"/overview_level", "--overview"}};
  return kPlaces;
}

// The ending of files of a format; "" keeps that of the source.
std::string ending_of(const std::string& format) {
  const std::string id = lower(format);
  if (id == "netcdf") return ".nc";
  if (id == "zarr") return ".zarr";
  if (id == "png") return ".png";
  return ".tif";
}

// Where a file goes in the folder: its own name, with the ending of the format.
std::string target_of(const TranslateArguments& args, const std::string& file) {
  const std::filesystem::path name = std::filesystem::path(without_query(file)).stem();
  return (std::filesystem::path(args.folder) / name).string() +
         ending_of(args.shorthand.run.format);
}

// Several files may not become one. Names of the results, one a file.
std::vector<std::string> targets_of(const TranslateArguments& args,
                                    const std::vector<NamedFile>& files) {
  std::vector<std::string> targets;
  std::set<std::string> seen;
  for (const NamedFile& file : files) {
    targets.push_back(target_of(args, file.name));
    if (seen.insert(targets.back()).second) continue;
    throw Error(ErrorCode::kInvalid, "several files would become " + targets.back(), "--to",
                "translate them into folders of their own");
  }
  return targets;
}

void check_folder(const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorCode::kUnwritable, folder + ": is no folder and cannot be made", "--to");
  }
}

// One file after the other, each in parallel. What fails is told and does not stop the rest.
int translate_all(const TranslateArguments& args, const Program& program) {
  const std::vector<NamedFile> files = named_files(args.files, "FILE");
  const std::vector<std::string> targets = targets_of(args, files);
  check_folder(args.folder);
  std::vector<std::string> failed;
  std::size_t skipped = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!args.shorthand.run.overwrite && std::filesystem::exists(targets[i])) {
      ++skipped;
      continue;
    }
    Shorthand one = args.shorthand;
    one.run.files = {targets[i]};
    try {
      const int status = one.finish(graph_of(args, files[i].name), translate_places(), program);
      if (status > kStopped) return status;
      if (status != kDone) failed.push_back(without_queries(files[i].name));
    } catch (const Error& error) {
      std::cerr << "cube: error: " << error.what() << '\n';
      failed.push_back(without_queries(files[i].name));
    }
  }
  if (skipped > 0 && !args.shorthand.run.quiet) {
    std::cerr << "cube: note: " << counted(skipped, "file") << " already in " << args.folder
              << " left as they are (--overwrite makes them anew)\n";
  }
  if (failed.empty()) return kDone;
  std::cerr << "cube: error: " << failed.size() << " of " << counted(files.size(), "file")
            << " failed: " << join(failed, ", ") << '\n';
  return kSomeFailed;
}

int translate(const TranslateArguments& args, const Program& program) {
  const bool several = !args.folder.empty();
  if (several && !args.shorthand.run.files.empty()) {
    throw Error(ErrorCode::kInvalid, "--to and -o are both given", "--to", "leave one of them out");
  }
  if (several && !args.shorthand.run.report.empty()) {
    throw Error(ErrorCode::kInvalid, "tells of one run, and --to makes one of each file",
                "--report", "give one FILE and -o");
  }
  if (several && !args.shorthand.save.empty()) {
    throw Error(ErrorCode::kInvalid, "stands for one graph a file, with --to", "--save",
                "give one FILE and -o");
  }
  if (several) return translate_all(args, program);
  if (args.files.size() == 1) {
    return args.shorthand.finish(graph_of(args, args.files.front()), translate_places(), program);
  }
  throw Error(ErrorCode::kInvalid, "several files are given", "FILE",
              "--to says which folder they go to; cube warp puts their bands into one file");
}

}  // namespace

void add_translate(CLI::App& app, Program& program) {
  CLI::App* command = app.add_subcommand(
      "translate", "Raster files as COG, tiled GeoTIFF, netCDF, Zarr, ..., cells as they are");
  const auto args = std::make_shared<TranslateArguments>();
  command->add_option("FILE", args->files, "Rasters, anything that GDAL opens")
      ->type_name("...")
      ->required();
  command
      ->add_option(
          "--to", args->folder,
          "Folder for the results of several files, which keep their names; those that are "
          "there already are left unless --overwrite is given")
      ->type_name("DIR");
  command->add_option("--bands", args->bands, "Numbers of the bands to keep, from 1, in this order")
      ->type_name("N[,N]...")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--dtype", args->dtype,
                   "Type of the result; default: the file's. Integers round to nearest and clamp")
      ->type_name("TYPE");
  command
      ->add_option("--nodata", args->nodata,
                   "What missing cells of integers hold; marks the cells that hold it as missing "
                   "where the file has no nodata value")
      ->type_name("VALUE");
  command->add_flag("--unpack", args->unpack, "Apply the scale and offset that the file states");
  command->add_option("--overview", args->overview, "Take this overview instead, 0 is the finest")
      ->type_name("N");
  args->shorthand.add_to(*command);
  command->footer(
      "Kept: cells, CRS and grid, nodata, scale, offset and unit, names of bands, the time of "
      "acquisition,\nnames and colours of classes (a colour table where the file has one band of 8 "
      "or 16 bits).\nNot kept: what bands mean as colours, other metadata, control points (cube "
      "warp),\noverviews (a COG gets its own). Floating-point bands mark missing "
      "cells "
      "by NaN, whatever the file does.\nWhat a mask or alpha band hides becomes missing; a band "
      "without a nodata value gets a wider type for it,\nunless --nodata says what to put "
      "there.\n\n"
      "Examples:\n"
      "  cube translate striped.tif --format COG -o tiled.tif\n"
      "  cube translate --to cogs --format COG --co COMPRESS=ZSTD 'archive/*.jp2'\n"
      "  cube translate scene.tif --bands 4,3,2 --overview 1 -o small.nc");
  command->callback([args, &program] { program.status = translate(*args, program); });
}

}  // namespace cube
