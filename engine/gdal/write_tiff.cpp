#include "engine/gdal/write_tiff.h"

#include <cpl_string.h>

#include <array>
#include <cmath>
#include <vector>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/gdal_types.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/raster_info.h"

namespace cube {

namespace {

Dataset create(const std::string& file, const Block& block, const Grid& grid) {
  CPLStringList options;
  for (const char* option : {"TILED=YES", "BLOCKXSIZE=256", "BLOCKYSIZE=256", "COMPRESS=DEFLATE"}) {
    options.AddString(option);
  }
  options.AddString(is_float(block.dtype()) ? "PREDICTOR=3" : "PREDICTOR=2");
  return Dataset(GDALCreate(GDALGetDriverByName("GTiff"), file.c_str(),
                            static_cast<int>(grid.width), static_cast<int>(grid.height), 1,
                            gdal_type(block.dtype()), options.List()));
}

}  // namespace

void write_tiff(const std::string& file, const Block& block, const Grid& grid) {
  register_gdal();
  GdalErrors errors;
  const auto check = [&](bool ok) {
    if (!ok || errors.any()) throw Error(ErrorCode::kUnwritable, errors.first(), file);
  };
  Dataset dataset = create(file, block, grid);
  check(dataset != nullptr);
  std::array<double, 6> transform = {grid.left, grid.dx, 0, grid.top, 0, -grid.dy};
  GDALSetGeoTransform(dataset.get(), transform.data());
  if (!grid.crs.empty()) GDALSetProjection(dataset.get(), crs_wkt(grid.crs).c_str());
  const GDALRasterBandH band = GDALGetRasterBand(dataset.get(), 1);
  if (block.nodata()) GDALSetRasterNoDataValue(band, *block.nodata());
  std::vector<double> scratch;
  for (std::int64_t y = 0; y < grid.height; ++y) {
    const auto row = block.row(block.region().t.begin, block.region().y.begin + y, scratch);
    std::vector<double> cells(row.begin(), row.end());
    if (block.nodata()) {
      for (double& cell : cells) cell = std::isnan(cell) ? *block.nodata() : cell;
    }
    const int width = static_cast<int>(grid.width);
    check(GDALRasterIO(band, GF_Write, 0, static_cast<int>(y), width, 1, cells.data(), width, 1,
                       GDT_Float64, 0, 0) == CE_None);
  }
  dataset.reset();  // flushes
  check(true);
}

}  // namespace cube
