// How GeoTIFFs and COGs are stored: one storage for all bands, and the creation options of GDAL's
// drivers. Only the GeoTIFF sink includes this.
// Thread rule: pure functions; try_options() and create_tiff() make files.
#pragma once

#include <cpl_string.h>
#include <gdal_priv.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/gdal/output_file.h"

namespace cube {

inline constexpr std::int64_t kTileMultiple = 16;  // sides of TIFF tiles are multiples of this

// A file in GDAL's memory, removed when the object goes.
struct MemoryFile {
  explicit MemoryFile(const std::string& suffix);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path;
};

// The smallest type that holds the values of all bands, with a nodata value that no band uses for
// data. REQUIRES: at least one band.
Storage common_storage(const std::vector<BandInfo>& bands);

// The user's options for the GTiff driver: LEVEL and BLOCKSIZE are ours, the rest is GDAL's.
OutputOptions geotiff_creation(OutputOptions options, const Storage& storage, std::int64_t tile_x,
                               std::int64_t tile_y);

// The same for the COG driver.
OutputOptions cog_creation(OutputOptions options, const Storage& storage);

// The side of a tile by the option of this name, at least 1, or `otherwise`.
std::int64_t tile_side(const OutputOptions& options, const char* name, std::int64_t otherwise);

CPLStringList to_string_list(const OutputOptions& options);

// The driver; throws Error(kInternal) with `file` where GDAL lacks it.
GDALDriver& tiff_driver(const char* name, const std::string& file);

// A new file at `path`; null when GDAL refuses (its reason is in GdalErrors).
GDALDatasetUniquePtr create_tiff(const std::string& path, std::int64_t width, std::int64_t height,
                                 std::size_t bands, const Storage& storage,
                                 const OutputOptions& options, const std::string& file);

// Writes a tiny file with the same options into memory: the driver's own way to refuse. Throws
// Error(kInvalid).
void try_options(const Storage& storage, std::size_t bands, const OutputOptions& raw,
                 const OutputOptions* cog, const std::string& file);

}  // namespace cube
