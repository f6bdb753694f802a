#include "engine/gdal/handles.h"

#include <cpl_vsi.h>

#include "engine/error.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/upright.h"

namespace cube {

GdalErrors::GdalErrors() { CPLPushErrorHandlerEx(&GdalErrors::keep, this); }

GdalErrors::~GdalErrors() { CPLPopErrorHandler(); }

void GdalErrors::keep(CPLErr kind, CPLErrorNum, const char* message) {
  auto* self = static_cast<GdalErrors*>(CPLGetErrorHandlerUserData());
  if (kind >= CE_Failure && self->first_.empty()) self->first_ = message;
}

Dataset open_raster(const std::string& descriptor) {
  register_gdal();
  const GdalErrors errors;
  Dataset dataset(GDALOpenEx(descriptor.c_str(),
                             GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr,
                             nullptr, nullptr));
  if (dataset) return upright(std::move(dataset));
  VSIStatBufL stat;
  if (!descriptor.starts_with("/vsi") && descriptor.find(':') == std::string::npos &&
      VSIStatL(descriptor.c_str(), &stat) != 0) {
    throw Error(ErrorCode::kNotFound, "there is no such file", descriptor);
  }
  throw Error(ErrorCode::kUnreadable, "cannot be opened as a raster: " + errors.first(),
              descriptor);
}

}  // namespace cube
