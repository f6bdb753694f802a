// write_tiff: what is written is what GDAL reads.
#include <gdal_priv.h>

#include <cmath>
#include <limits>

#include "engine/gdal/raster_info.h"
#include "engine/gdal/write_tiff.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const Grid kGrid = {"EPSG:32631", 500000, 5000000, 10, 20, 3, 2};

Block block_of(Storage storage) {
  Block block({{0, 1}, {0, 2}, {0, 3}}, storage);
  block.set_row(0, 0, std::vector<double>{1, kNaN, 3});
  block.set_row(0, 1, std::vector<double>{4, 5, 60});
  return block;
}

}  // namespace

TEST_CASE("every type, with nodata, georeference and tiles") {
  const test::TempDir dir;
  for (const DType dtype : {DType::kUInt8, DType::kInt16, DType::kUInt16, DType::kInt32,
                            DType::kUInt32, DType::kFloat32, DType::kFloat64}) {
    const std::string file = dir.file(std::string(name(dtype)) + ".tif");
    const Storage storage{dtype, is_float(dtype) ? kNaN : 7};
    write_tiff(file, block_of(storage), kGrid);
    const RasterInfo info = describe_raster(file);
    CHECK(info.crs == "EPSG:32631");
    CHECK(aligned(info.grid, kGrid));
    CHECK(info.bands[0].dtype == dtype);
    REQUIRE(info.bands[0].nodata.has_value());
    CHECK(info.block_width == 256);
    GDALDatasetH data = GDALOpen(file.c_str(), GA_ReadOnly);
    std::vector<double> cells(6);
    CHECK(GDALRasterIO(GDALGetRasterBand(data, 1), GF_Read, 0, 0, 3, 2, cells.data(), 3, 2,
                       GDT_Float64, 0, 0) == CE_None);
    GDALClose(data);
    CHECK((is_float(dtype) ? std::isnan(cells[1]) : cells[1] == 7));
    cells[1] = 0;
    CHECK(cells == std::vector<double>{1, 0, 3, 4, 5, 60});
  }
}

TEST_CASE("a place that cannot be written to") {
  const std::string error = test::error_of([] {
    write_tiff("/no/such/folder/a.tif", block_of({DType::kUInt8, 0}), kGrid);
  });
  CHECK(error.starts_with("/no/such/folder/a.tif: "));
  CHECK(error.size() > std::string("/no/such/folder/a.tif: ").size());
}
