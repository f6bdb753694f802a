// The types of cells in GDAL's words.
// Thread rule: pure functions.
#pragma once

#include <gdal.h>

#include "engine/dtype.h"

namespace cube {

GDALDataType gdal_type(DType type);

}  // namespace cube
