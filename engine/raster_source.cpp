#include "engine/raster_source.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/beside.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/raster_files.h"
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
  const RasterInfo::Level& overview = file.info.overview_levels[static_cast<std::size_t>(level)];
  file.grid.dx *= static_cast<double>(file.grid.width) / static_cast<double>(overview.width);
  file.grid.dy *= static_cast<double>(file.grid.height) / static_cast<double>(overview.height);
  file.grid.width = overview.width;
  file.grid.height = overview.height;
  file.blocks = {1, overview.block_height, overview.block_width};
}

constexpr const char* kResample = "\"like\": a raster to resample it to";

// The grid of the cube: that of `like`, else of the first file.
Grid common_grid(const RasterParams& params, const std::vector<RasterFile>& files) {
  if (params.like) return make_grid(SpaceView{.like = params.like}, "");
  need_north_up(files.front(), kResample);
  return files.front().grid;
}

void check_grids(const RasterParams& params, const std::vector<RasterFile>& files,
                 const Grid& grid) {
  if (params.align.value_or(params.like ? "exact" : "error") != "error") return;
  const std::string& first = params.like ? *params.like : files.front().name;
  for (const RasterFile& file : files) {
    need_north_up(file, kResample);
    const std::string difference = grid_difference(grid, file.grid);
    if (difference.empty()) continue;
    throw Error(ErrorCode::kInvalid, first + " and " + file.name + " differ in " + difference,
                file.where,
                params.like ? "\"align\": \"exact\" resamples"
                            : "\"align\": \"exact\" resamples to the first file's grid, "
                              "\"like\" to that of another raster");
  }
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

// How cells of a band are stored: as in the file, unless there can be gaps that it has no value
// for.
void set_storage(BandInfo& band, const RasterFile& file, bool masked, const Grid& grid) {
  if (band.nodata && !can_hold(band.dtype, *band.nodata)) band.nodata.reset();
  if (is_float(band.dtype) || masked) {
    band = with_gaps(std::move(band), "a mask hides cells");
  } else if (!covers(file, grid)) {
    band = with_gaps(std::move(band), "the grid goes beyond " + file.name);
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
    set_storage(band, file, extras.masked, stack.info.grid);
    RasterStack::Cells cells{
        .source = {.descriptor = file.name, .band = static_cast<int>(number), .crs = file.info.crs},
        .resampling = own_grid ? Resampling::kNearest : method};
    if (params.overview_level) cells.source.overview = static_cast<int>(*params.overview_level);
    if (params.unpack) cells.packing = take_packing(band);
    stack.info.bands.push_back(std::move(band));
    stack.cells.emplace_back(std::move(cells));
  }
  if (own_grid) add_blocks(stack, file);
}

// Says where a file has no cell in the cube.
void note_beside(RasterStack& stack, const RasterFile& file) {
  const Grid& grid = stack.info.grid;
  if (lies_on(file, grid) || grid.crs.empty() || file.info.crs.empty()) return;
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
      {file.where, file.name + " lies outside of the cube, so its bands are missing: " +
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
  v.field({.name = "align",
           .help = "What becomes of files on another grid than that of like, or of the first file: "
                   "exact resamples them to lie on it exactly, error is an error that names the "
                   "first difference. Default: exact with like, else error.",
           .choices = {"exact", "error"}},
          align);
  v.field({.name = "resampling", .help = kResamplingHelp}, resampling);
  v.field({.name = "datetime",
           .help = "Time of the one slice. Default: ACQUISITIONDATETIME or TIFFTAG_DATETIME of the "
                   "first file that has one, else 1970-01-01."},
          datetime);
  v.field({.name = "unpack", .help = kUnpackHelp}, unpack);
}

RasterStack make_raster_source(const RasterParams& params) {
  const Resampling method = parse_resampling(params.resampling, "/resampling");
  std::vector<RasterFile> files = open_files(params);
  if (params.overview_level) {
    for (RasterFile& file : files) take_overview(file, *params.overview_level);
  }
  RasterStack stack;
  stack.info.grid = common_grid(params, files);
  check_grids(params, files, stack.info.grid);
  stack.info.time = TimeAxis::labelled({time_of(params, files)});
  for (std::size_t i = 0; i < files.size(); ++i) add_bands(stack, params, files[i], i + 1, method);
  set_names(stack.info.bands, params.bands);
  for (const RasterFile& file : files) note_beside(stack, file);
  return stack;
}

}  // namespace cube
