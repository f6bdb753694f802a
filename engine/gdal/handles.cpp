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

namespace {

// While it lives, GDAL looks for the files beside a local one (overviews, masks, .aux.xml, world
// files) by their names, where it otherwise lists the folder for every image it opens. What the
// user has set stays.
class AskForSidecars {
 public:
  explicit AskForSidecars(const std::string& descriptor)
      : set_(!descriptor.starts_with("/vsi") && !CPLGetConfigOption(kOption, nullptr)) {
    if (set_) CPLSetThreadLocalConfigOption(kOption, "TRUE");
  }
  ~AskForSidecars() {
    if (set_) CPLSetThreadLocalConfigOption(kOption, nullptr);
  }
  AskForSidecars(const AskForSidecars&) = delete;
  AskForSidecars& operator=(const AskForSidecars&) = delete;

 private:
  static constexpr const char* kOption = "GDAL_DISABLE_READDIR_ON_OPEN";
  const bool set_;
};

}  // namespace

Dataset open_raster(const std::string& descriptor) {
  register_gdal();
  const GdalErrors errors;
  const AskForSidecars sidecars(descriptor);
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
