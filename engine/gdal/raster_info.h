// RasterInfo: what a raster file is, without its cells.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/grid.h"
#include "engine/stored_blocks.h"

namespace cube {

struct RasterInfo {
  std::string driver;         // GDAL's short name
  std::string crs;            // canonical, "" = none
  bool north_up = false;      // its first row is the northernmost and begins in the west
  bool on_grid = false;       // the grid below is exact, in whichever order its cells are stored
  bool along_y = false;       // its rows are columns of the grid
  Grid grid;                  // left, top, cell size, shape (only shape when not on_grid)
  bool has_location = false;  // a geotransform, GCPs, RPCs or geolocation arrays
  std::string unplaced;       // why it has none, where that is known: what was looked for
  std::vector<Box> lonlat;    // footprint in longitude/latitude, densified edges, split at 180
  std::vector<BandInfo> bands;
  struct BandExtras {
    bool named = false;       // by the file; else the name is "bandN"
    bool masked = false;      // a mask or alpha band says where cells are missing
    bool has_nodata = false;  // the file states a nodata value
  };
  std::vector<BandExtras> extras;  // of each band
  std::int64_t block_width = 0;    // cells
  std::int64_t block_height = 0;
  StoredBlocks::Kept blocks_kept = StoredBlocks::Kept::kUnknown;  // by readers
  std::int64_t bands_in_block = 1;
  bool blocks_in_part = false;          // as StoredBlocks has it
  std::vector<std::int64_t> overviews;  // shrink factors, e.g. 2, 4, 8
  struct Level {
    std::int64_t width, height, block_width, block_height;  // cells
  };
  std::vector<Level> overview_levels;
  std::optional<Instant> acquired;  // ACQUISITIONDATETIME, else TIFFTAG_DATETIME
};

// How much is asked about a raster: where its cells are and how they are stored; its bands and time
// too; its footprint too, but not what becomes of its blocks. To transform an outline takes longer
// than to open the file, and so does what GDAL does to know the unit of a band.
enum class RasterDetail : std::uint8_t { kStorage, kNoFootprint, kFootprint };

// Opens and describes a raster, whose coordinates are in `crs` where that is not "", whatever the
// file says. Without kFootprint, lonlat is left out where has_location is clear without; with
// kStorage bands, extras and acquired are. Throws Error(kNotFound) when it does not exist,
// Error(kUnreadable) with GDAL's reason when it is no raster.
RasterInfo describe_raster(const std::string& descriptor, const std::string& crs = {},
                           RasterDetail detail = RasterDetail::kFootprint);

// GDAL's metadata of a raster, those of `fields` ("KEY" or "DOMAIN:KEY") that it has. Throws as
// describe_raster().
std::map<std::string, std::string> raster_metadata(const std::string& descriptor,
                                                   std::span<const std::string> fields);

// What describe_raster() is to be asked for: the subdatasets of a file; the only variable of a
// netCDF file by its name; the file itself where it has none. Throws as describe_raster().
std::vector<std::string> list_subdatasets(const std::string& descriptor);

// A reader for one worker thread: pooled handles, paste, lattice warp. Workers that are given the
// same `blocks` share what they decode; null is a small cache of its own. `max_open` bounds the
// number of open files.
class BlockCache;
class ImageReader;
std::unique_ptr<ImageReader> make_image_reader(std::shared_ptr<BlockCache> blocks = nullptr,
                                               int max_open = 100);

// Registers GDAL's drivers once; called by everything here that needs them.
void register_gdal();

}  // namespace cube
