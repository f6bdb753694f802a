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

ThreadOption::ThreadOption(const char* name, const char* value, bool wanted)
    : name_(wanted && !CPLGetConfigOption(name, nullptr) ? name : nullptr) {
  if (name_) CPLSetThreadLocalConfigOption(name_, value);
}

ThreadOption::~ThreadOption() {
  if (name_) CPLSetThreadLocalConfigOption(name_, nullptr);
}

ThreadOption leave_no_notes() { return {"CPL_VSIL_GZIP_WRITE_PROPERTIES", "NO"}; }

Dataset open_raster(const std::string& descriptor) { return upright(open_as_is(descriptor)); }

Dataset open_as_is(const std::string& descriptor) {
  register_gdal();
  const GdalErrors errors;
  // GDAL looks for the files beside a local one (overviews, masks, .aux.xml, world files) by their
  // names, where it otherwise lists the folder for every image it opens.
  const ThreadOption sidecars("GDAL_DISABLE_READDIR_ON_OPEN", "TRUE",
                              !descriptor.starts_with("/vsi"));
  const ThreadOption no_notes = leave_no_notes();
  Dataset dataset(GDALOpenEx(descriptor.c_str(),
                             GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr,
                             nullptr, nullptr));
  if (dataset) return dataset;
  VSIStatBufL stat;
  if (!descriptor.starts_with("/vsi") && descriptor.find(':') == std::string::npos &&
      VSIStatL(descriptor.c_str(), &stat) != 0) {
    throw Error(ErrorCode::kNotFound, "there is no such file", descriptor);
  }
  throw Error(ErrorCode::kUnreadable, "cannot be opened as a raster: " + errors.first(),
              descriptor);
}

}  // namespace cube
