#include "engine/gdal/handles.h"

#include <cpl_vsi.h>

#include <array>
#include <optional>

#include "engine/error.h"
#include "engine/gdal/network.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/remote_file.h"
#include "engine/gdal/upright.h"
#include "engine/remote_names.h"

namespace cube {

GdalErrors::GdalErrors() { CPLPushErrorHandlerEx(&GdalErrors::keep, this); }

GdalErrors::~GdalErrors() { CPLPopErrorHandler(); }

void GdalErrors::keep(CPLErr kind, CPLErrorNum, const char* message) {
  auto* self = static_cast<GdalErrors*>(CPLGetErrorHandlerUserData());
  if (kind >= CE_Failure && self->first_.empty()) self->first_ = without_network_names(message);
}

ThreadOption::ThreadOption(const char* name, const char* value, bool wanted)
    : name_(wanted && !CPLGetConfigOption(name, nullptr) ? name : nullptr) {
  if (name_) CPLSetThreadLocalConfigOption(name_, value);
}

ThreadOption::~ThreadOption() {
  if (name_) CPLSetThreadLocalConfigOption(name_, nullptr);
}

ThreadOption leave_no_notes() { return {"CPL_VSIL_GZIP_WRITE_PROPERTIES", "NO"}; }

namespace {

Dataset open_level(const std::string& descriptor, std::optional<int> overview) {
  register_gdal();
  const GdalErrors errors;
  const Opening opening;
  const bool remote = is_remote(descriptor);
  // GDAL looks for the files beside a local one (overviews, masks, .aux.xml, world files) by their
  // names, where it otherwise lists the folder for every image it opens. Beside a remote one it
  // does not look: each name would be a request.
  const ThreadOption sidecars("GDAL_DISABLE_READDIR_ON_OPEN", remote ? "EMPTY_DIR" : "TRUE",
                              remote || !descriptor.starts_with("/vsi"));
  // The directories of a TIFF, of a COG with its overviews too, mostly in one request.
  const ThreadOption header("GDAL_INGESTED_BYTES_AT_OPEN", "32768", remote);
  const ThreadOption no_notes = leave_no_notes();
  const std::string level = overview ? "OVERVIEW_LEVEL=" + std::to_string(*overview) : "";
  const std::array<const char*, 2> options = {overview ? level.c_str() : nullptr, nullptr};
  Dataset dataset(GDALOpenEx(network_name(descriptor).c_str(),
                             GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr,
                             options.data(), nullptr));
  if (dataset) return dataset;
  if (opening.refusal()) throw opening.refusal()->error(descriptor);
  VSIStatBufL stat;
  if (!remote && !descriptor.starts_with("/vsi") && descriptor.find(':') == std::string::npos &&
      VSIStatL(descriptor.c_str(), &stat) != 0) {
    throw Error(ErrorCode::kNotFound, "there is no such file", descriptor);
  }
  throw Error(ErrorCode::kUnreadable, "cannot be opened as a raster: " + errors.first(),
              descriptor);
}

}  // namespace

Dataset open_raster(const std::string& descriptor) { return upright(open_as_is(descriptor)); }

Dataset open_as_is(const std::string& descriptor) { return open_level(descriptor, {}); }

Dataset open_overview(const std::string& descriptor, int overview) {
  return open_level(descriptor, overview);
}

}  // namespace cube
