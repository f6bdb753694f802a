// RAII for the handles of GDAL's multidimensional API.
// Only files of engine/gdal include this.
#pragma once

#include <memory>

#include "engine/gdal/handles.h"

namespace cube {

template <class Handle, auto Release>
struct ReleaseBy {
  void operator()(Handle handle) const { Release(handle); }
};
template <class Handle, auto Release>
using MultidimHandle = std::unique_ptr<std::remove_pointer_t<Handle>, ReleaseBy<Handle, Release>>;

using MultidimGroup = MultidimHandle<GDALGroupH, GDALGroupRelease>;
using MultidimArray = MultidimHandle<GDALMDArrayH, GDALMDArrayRelease>;
using MultidimType = MultidimHandle<GDALExtendedDataTypeH, GDALExtendedDataTypeRelease>;

}  // namespace cube
