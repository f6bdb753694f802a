#include "engine/raster_source.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/beside.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/network.h"
#include "engine/gdal/placing.h"
#include "engine/gdal/watched_file.h"
#include "engine/raster_files.h"
#include "engine/raster_grid.h"
#include "engine/text.h"
#include "engine/view.h"

namespace cube {

namespace {

std::vector<RasterFile> open_files(const RasterParams& params) {
  if (params.file && !params.files.empty()) {
    throw Error(ErrorCode::kInvalid, "'file' and 'files' are both given", "/file",
                "leave one of them out");
  }
  std::vector<RasterFile> files;
  if (params.file) files.push_back(open_raster_file(*params.file, "/file"));
  for (const NamedFile& file : named_files(params.files, "/files")) {
    files.push_back(open_raster_file(file.name, file.where));
  }
  if (files.empty()) throw Error(ErrorCode::kInvalid, "no file is given", "", "file, or files");
  return files;
}

// The grid of an overview covers what the image covers: its cells are as large as its size says.
void take_overview(RasterFile& file, std::int64_t level) {
  const auto count = static_cast<std::int64_t>(file.info.overview_levels.size());
  if (level < 0 || level >= count) {
    throw Error(ErrorCode::kInvalid, file.name + " has no overview " + std::to_string(level),
                "/overview_level",
                count == 0 ? "it has none" : range_text(0, count - 1) + ", 0 the finest");
  }
  RasterInfo::Level overview = file.info.overview_levels[static_cast<std::size_t>(level)];
  if (file.info.along_y) std::swap(overview.width, overview.height);
  file.grid.dx *= static_cast<double>(file.grid.width) / static_cast<double>(overview.width);
  file.grid.dy *= static_cast<double>(file.grid.height) / static_cast<double>(overview.height);
  file.grid.width = overview.width;
  file.grid.height = overview.height;
  file.blocks.shape = {1, overview.block_height, overview.block_width};
}

// The options of GDAL's transformer that the arguments stand for.
std::vector<std::string> options_of_points(const RasterParams& params) {
  if (!params.gcp) return {};
  if (*params.gcp == "tps") return {"METHOD=GCP_TPS"};
  return {"METHOD=GCP_POLYNOMIAL", "MAX_GCP_ORDER=" + params.gcp->substr(params.gcp->size() - 1)};
}

std::vector<std::string> options_of_rpcs(const RasterParams& params) {
  std::vector<std::string> options;
  if (params.dem || params.height) options.emplace_back("METHOD=RPC");
  if (params.dem) options.push_back("RPC_DEM=" + watched_raster(network_name(*params.dem)));
  if (params.height) options.push_back("RPC_HEIGHT=" + number_text(*params.height));
  return options;
}

void check_placing(const RasterParams& params) {
  if (params.dem) {
    try {
      describe_raster(*params.dem, {}, RasterDetail::kStorage);
    } catch (const Error& error) {
      throw Error(error.code(), *params.dem + ": " + error.message(), "/dem", error.hint());
    }
  }
  if (params.height && !std::isfinite(*params.height)) {
    throw Error(ErrorCode::kInvalid, "a height is a finite number", "/height");
  }
}

// Files that points or RPCs place, if the user says how, whatever else they state.
void place_files(const RasterParams& params, std::vector<RasterFile>& files) {
  if (!params.gcp && !params.dem && !params.height) return;
  check_placing(params);
  bool points = false;
  bool rpcs = false;
  for (RasterFile& file : files) {
    const PlacedBy by = placed_by(file.name);
    points = points || by.points;
    rpcs = rpcs || by.rpcs;
    if (by.points) file.placing = options_of_points(params);
    if (by.rpcs && file.placing.empty()) file.placing = options_of_rpcs(params);
    if (file.placing.empty()) continue;
    file.info.on_grid = false;
    file.info.has_location = true;
    if (file.placing.front() == "METHOD=RPC") file.info.crs.clear();
  }
  const auto check = [](bool any, bool wanted, const char* where, const char* what) {
    if (any || !wanted) return;
    throw Error(ErrorCode::kInvalid, std::string("no file has ") + what, where, "leave it out");
  };
  check(points, params.gcp.has_value(), "/gcp", "ground control points");
  check(rpcs, params.dem.has_value(), "/dem", "RPCs");
  check(rpcs, params.height.has_value(), "/height", "RPCs");
}

std::optional<int> overview_of(const RasterParams& params) {
  if (!params.overview_level) return std::nullopt;
  return static_cast<int>(*params.overview_level);
}

bool is_resampled(const RasterParams& params) { return params.like || params.view; }

constexpr const char* kResample = "\"like\" or \"view\": a grid to resample it to";

// The grid of the cube: that of `like` or `view`, else of the first file.
Grid common_grid(const RasterParams& params, const std::vector<RasterFile>& files) {
  if (params.like && params.view) {
    throw Error(ErrorCode::kInvalid, "'view' and 'like' are both given", "/like",
                "leave one of them out");
  }
  if (params.like) return make_grid(SpaceView{.like = params.like}, "");
  if (params.view) {
    return raster_grid(params.view->space, files.front(), overview_of(params), "/view/space");
  }
  need_grid(files.front(), kResample);
  return files.front().grid;
}

void check_grids(const RasterParams& params, const std::vector<RasterFile>& files,
                 const Grid& grid) {
  if (params.align.value_or(is_resampled(params) ? "exact" : "error") != "error") return;
  const std::string& first = params.like   ? *params.like
                             : params.view ? "the view"
                                           : files.front().name;
  for (const RasterFile& file : files) {
    need_grid(file, kResample);
    const std::string difference = grid_difference(grid, file.grid);
    if (difference.empty()) continue;
    throw Error(ErrorCode::kInvalid, first + " and " + file.name + " differ in " + difference,
                file.where,
                is_resampled(params) ? "\"align\": \"exact\" resamples"
                                     : "\"align\": \"exact\" resamples to the first file's grid, "
                                       "\"like\" to that of another raster");
  }
}

// A file that is resampled lies somewhere, in a CRS from which there is a way to the grid's.
void check_location(const RasterFile& file, const Grid& grid) {
  const bool placed = file.info.on_grid || file.info.has_location;
  const bool both = !file.info.on_grid || file.info.crs.empty() == grid.crs.empty();
  if (placed && both) return;
  const std::string reason = !placed                 ? why_nowhere(file)
                             : file.info.crs.empty() ? "it has no CRS"
                                                     : "the grid has no CRS";
  throw Error(ErrorCode::kInvalid, file.name + " cannot be brought to the grid: " + reason,
              file.where);
}

// Numbers of the bands to take of a file, from 1.
std::vector<std::int64_t> band_numbers(const RasterParams& params, const RasterFile& file) {
  const auto count = static_cast<std::int64_t>(file.info.bands.size());
  std::vector<std::int64_t> numbers = params.band;
  for (std::int64_t i = 1; params.band.empty() && i <= count; ++i) numbers.push_back(i);
  for (const std::int64_t number : numbers) {
    if (number >= 1 && number <= count) continue;
    throw Error(ErrorCode::kInvalid, file.name + " has no band " + std::to_string(number), "/band",
                range_text(1, count));
  }
  return numbers;
}

std::optional<double> fill_of(const RasterParams& params) {
  if (!params.fill || std::isnan(*params.fill)) return std::nullopt;
  return params.fill;
}

// Why cells can be missing that the band may have no value for; "" where none can.
std::string reason_of_gaps(const RasterParams& params, const RasterFile& file, bool masked,
                           const Grid& grid) {
  if (masked) return "a mask hides cells";
  return fill_of(params) || covers(file, grid) ? "" : "the grid goes beyond " + file.name;
}

DType wanted_type(const RasterParams& params, const BandInfo& band) {
  return params.dtype ? parse_dtype(*params.dtype).value() : band.dtype;
}

// How cells of a band are stored: as in the file, unless there can be gaps that it has no value
// for, or as the user wants them.
void set_storage(BandInfo& band, const RasterParams& params, const std::string& gaps) {
  if (band.nodata && !can_hold(band.dtype, *band.nodata)) band.nodata.reset();
  if (const DType type = wanted_type(params, band); params.nodata && !is_float(type)) {
    band.dtype = type;
    band.nodata = *params.nodata;
    check_holds(band, *params.nodata, "/nodata");
    return;
  }
  if (!params.dtype) {
    if (is_float(band.dtype) || !gaps.empty()) band = with_gaps(std::move(band), gaps);
    return;
  }
  const bool has_gaps = band.nodata || !gaps.empty();
  band.dtype = wanted_type(params, band);
  if (band.nodata && !can_hold(band.dtype, *band.nodata)) band.nodata.reset();
  if (is_float(band.dtype)) {
    band = with_gaps(std::move(band), "");
  } else if (has_gaps && !band.nodata) {
    throw Error(ErrorCode::kInvalid,
                "cells of band '" + band.name + "' can be missing, for which " + *params.dtype +
                    " has no value",
                "/dtype", "give a nodata value, or another type");
  }
}

void add_bands(RasterStack& stack, const RasterParams& params, const RasterFile& file,
               std::size_t file_number, Resampling method) {
  const bool own_grid = lies_on(file, stack.info.grid);
  for (const std::int64_t number : band_numbers(params, file)) {
    const auto index = static_cast<std::size_t>(number - 1);
    const RasterInfo::BandExtras& extras = file.info.extras[index];
    BandInfo band = file.info.bands[index];
    band.alias = "im" + std::to_string(file_number) + "b" + std::to_string(number);
    if (!extras.named) band.name = band.alias;
    set_storage(band, params, reason_of_gaps(params, file, extras.masked, stack.info.grid));
    const bool kept = own_grid || picks(method);
    band.classes = kept ? held_by(std::move(band.classes), band.dtype) : BandClasses();
    RasterStack::Cells cells{.source = {.descriptor = file.name,
                                        .band = static_cast<int>(number),
                                        .overview = overview_of(params),
                                        .crs = file.info.crs,
                                        .placing = file.placing},
                             .resampling = own_grid ? Resampling::kNearest : method,
                             .fill = fill_of(params)};
    if (!extras.has_nodata) cells.source.nodata = params.nodata;
    if (cells.fill) check_holds(band, *cells.fill, "/fill");
    if (params.unpack) cells.packing = take_packing(band);
    stack.info.bands.push_back(std::move(band));
    stack.cells.emplace_back(std::move(cells));
  }
  if (own_grid) add_blocks(stack, file);
}

// Says where a file has no cell in the cube.
void note_beside(RasterStack& stack, const RasterFile& file) {
  const Grid& grid = stack.info.grid;
  if (lies_on(file, grid) || grid.crs.empty()) return;
  if (!file.info.on_grid || file.info.crs.empty()) return;
  const double turn = once_round(CrsTransform("EPSG:4326", grid.crs));
  for (Box box : transform_box(file.grid.extent(), file.info.crs, grid.crs)) {
    // Longitudes that lie elsewhere by whole turns name the same places.
    if (turn > 0 && box.right < grid.left) {
      const double turns = std::ceil((grid.left - box.right) / turn) * turn;
      box = {box.left + turns, box.bottom, box.right + turns, box.top};
    } else if (turn > 0 && box.left > grid.right()) {
      const double turns = std::ceil((box.left - grid.right()) / turn) * turn;
      box = {box.left - turns, box.bottom, box.right - turns, box.top};
    }
    if (box.intersects(grid.extent())) return;
  }
  stack.notes.push_back(
      {file.where, file.name + " lies outside of the cube, so its bands are " +
                       (stack.cells.front()->fill ? "filled: " : "missing: ") +
                       places_text("it", file.grid.extent(), file.info.crs, grid)});
}

// The names that are asked for, else those of the files where they tell bands apart.
void set_names(std::vector<BandInfo>& bands, const std::vector<std::string>& names) {
  if (names.empty()) {
    std::vector<std::string> own;
    for (const BandInfo& band : bands) own.push_back(band.name);
    for (BandInfo& band : bands) {
      if (std::count(own.begin(), own.end(), band.name) > 1) band.name = band.alias;
    }
  } else if (names.size() != bands.size()) {
    throw Error(ErrorCode::kInvalid,
                counted(names.size(), "name") + " for " + counted(bands.size(), "band"), "/bands",
                "one a band of each file");
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      throw Error(ErrorCode::kInvalid, "a band needs a name", "/bands" + pointer_step(i));
    }
    bands[i].name = names[i];
  }
  check_unique_bands(bands, "/bands");
}

Instant time_of(const RasterParams& params, const std::vector<RasterFile>& files) {
  if (params.datetime) {
    if (const auto span = parse_time(*params.datetime)) return span->start;
    throw Error(ErrorCode::kInvalid, "'" + *params.datetime + "' is no time", "/datetime",
                "such as 2023-06-15 or 2023-06-15T10:50:31");
  }
  for (const RasterFile& file : files) {
    if (file.info.acquired) return *file.info.acquired;
  }
  return Instant{};
}

}  // namespace

// NOLINTNEXTLINE(readability-function-size): a list
void RasterParams::fields(FieldVisitor& v) {
  v.field({.name = "file", .help = "The raster, anything that GDAL opens.", .path = true}, file);
  v.field({.name = "files",
           .help = "Several rasters, whose bands stand side by side; \"*\", \"?\" and \"**\" in a "
                   "name stand for files in ascending order of their names.",
           .path = true},
          files);
  v.field({.name = "bands",
           .help = "Names of the cube's bands, one a band of each file. Default: as the files name "
                   "them; a band without a name, or whose name another one has too, is called by "
                   "the numbers of its file and band: im1b1, im1b2, im2b1."},
          bands);
  v.field({.name = "band",
           .help = "Numbers of the bands to take of each file, from 1; default: all.",
           .one_or_many = true},
          band);
  v.field({.name = "overview_level",
           .help = "Read this overview instead of full resolution, 0 is the finest; the cube's "
                   "grid is then the overview's."},
          overview_level);
  v.field({.name = "like", .help = "Take the grid of this raster.", .path = true}, like);
  v.field(
      {.name = "view",
       .help = "Or this grid. srs left out is the first file's CRS; left, right, bottom and top, "
               "or dx and dy, or all of them left out are what gdalwarp would choose for the "
               "first file."},
      view);
  v.field({.name = "align",
           .help = "What becomes of files on another grid than like, view or the first file have: "
                   "exact resamples them to lie on it exactly, error is an error that names the "
                   "first difference. Default: exact with like or view, else error.",
           .choices = {"exact", "error"}},
          align);
  v.field({.name = "resampling", .help = kResamplingHelp}, resampling);
  v.field({.name = "fill",
           .help = "What stands in cells whose centre lies outside of a file; default: they are "
                   "missing."},
          fill);
  v.field({.name = "dtype",
           .help = "Type of the bands; default: each file's own. Integers are rounded to nearest, "
                   "ties to even, and clamped.",
           .choices = {dtype_names().begin(), dtype_names().end()}},
          dtype);
  v.field(
      {.name = "nodata",
       .help = "What missing cells hold where bands are of integers, a number that no other cell "
               "has; in files without a nodata value cells that hold it are missing. Default: "
               "the file's own. Floating-point bands have NaN."},
      nodata);
  v.field({.name = "gcp",
           .help = "How ground control points place files that have them: by polynomials of this "
                   "order, or by thin plate splines (tps). Default: polynomials of the highest "
                   "order that the number of points allows, but not more than 2.",
           .choices = {"order1", "order2", "order3", "tps"}},
          gcp);
  v.field({.name = "dem",
           .help = "A raster of heights above the ellipsoid, in metres, for files that RPCs place; "
                   "cells beyond it are missing.",
           .path = true},
          dem);
  v.field(
      {.name = "height",
       .help = "Height of the ground for RPCs, in metres, or what to add to dem. Default: 0. "
               "With dem or height a file with RPCs is placed by them, whatever else it states."},
      height);
  v.field({.name = "datetime",
           .help = "Time of the one slice. Default: ACQUISITIONDATETIME or TIFFTAG_DATETIME of the "
                   "first file that has one, else 1970-01-01."},
          datetime);
  chunk_size_field(v, chunk_size);
  v.field({.name = "unpack", .help = kUnpackHelp}, unpack);
}

RasterStack make_raster_source(const RasterParams& params) {
  const Resampling method = parse_resampling(params.resampling, "/resampling");
  std::vector<RasterFile> files = open_files(params);
  if (params.overview_level) {
    for (RasterFile& file : files) take_overview(file, *params.overview_level);
  }
  if (fill_of(params) && params.unpack) {
    throw Error(ErrorCode::kInvalid, "'fill' and 'unpack' are both given", "/fill",
                "leave one of them out");
  }
  place_files(params, files);
  RasterStack stack;
  stack.chunk = make_chunk_wish(params.chunk_size, "/chunk_size");
  stack.info.grid = common_grid(params, files);
  check_grids(params, files, stack.info.grid);
  for (const RasterFile& file : files) check_location(file, stack.info.grid);
  stack.info.time = TimeAxis::labelled({time_of(params, files)});
  for (std::size_t i = 0; i < files.size(); ++i) add_bands(stack, params, files[i], i + 1, method);
  set_names(stack.info.bands, params.bands);
  for (const RasterFile& file : files) note_beside(stack, file);
  return stack;
}

}  // namespace cube
