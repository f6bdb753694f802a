// Small rasters for tests, and reads of them.
#pragma once

#include <cpl_string.h>
#include <gdal_priv.h>

#include <array>
#include <string>
#include <vector>

#include "engine/gdal/crs.h"
#include "engine/gdal/raster_info.h"
#include "engine/image_reader.h"

namespace cube::test {

struct RasterSpec {
  std::string crs = "EPSG:32631";
  std::array<double, 6> transform = {500000, 10, 0, 5000000, 0, -10};
  int width = 0;
  int height = 0;
  GDALDataType type = GDT_UInt16;
  std::optional<double> nodata;  // of the first band
  int block = 0;                 // side of compressed tiles; 0 = strips as GDAL makes them
  int bands = 1;                 // cells are written into the first
};

// Writes a GeoTIFF.
inline void write_raster(const std::string& file, const RasterSpec& spec,
                         const std::vector<double>& cells) {
  register_gdal();
  auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  CPLStringList options;
  if (spec.block > 0) {
    options.SetNameValue("TILED", "YES");
    options.SetNameValue("COMPRESS", "DEFLATE");
    options.SetNameValue("BLOCKXSIZE", std::to_string(spec.block).c_str());
    options.SetNameValue("BLOCKYSIZE", std::to_string(spec.block).c_str());
  }
  GDALDatasetUniquePtr dataset(
      driver->Create(file.c_str(), spec.width, spec.height, spec.bands, spec.type, options.List()));
  std::array<double, 6> transform = spec.transform;
  dataset->SetGeoTransform(transform.data());
  dataset->SetProjection(crs_wkt(spec.crs).c_str());
  if (spec.nodata) dataset->GetRasterBand(1)->SetNoDataValue(*spec.nodata);
  std::vector<double> copy = cells;
  const CPLErr status =
      dataset->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, spec.width, spec.height, copy.data(),
                                          spec.width, spec.height, GDT_Float64, 0, 0, nullptr);
  if (status != CE_None) std::abort();
}

// The whole grid, or a window of it, as doubles (NaN = missing), row after row.
inline std::vector<double> read_cells(ImageReader& reader, const RasterBand& band, const Grid& grid,
                                      Resampling method, const NativeMask* mask = nullptr,
                                      Range rows = {0, -1}, Range columns = {0, -1}) {
  if (rows.end < 0) rows = {0, grid.height};
  if (columns.end < 0) columns = {0, grid.width};
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const BlockPtr block =
      reader.read(band, {&grid, rows, columns, method, {DType::kFloat64, missing}}, mask);
  std::vector<double> out(static_cast<std::size_t>(rows.size() * columns.size()), missing);
  if (!block) return out;
  const auto cells = block->cells<double>();
  out.assign(cells.begin(), cells.end());
  return out;
}

}  // namespace cube::test
