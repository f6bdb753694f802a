#include "engine/gdal/source_window.h"

#include <cmath>

#include "engine/error.h"
#include "engine/gdal/gdal_types.h"
#include "engine/missing.h"

namespace cube {

namespace {

void read_cells(GDALRasterBandH band, const Range& rows, const Range& columns, GDALDataType type,
                void* out, const std::string& descriptor) {
  const GdalErrors errors;
  const auto width = static_cast<int>(columns.size());
  const auto height = static_cast<int>(rows.size());
  const CPLErr status =
      GDALRasterIO(band, GF_Read, static_cast<int>(columns.begin), static_cast<int>(rows.begin),
                   width, height, out, width, height, type, 0, 0);
  if (status == CE_None) return;
  throw Error(ErrorCode::kUnreadable, "cannot be read: " + errors.first(), descriptor);
}

}  // namespace

DType read_dtype(GDALRasterBandH band, const std::string& descriptor) {
  const GDALDataType type = GDALGetRasterDataType(band);
  switch (type) {
    case GDT_Byte:
      return DType::kUInt8;
    case GDT_Int16:
      return DType::kInt16;
    case GDT_UInt16:
      return DType::kUInt16;
    case GDT_Int32:
      return DType::kInt32;
    case GDT_UInt32:
      return DType::kUInt32;
    case GDT_Float32:
      return DType::kFloat32;
    case GDT_Float64:
    case GDT_Int64:
    case GDT_UInt64:
      return DType::kFloat64;
    default:
      throw Error(
          ErrorCode::kUnreadable,
          std::string("cells of type ") + GDALGetDataTypeName(type) + " cannot be put into a cube",
          descriptor);
  }
}

void read_window(GDALRasterBandH band, const Range& rows, const Range& columns,
                 std::optional<double> nodata, const std::string& descriptor, SourceWindow& out) {
  out.rows = rows;
  out.columns = columns;
  out.dtype = read_dtype(band, descriptor);
  int has_nodata = 0;
  const double own = GDALGetRasterNoDataValue(band, &has_nodata);
  out.nodata = nodata;
  if (!nodata && has_nodata) out.nodata = own;
  if (out.nodata && !is_float(out.dtype) &&
      !(*out.nodata >= lowest(out.dtype) && *out.nodata <= highest(out.dtype) &&
        *out.nodata == std::nearbyint(*out.nodata))) {
    out.nodata.reset();  // no cell can have it
  }
  out.cells.resize(out.size() * size_of(out.dtype));
  read_cells(band, rows, columns, gdal_type(out.dtype), out.cells.data(), descriptor);
  out.hidden.clear();
  if (!(GDALGetMaskFlags(band) & (GMF_PER_DATASET | GMF_ALPHA))) return;
  out.hidden.resize(out.size());
  read_cells(GDALGetMaskBand(band), rows, columns, GDT_Byte, out.hidden.data(), descriptor);
  for (std::uint8_t& cell : out.hidden) cell = cell == 0;
}

void to_doubles(const SourceWindow& window, std::vector<double>& out) {
  out.resize(window.size());
  dispatch(window.dtype, [&]<class T>(std::type_identity<T>) {
    const T* cells = window.as<T>();
    const bool has_nodata = window.nodata.has_value();
    const T missing = has_nodata ? static_cast<T>(*window.nodata) : T{};
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = has_nodata & (cells[i] == missing) ? kMissing : static_cast<double>(cells[i]);
    }
  });
  if (window.hidden.empty()) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (window.hidden[i]) out[i] = kMissing;
  }
}

}  // namespace cube
