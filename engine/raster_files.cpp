#include "engine/raster_files.h"

#include <algorithm>
#include <filesystem>

#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/crs.h"
#include "engine/glob.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

RasterFile open_raster_file(const std::string& name, const std::string& where) {
  RasterFile file{.name = name, .where = where};
  try {
    file.info = describe_raster(name, {}, RasterDetail::kNoFootprint);
  } catch (const Error& error) {
    std::string hint = what_reads(name, "raster");
    if (!hint.empty() && !error.hint().empty()) hint += "; or ";
    throw Error(error.code(), name + ": " + error.message(), where, hint + error.hint());
  }
  file.grid = file.info.grid;
  file.blocks = {.shape = {1, file.info.block_height, file.info.block_width},
                 .kept = file.info.blocks_kept,
                 .bands = file.info.bands_in_block,
                 .in_part = file.info.blocks_in_part};
  for (const BandInfo& band : file.info.bands) {
    const auto bytes = static_cast<std::int64_t>(size_of(band.dtype));
    file.blocks.cell_bytes = std::max(file.blocks.cell_bytes, bytes);
  }
  return file;
}

std::vector<NamedFile> named_files(const std::vector<std::string>& names,
                                   const std::string& where) {
  std::vector<NamedFile> files;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string place = where + pointer_step(i);
    std::error_code ignored;
    const bool is_plain = !is_glob(names[i]) || names[i].starts_with("/vsi") ||
                          is_remote(names[i]) || std::filesystem::exists(names[i], ignored);
    if (is_plain) {
      files.push_back({names[i], place});
      continue;
    }
    std::vector<std::string> found = files_like(names[i]);
    if (found.empty()) {
      throw Error(ErrorCode::kNotFound, "no file is named like '" + names[i] + "'", place);
    }
    std::sort(found.begin(), found.end());
    for (std::string& name : found) files.push_back({std::move(name), place});
  }
  return files;
}

void need_grid(const RasterFile& file, const std::string& hint) {
  if (file.info.on_grid) return;
  throw Error(ErrorCode::kInvalid, file.name + " has no north-up grid", file.where,
              file.info.has_location ? hint : why_nowhere(file));
}

std::string why_nowhere(const RasterFile& file) {
  const std::string& known = file.info.unplaced;
  return "it has no location" + (known.empty() ? known : ": " + known);
}

bool lies_on(const RasterFile& file, const Grid& grid) {
  return file.info.on_grid && grid_difference(grid, file.grid).empty();
}

bool covers(const RasterFile& file, const Grid& grid) {
  return lies_on(file, grid) ||
         (file.info.on_grid && same_crs(file.grid.crs, grid.crs) && covers(file.grid, grid));
}

}  // namespace cube
