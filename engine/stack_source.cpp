#include "engine/stack_source.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "engine/error.h"
#include "engine/file_times.h"
#include "engine/gdal/crs.h"
#include "engine/text.h"

namespace cube {

namespace {

// A file of the stack. One that cannot be opened and may be left out is not described.
struct StackFile {
  NamedFile named;
  Instant time;
  std::optional<RasterFile> raster;
  std::string unreadable;  // why there is none
};

// The source bands that make one band of the cube.
struct Member {
  std::size_t file = 0;
  std::size_t number = 1;  // of the band in the file
};
struct Band {
  std::string name;
  std::vector<Member> members;
};

void check_count(std::size_t count, std::size_t files, const std::string& what,
                 const std::string& where, const std::string& hint = {}) {
  if (count == 0 || count == files) return;
  throw Error(ErrorCode::kInvalid, counted(count, what) + " for " + counted(files, "file"), where,
              hint);
}

// Opens a file and finds out its time.
StackFile open_file(const StackParams& params, std::optional<Instant> time, NamedFile named) {
  StackFile file{.named = std::move(named), .time = {}, .raster = {}, .unreadable = {}};
  try {
    file.raster = open_raster_file(file.named.name, file.named.where);
  } catch (const Error& error) {
    if (params.strict || !time) throw;
    file.unreadable = error.what();
  }
  if (!time) time = file.raster->info.acquired;
  if (!time) {
    throw Error(ErrorCode::kInvalid, file.named.name + " does not say its time", file.named.where,
                "datetime, one a file, or datetime_pattern and datetime_format");
  }
  file.time = *time;
  return file;
}

std::vector<StackFile> open_files(const StackParams& params) {
  if (params.files.empty()) throw Error(ErrorCode::kInvalid, "no file is given", "/files");
  std::vector<NamedFile> names = named_files(params.files, "/files");
  check_count(params.datetime.size(), names.size(), "time", "/datetime", "one a file");
  check_count(params.bands.size(), names.size(), "band", "/bands",
              "one a file; band_names names the bands of files that hold several");
  const FileTimes times(params.datetime, params.datetime_pattern, params.datetime_format);
  std::vector<StackFile> files;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto time = times.time_of(i, names[i]);
    files.push_back(open_file(params, time, std::move(names[i])));
  }
  return files;
}

const RasterFile& first_readable(const std::vector<StackFile>& files) {
  for (const StackFile& file : files) {
    if (file.raster) return *file.raster;
  }
  throw Error(ErrorCode::kUnreadable, "none of the files can be read: " + files.front().unreadable,
              "/files");
}

// One band a file, named by `bands`, in the order in which the names come first.
std::vector<Band> bands_of_files(const StackParams& params, const std::vector<StackFile>& files) {
  if (!params.band_names.empty()) {
    throw Error(ErrorCode::kInvalid, "'bands' and 'band_names' are both given", "/band_names",
                "bands says which band each file holds, band_names how all files' bands are named");
  }
  std::vector<Band> bands;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string& name = params.bands[i];
    if (files[i].raster && files[i].raster->info.bands.size() > 1) {
      throw Error(ErrorCode::kInvalid,
                  files[i].named.name + " has " +
                      counted(files[i].raster->info.bands.size(), "band") +
                      ", where 'bands' says it is one",
                  files[i].named.where, "band_names names the bands of files that hold several");
    }
    auto band = std::find_if(bands.begin(), bands.end(),
                             [&](const Band& known) { return known.name == name; });
    if (band == bands.end()) band = bands.insert(bands.end(), Band{name, {}});
    band->members.push_back({i, 1});
  }
  return bands;
}

// What a file calls a band, where that tells it from the others.
std::string own_name(const RasterInfo& info, std::size_t band) {
  const std::string& name = info.bands[band].name;
  const auto alike = std::ranges::count(info.bands, name, &BandInfo::name);
  return info.extras[band].named && alike == 1 ? name : "x" + std::to_string(band + 1);
}

// All files have the same bands.
std::vector<Band> bands_of_each(const StackParams& params, const std::vector<StackFile>& files) {
  const RasterFile& first = first_readable(files);
  const std::size_t count = first.info.bands.size();
  if (!params.band_names.empty() && params.band_names.size() != count) {
    throw Error(ErrorCode::kInvalid,
                counted(params.band_names.size(), "name") + " for the " + counted(count, "band") +
                    " of " + first.name,
                "/band_names");
  }
  std::vector<Band> bands;
  for (std::size_t b = 0; b < count; ++b) {
    Band band;
    band.name = params.band_names.empty() ? own_name(first.info, b) : params.band_names[b];
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i].raster && files[i].raster->info.bands.size() != count) {
        throw Error(ErrorCode::kInvalid,
                    first.name + " and " + files[i].named.name +
                        " differ in their number of bands: " + std::to_string(count) + " and " +
                        std::to_string(files[i].raster->info.bands.size()),
                    files[i].named.where);
      }
      band.members.push_back({i, b + 1});
    }
    bands.push_back(std::move(band));
  }
  return bands;
}

void check_names(const std::vector<Band>& bands, const std::string& where) {
  std::vector<BandInfo> named;
  for (std::size_t b = 0; b < bands.size(); ++b) {
    if (bands[b].name.empty()) {
      throw Error(ErrorCode::kInvalid, "a band needs a name", where + pointer_step(b));
    }
    named.push_back(BandInfo{.name = bands[b].name});
  }
  check_unique_bands(named, where);
}

// "" where two grids cover the same ground, whatever their cells.
std::string extent_difference(const Grid& a, const Grid& b) {
  constexpr double kTolerance = 1e-3;  // cells
  if (!same_crs(a.crs, b.crs)) return grid_difference(a, b);
  const double x = kTolerance * std::min(a.dx, b.dx);
  const double y = kTolerance * std::min(a.dy, b.dy);
  const auto near = [](double p, double q, double tolerance) {
    return std::abs(p - q) <= tolerance;
  };
  if (near(a.left, b.left, x) && near(a.right(), b.right(), x) && near(a.top, b.top, y) &&
      near(a.bottom(), b.bottom(), y)) {
    return {};
  }
  const auto edges = [](const Grid& g) {
    return number_text(g.left) + ", " + number_text(g.bottom()) + ", " + number_text(g.right()) +
           ", " + number_text(g.top);
  };
  return "their extent (left, bottom, right, top): " + edges(a) + " and " + edges(b);
}

void differ(const RasterFile& first, const RasterFile& file, const std::string& difference) {
  if (difference.empty()) return;
  throw Error(ErrorCode::kInvalid, first.name + " and " + file.name + " differ in " + difference,
              file.where, "an image collection resamples images to one grid");
}

// Files of one band lie on one grid, those of others on one that covers the same.
void check_grids(const std::vector<Band>& bands, const std::vector<StackFile>& files) {
  const RasterFile& first = first_readable(files);
  for (const Band& band : bands) {
    const RasterFile* first_of_band = nullptr;
    for (const Member& member : band.members) {
      if (!files[member.file].raster) continue;
      const RasterFile& file = *files[member.file].raster;
      need_grid(file, "an image collection resamples such images");
      if (!first_of_band) {
        first_of_band = &file;
        differ(first, file, extent_difference(first.grid, file.grid));
      }
      differ(*first_of_band, file, grid_difference(first_of_band->grid, file.grid));
    }
  }
}

// The finest grid of all files, or one of cells of the size that is asked for.
Grid common_grid(const StackParams& params, const std::vector<StackFile>& files) {
  const auto wanted = [](const std::optional<double>& size, const char* where) {
    if (size && !std::isfinite(*size)) {
      throw Error(ErrorCode::kInvalid, "a cell has a finite size", where);
    }
    return size && *size > 0 ? size : std::nullopt;  // gdalcubes writes -1 for none
  };
  const auto dx = wanted(params.dx, "/dx");
  const auto dy = wanted(params.dy, "/dy");
  Grid finest = first_readable(files).grid;
  for (const StackFile& file : files) {
    if (file.raster &&
        file.raster->grid.width * file.raster->grid.height > finest.width * finest.height) {
      finest = file.raster->grid;
    }
  }
  if (!dx && !dy) return finest;
  return make_grid(SpaceView{.left = finest.left,
                             .right = finest.right(),
                             .top = finest.top,
                             .bottom = finest.bottom(),
                             .dx = dx.value_or(finest.dx),
                             .dy = dy.value_or(finest.dy),
                             .srs = finest.crs},
                   "");
}

TimeAxis time_axis(const std::vector<StackFile>& files) {
  std::vector<Instant> times;
  for (const StackFile& file : files) times.push_back(file.time);
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return TimeAxis::labelled(std::move(times));
}

// What the files of a band say about it, as one.
class BandDescription {
 public:
  BandDescription(const StackParams& params, const Band& band, const std::vector<StackFile>& files,
                  const Grid& grid, std::int64_t slices)
      : unpack_(params.unpack) {
    for (const Member& member : band.members) {
      if (files[member.file].raster) add(*files[member.file].raster, member.number, grid);
    }
    info_.name = band.name;
    if (static_cast<std::int64_t>(band.members.size()) < slices) gap("some slices lack it");
    if (!params.strict) gap("files that cannot be read are left out");
  }

  BandInfo result() const {
    BandInfo band = info_;
    if (mixed_nodata_) band.nodata.reset();
    if (packed_) {
      set_computed(band);
      band.scale = 1;
      band.offset = 0;
      band.note = first_->any() ? unpacking_note(*first_) : "unpacked, file by file";
    } else if (mixed_type_) {
      band.note = "of files of several types";
    }
    if (is_float(band.dtype)) return with_gaps(std::move(band), "");
    if (!gap_.empty()) return with_gaps(std::move(band), gap_);
    return band;
  }

 private:
  void add(const RasterFile& file, std::size_t number, const Grid& grid) {
    BandInfo band = file.info.bands[number - 1];
    if (band.nodata && !can_hold(band.dtype, *band.nodata)) band.nodata.reset();
    const Packing packing{band.scale, band.offset};
    packed_ = packed_ || (unpack_ && packing.any());
    if (!first_) {
      first_ = packing;
      info_ = band;
    } else {
      check_packing(file, packing);
      mixed_type_ = mixed_type_ || band.dtype != info_.dtype;
      if (band.classes != info_.classes) info_.classes.clear();
      const bool both_float = is_float(band.dtype) && is_float(info_.dtype);
      if (!both_float && band.nodata != info_.nodata) {
        mixed_nodata_ = true;
        gap("its files have several nodata values");
      }
      info_.dtype = common_dtype(info_.dtype, band.dtype);
    }
    if (file.info.extras[number - 1].masked) gap("a mask hides cells");
    if (!covers(file, grid)) gap("the grid goes beyond " + file.name);
  }

  void check_packing(const RasterFile& file, const Packing& packing) const {
    if (unpack_ || packing == *first_) return;
    const auto text = [](const Packing& p) {
      return number_text(p.scale) + ", " + number_text(p.offset);
    };
    throw Error(
        ErrorCode::kInvalid,
        file.name + " has scale and offset " + text(packing) + ", files before it " + text(*first_),
        file.where, "\"unpack\": true applies those of each file");
  }

  void gap(const std::string& reason) {
    if (gap_.empty()) gap_ = reason;
  }

  bool unpack_;
  bool packed_ = false;
  bool mixed_nodata_ = false;
  bool mixed_type_ = false;
  std::string gap_;  // why cells can be missing that the files have no value for
  std::optional<Packing> first_;
  BandInfo info_;
};

// Puts a band of a file where it belongs. Throws Error when another file is there.
void place(RasterStack& stack, std::size_t band, const Member& member,
           const std::vector<StackFile>& files, const StackParams& params, Resampling method) {
  const StackFile& file = files[member.file];
  const std::int64_t slice = *stack.info.time.index(file.time);
  auto& cells = stack.cells[static_cast<std::size_t>(slice) * stack.info.bands.size() + band];
  if (cells) {
    throw Error(ErrorCode::kInvalid,
                cells->source.descriptor + " and " + file.named.name + " are both of " +
                    to_text(file.time) +
                    (params.bands.empty() ? "" : " and band '" + stack.info.bands[band].name + "'"),
                file.named.where, "one file a time and band; an image collection combines several");
  }
  cells.emplace();
  cells->source = {file.named.name, static_cast<int>(member.number), {}};
  if (!file.raster) return;
  cells->source.crs = file.raster->info.crs;
  if (!lies_on(*file.raster, stack.info.grid)) cells->resampling = method;
  const BandInfo& stored = file.raster->info.bands[member.number - 1];
  if (params.unpack) cells->packing = {stored.scale, stored.offset};
}

}  // namespace

void StackParams::fields(FieldVisitor& v) {
  v.field({.name = "files",
           .help = "The rasters, anything that GDAL opens; \"*\", \"?\" and \"**\" in a name stand "
                   "for files in ascending order of their names.",
           .required = true,
           .one_or_many = true,
           .path = true},
          files);
  v.field({.name = "datetime",
           .help = "The time of each file, e.g. \"2018-03-05\". Default: what datetime_pattern "
                   "finds, else ACQUISITIONDATETIME or TIFFTAG_DATETIME of the file.",
           .aliases = {"datetime_values"}},
          datetime);
  v.field({.name = "datetime_pattern",
           .help = "Regular expression whose first group (or all of it) is the time in a file's "
                   "name, or else in its path, e.g. \"_([0-9]{8})_\"."},
          datetime_pattern);
  v.field({.name = "datetime_format",
           .help = "How that time is written: %Y %y %m %b %d %j %H %M %S and other characters as "
                   "they are. Default: ISO 8601, e.g. 20180305."},
          datetime_format);
  v.field({.name = "bands",
           .help = "The band that each file holds, where files hold one: a name a file. Default: "
                   "all files hold the same bands."},
          bands);
  v.field({.name = "band_names",
           .help = "Names of the bands that all files hold. Default: as the first file names them, "
                   "else x1, x2, ..."},
          band_names);
  v.field({.name = "dx",
           .help = "Width of the cells, in units of the CRS. Default, or where it is not above 0: "
                   "that of the finest file. Where it does not divide the extent, that grows "
                   "equally on both sides."},
          dx);
  v.field({.name = "dy", .help = "Height of the cells, likewise."}, dy);
  v.field({.name = "resampling", .help = kResamplingHelp}, resampling);
  chunk_size_field(v, chunk_size);
  v.field({.name = "strict",
           .help = "A file that cannot be read fails the run; false: it is left out and reported. "
                   "Its time must then be known without it."},
          strict);
  v.field({.name = "unpack", .help = kUnpackHelp}, unpack);
}

RasterStack make_stack_source(const StackParams& params) {
  const Resampling method = parse_resampling(params.resampling, "/resampling");
  const std::vector<StackFile> files = open_files(params);
  const std::vector<Band> bands =
      params.bands.empty() ? bands_of_each(params, files) : bands_of_files(params, files);
  check_names(bands, params.bands.empty() ? "/band_names" : "/bands");
  check_grids(bands, files);
  RasterStack stack;
  stack.chunk = make_chunk_wish(params.chunk_size, "/chunk_size");
  stack.strict = params.strict;
  stack.info.grid = common_grid(params, files);
  stack.info.time = time_axis(files);
  for (std::size_t b = 0; b < bands.size(); ++b) {
    stack.info.bands.push_back(
        BandDescription(params, bands[b], files, stack.info.grid, stack.info.time.size()).result());
    stack.info.bands.back().alias = params.bands.empty() ? "x" + std::to_string(b + 1) : "";
  }
  stack.cells.resize(static_cast<std::size_t>(stack.info.time.size()) * bands.size());
  for (std::size_t b = 0; b < bands.size(); ++b) {
    for (const Member& member : bands[b].members) place(stack, b, member, files, params, method);
  }
  for (const StackFile& file : files) {
    if (file.raster && lies_on(*file.raster, stack.info.grid)) add_blocks(stack, *file.raster);
  }
  return stack;
}

}  // namespace cube
