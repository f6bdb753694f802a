// RasterFile: a raster file that a source names, described and checked against a grid.
// Thread rule: values.
#pragma once

#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/gdal/raster_info.h"

namespace cube {

// What the field says that gives the method of resampling, for parse_resampling().
inline constexpr const char* kResamplingHelp =
    "How files on other cells are resampled: near, bilinear, cubic, cubicspline, lanczos, or, of "
    "all "
    "cells of the file under a cell: average, rms, sum, mode, min, max, med, q1, q3.";

struct RasterFile {
  std::string name;
  std::string where;  // its place in the node
  RasterInfo info = {};
  Grid grid = {};                         // of the resolution that is read
  StoredBlocks blocks = {};               // of the same
  std::vector<std::string> placing = {};  // as RasterBand has it
};

// The file opened and described. Throws Error that names the file, at `where`.
RasterFile open_raster_file(const std::string& name, const std::string& where);

// Files by their names and wildcards, those of one wildcard in ascending order of their names;
// `where` is the list's place in the node. Throws Error where a wildcard gives none.
struct NamedFile {
  std::string name;
  std::string where;
};
std::vector<NamedFile> named_files(const std::vector<std::string>& names, const std::string& where);

// Throws Error where the file's cells do not lie along the axes.
void need_grid(const RasterFile& file, const std::string& hint);

// "it has no location", and what was looked for where that is known. REQUIRES: it has none.
std::string why_nowhere(const RasterFile& file);

// True when the cells of the file that is read are those of `grid`.
bool lies_on(const RasterFile& file, const Grid& grid);

// True when each cell of `grid` surely has a cell of the file.
bool covers(const RasterFile& file, const Grid& grid);

}  // namespace cube
