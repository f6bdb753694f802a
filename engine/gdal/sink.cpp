#include "engine/sink.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>

#include "engine/gdal/output_file.h"
#include "engine/gdal/output_sink.h"
#include "engine/gdal/part_sink.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

struct OutputFormat {
  const char* name;
  const char* help;
  const char* extension;
  bool folder;        // the output is a folder
  bool many_in_file;  // several slices of several bands fit into one file
  bool handle;        // a file is held open while it is written
  bool table;         // rows instead of a grid, which features need
  std::string (*options)();
  std::unique_ptr<FileWriter> (*make)(const FilePart&, const OutputOptions&);
  std::unique_ptr<FileWriter> (*append)(const FilePart&) = nullptr;
};

// Of formats with the same extension the first is what the name suggests.
constexpr std::array kFormats = {
    OutputFormat{"GTiff", "GeoTIFF: tiles, DEFLATE; {t} or {band} in the name for several files",
                 ".tif", false, false, true, false, geotiff_options, make_geotiff_writer},
    OutputFormat{"COG", "Cloud Optimized GeoTIFF: the same with overviews", ".tif", false, false,
                 true, false, cog_options, make_cog_writer},
    OutputFormat{"netCDF", "CF netCDF-4: all bands and slices in one file", ".nc", false, true,
                 true, false, netcdf_options, make_netcdf_writer},
    OutputFormat{"Zarr", "Zarr v2 folder: one file a chunk, written in parallel", ".zarr", true,
                 true, false, false, zarr_options, make_zarr_writer, make_zarr_appender},
    OutputFormat{"PNG", "quick look: one band in a colour ramp, or three as red, green, blue",
                 ".png", false, true, false, false, png_options, make_png_writer},
    OutputFormat{"GIF", "the same of all slices, one after the other", ".gif", false, true, false,
                 false, gif_options, make_gif_writer},
    OutputFormat{"WebP", "the same in all colours and smaller", ".webp", false, true, false, false,
                 webp_options, make_webp_writer},
    OutputFormat{"CSV", "table: a line a feature (or cell) and time", ".csv", false, true, false,
                 true, table_options, make_csv_writer},
    OutputFormat{"SVG", "table as a chart: a line a feature (or cell) over time, a panel a band",
                 ".svg", false, true, false, true, svg_options, make_svg_writer},
    OutputFormat{"GPKG", "table as a GeoPackage, with geometries", ".gpkg", false, true, false,
                 true, table_options, make_gpkg_writer},
    OutputFormat{"GeoJSON", "table as GeoJSON, in longitude and latitude; also .json", ".geojson",
                 false, true, false, true, table_options, make_geojson_writer},
};

const OutputFormat& find_format(const OutputSpec& spec) {
  std::vector<std::string> names;
  names.reserve(kFormats.size());
  for (const OutputFormat& format : kFormats) names.emplace_back(format.name);
  if (!spec.format.empty()) {
    if (const auto index = find_name(names, spec.format)) return kFormats[*index];
    throw Error(ErrorCode::kInvalid, "there is no output format '" + spec.format + "'", spec.file,
                suggest(names, spec.format));
  }
  if (const auto name = format_of_name(spec.file)) return kFormats[*find_name(names, *name)];
  throw Error(
      ErrorCode::kInvalid, "the name does not say which format to write", spec.file,
      "end it in .tif, .nc, .zarr, .png, .gif, .webp, .csv, .svg, .gpkg or .geojson, or give the "
      "format: " +
          join(names));
}

// Time labels and band names as parts of a file name: "2018-03-05T10:00:00" -> "2018-03-05T100000".
std::string name_part(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::strchr("._+-", c) != nullptr || static_cast<unsigned char>(c) >= 0x80;
    if (c != ':') out += plain ? c : '_';
  }
  return out;
}

// Puts values for {t} and {band}; throws for any other placeholder.
std::string expand(const std::string& name, const std::string& time, const std::string& band) {
  static const std::vector<std::string> kKnown = {"t", "band"};
  std::string out;
  std::size_t end = 0;
  while (true) {
    const std::size_t open = name.find('{', end);
    out += name.substr(end, open - end);
    if (open == std::string::npos) return out;
    end = name.find('}', open);
    const std::string key = name.substr(open + 1, end == std::string::npos ? end : end - open - 1);
    if (end == std::string::npos || (key != "t" && key != "band")) {
      throw Error(ErrorCode::kInvalid, "the name holds an unknown placeholder '{" + key + "}'",
                  name, "{t} for the time, {band} for the band");
    }
    out += key == "t" ? time : band;
    ++end;
  }
}

// Which files there will be.
std::vector<FilePart> lay_out(const OutputSpec& spec, const CubeInfo& info,
                              const OutputFormat& format) {
  const bool by_time = spec.file.find("{t}") != std::string::npos;
  const bool by_band = spec.file.find("{band}") != std::string::npos;
  const std::int64_t slices = info.time.size();
  const std::size_t bands = info.bands.size();
  if (!format.many_in_file && !by_time && !by_band && slices > 1 && bands > 1) {
    throw Error(ErrorCode::kInvalid,
                counted(slices, "slice") + " of " + counted(bands, "band") +
                    " do not fit into one " + format.name + " file",
                spec.file, "put {t} or {band} into the name");
  }
  std::vector<FilePart> parts;
  const std::int64_t time_step = by_time ? 1 : slices;
  const std::size_t band_step = by_band ? 1 : bands;
  for (std::int64_t t = 0; t < slices; t += time_step) {
    for (std::size_t b = 0; b < bands; b += band_step) {
      FilePart part;
      part.file = expand(spec.file, by_time ? name_part(info.time.label(t)) : "",
                         by_band ? name_part(info.bands[b].name) : "");
      part.slices = {t, t + time_step};
      part.info = {info.grid, info.time.window(part.slices), {}};
      for (std::size_t i = b; i < b + band_step; ++i) {
        part.bands.push_back(i);
        part.info.bands.push_back(info.bands[i]);
      }
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

void check_place(const std::string& file, const OutputFormat& format, bool overwrite) {
  std::error_code error;
  fs::path folder = fs::path(file).parent_path();
  if (folder.empty()) folder = ".";
  if (!fs::is_directory(folder, error)) {
    throw Error(ErrorCode::kUnwritable, "the folder " + folder.string() + " does not exist", file);
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw Error(ErrorCode::kUnwritable,
                "the folder " + folder.string() + " cannot be written to: " + std::strerror(errno),
                file);
  }
  const bool is_folder = fs::is_directory(file, error);
  if (is_folder && !(format.folder && (fs::exists(fs::path(file) / ".zgroup", error) ||
                                       fs::is_empty(file, error)))) {
    throw Error(ErrorCode::kUnwritable, "is a folder that holds something else", file);
  }
  if (!is_folder && !fs::exists(fs::symlink_status(file, error))) return;
  if (!overwrite) {
    throw Error(ErrorCode::kUnwritable, "exists already", file, "--overwrite replaces it");
  }
}

// True for an output that slices are put behind; one that is not there yet is made.
bool is_lengthened(const OutputSpec& spec, const std::string& file, const OutputFormat& format) {
  std::error_code error;
  return spec.append && format.append && fs::exists(fs::path(file) / ".zgroup", error);
}

void check_append(const OutputSpec& spec, const OutputFormat& format) {
  if (!spec.append) return;
  if (spec.overwrite) {
    throw Error(ErrorCode::kInvalid, "both append and overwrite are asked for", spec.file);
  }
  if (!format.append) {
    throw Error(ErrorCode::kInvalid,
                std::string("slices cannot be appended to ") + format.name + " outputs", spec.file,
                "a Zarr can be appended to; {t} in the name makes a file a slice");
  }
}

void check_distinct(const std::vector<FilePart>& parts) {
  std::set<std::string> names;
  for (const FilePart& part : parts) {
    if (names.insert(part.file).second) continue;
    throw Error(ErrorCode::kInvalid, "two slices or bands would be written to this file",
                part.file);
  }
}

}  // namespace

namespace {

// An output whose name, options and place are checked.
struct CheckedSpec {
  OutputSpec spec;
  SinkFormat format;
  std::vector<FilePart> files;
};

CheckedSpec checked(const OutputSpec& asked, const CubeInfo& info) {
  register_gdal();
  OutputSpec spec = asked;
  while (spec.file.size() > 1 && spec.file.back() == '/') spec.file.pop_back();  // "out.zarr/"
  if (spec.file.empty()) throw Error(ErrorCode::kInvalid, "an output has no file name");
  const OutputFormat& format = find_format(spec);
  check_append(spec, format);
  const OutputOptions options = check_options(spec.options, format.options(), spec.file);
  expand(spec.file, "", "");
  if (info.extent().empty() || info.bands.empty()) {
    throw Error(ErrorCode::kInvalid, "the cube has no cells to write", spec.file);
  }
  if (info.grid.features && !format.table) {
    throw Error(ErrorCode::kInvalid,
                std::string("the rows of the cube are features, which ") + format.name +
                    " has no place for",
                spec.file, ".csv, .gpkg or .geojson");
  }
  std::vector<FilePart> parts = lay_out(spec, info, format);
  check_distinct(parts);
  for (const FilePart& part : parts) {
    // What a run that goes on has put in place already is told apart by the sink.
    check_place(part.file, format,
                spec.overwrite || spec.resume || is_lengthened(spec, part.file, format));
  }
  const auto make = [spec, &format, options](const FilePart& part) {
    return is_lengthened(spec, part.file, format) ? format.append(part)
                                                  : format.make(part, options);
  };
  return {spec, {format.name, format.folder, format.handle, make}, std::move(parts)};
}

}  // namespace

std::unique_ptr<Sink> make_sink(const OutputSpec& asked, const CubeInfo& info) {
  CheckedSpec out = checked(asked, info);
  const auto make = asked.part ? make_part_sink : make_output_sink;
  return make(out.spec, info, std::move(out.format), std::move(out.files));
}

std::unique_ptr<FinishedParts> make_finished_parts(const PartsPlan& parts, const CubeInfo& info) {
  OutputSpec spec = parts.output;
  spec.resume = true;  // one that was killed may have put some in place
  CheckedSpec out = checked(spec, info);
  return make_parts_finisher(parts, out.spec, info, std::move(out.format), std::move(out.files));
}

void check_format(const OutputSpec& spec) { find_format(spec); }

std::optional<std::string> format_of_name(const std::string& file) {
  const std::string name = lower(file);
  if (name.ends_with(".tiff")) return "GTiff";
  if (name.ends_with(".json")) return "GeoJSON";
  for (const OutputFormat& format : kFormats) {
    if (name.ends_with(format.extension)) return format.name;
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> output_formats() {
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(kFormats.size());
  for (const OutputFormat& format : kFormats) out.emplace_back(format.name, format.help);
  return out;
}

}  // namespace cube
