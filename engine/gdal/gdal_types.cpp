#include "engine/gdal/gdal_types.h"

namespace cube {

GDALDataType gdal_type(DType type) {
  switch (type) {
    case DType::kUInt8:
      return GDT_Byte;
    case DType::kInt16:
      return GDT_Int16;
    case DType::kUInt16:
      return GDT_UInt16;
    case DType::kInt32:
      return GDT_Int32;
    case DType::kUInt32:
      return GDT_UInt32;
    case DType::kFloat32:
      return GDT_Float32;
    case DType::kFloat64:
      break;
  }
  return GDT_Float64;
}

}  // namespace cube
