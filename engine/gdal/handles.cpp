#include "engine/gdal/handles.h"

#include <cpl_string.h>
#include <cpl_vsi.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/gdal/netcdf_header.h"
#include "engine/gdal/network.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/remote_file.h"
#include "engine/gdal/upright.h"
#include "engine/gdal/watched_file.h"
#include "engine/gdal/whole_file.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

GdalErrors::GdalErrors() : outer_(innermost_) {
  errno = 0;
  innermost_ = this;
  CPLPushErrorHandlerEx(&GdalErrors::keep, this);
}

GdalErrors::~GdalErrors() {
  CPLPopErrorHandler();
  innermost_ = outer_;
}

namespace {

// The tag that libtiff could not read and GDAL goes on without, of those that say where cells lie
// and what they mean; "" of other messages.
std::string lost_tag(std::string_view message) {
  constexpr std::string_view kWords = "IO error during reading of \"";
  const std::size_t at = message.find(kWords);
  if (at == std::string_view::npos) return {};
  message.remove_prefix(at + kWords.size());
  const std::string_view name = message.substr(0, message.find('"'));
  static constexpr std::array<std::string_view, 4> kPrefixes = {"Geo", "GDAL", "RPC", "ColorMap"};
  const bool tells =
      std::ranges::any_of(kPrefixes, [&](std::string_view word) { return name.starts_with(word); });
  return std::string(tells ? name : "");
}

}  // namespace

std::string GdalErrors::reason(const std::string& descriptor) const {
  return first_.starts_with(descriptor + ": ") ? first_.substr(descriptor.size() + 2) : first_;
}

void GdalErrors::refuse_loss(const std::string& descriptor) const {
  if (!lost_) return;
  throw Error(ErrorCode::kUnreadable, "cannot be read: " + reason(descriptor), descriptor);
}

void GdalErrors::keep(CPLErr kind, CPLErrorNum, const char* message) {
  const int number = errno;
  auto* self = static_cast<GdalErrors*>(CPLGetErrorHandlerUserData());
  const std::string tag = lost_tag(message);
  std::string loss = tag.empty() ? "" : "its tag " + tag;
  // What a file lacks GDAL fills with something for JPEGs.
  if (std::strstr(message, "Premature end of JPEG file")) loss = "premature end of the JPEG file";
  if (kind < CE_Failure && loss.empty()) return;
  self->lost_ = self->lost_ || !tag.empty();
  // What the system said, which libraries seldom pass on.
  static constexpr std::array kTelling = {EIO,    ENOSPC, EDQUOT, EMFILE, ENFILE,
                                          ENOMEM, EFBIG,  EROFS,  ESTALE, EACCES};
  const bool telling = std::ranges::find(kTelling, number) != kTelling.end();
  self->system_ = self->system_ || telling;
  if (!self->first_.empty()) return;
  // GDAL's words of a loss are about settings and tags of its own.
  self->first_ = loss.empty() ? without_watched_names(without_network_names(message)) : loss;
  const std::string reason = std::strerror(number);
  if (telling && self->first_.find(reason) == std::string::npos) self->first_ += ": " + reason;
}

void GdalErrors::lose(const std::string& reason) {
  if (!innermost_) return;
  innermost_->lost_ = innermost_->system_ = true;
  if (innermost_->first_.empty()) innermost_->first_ = reason;
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

void check_whole(GDALDatasetH dataset, const std::string& descriptor) {
  GDALDriverH driver = GDALGetDatasetDriver(dataset);
  if (!driver || std::string_view(GDALGetDriverShortName(driver)) != "netCDF") return;
  const CPLStringList files(GDALGetFileList(dataset));
  if (files.size() > 0) const WholeFile check(files[0], descriptor);
}

// GDAL looks into the files beside an image (.aux.xml, world files, masks, overviews) when it is
// first asked for what may be in them.
void read_companions(GDALDatasetH dataset) {
  std::array<double, 6> ignored{};
  GDALGetGeoTransform(dataset, ignored.data());
  if (GDALGetRasterCount(dataset) == 0) return;
  GDALRasterBandH band = GDALGetRasterBand(dataset, 1);
  GDALGetRasterNoDataValue(band, nullptr);
  GDALGetMaskFlags(band);
  GDALGetOverviewCount(band);
}

Error too_many_files(const std::string& descriptor, std::int64_t most) {
  return Error(ErrorCode::kUnreadable,
               "cannot be opened: the system allows no more than " + counted(most, "open file"),
               descriptor, "a higher 'ulimit -n', or fewer threads");
}

// "/d/a.nc" of NETCDF:"/d/a.nc":b; other names as they are.
std::string netcdf_file(const std::string& descriptor) {
  constexpr std::string_view kPrefix = "NETCDF:";
  if (lower(descriptor.substr(0, kPrefix.size())) != lower(kPrefix)) return descriptor;
  std::string file = descriptor.substr(kPrefix.size());
  if (file.starts_with('"')) return file.substr(1, file.find('"', 1) - 1);
  return file.substr(0, file.rfind(':'));
}

Dataset open_level(const std::string& descriptor, std::optional<int> overview) {
  register_gdal();
  if (is_stream(descriptor)) {
    throw Error(ErrorCode::kUnreadable, "is a pipe or a device, not a file", descriptor);
  }
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
  if (!remote && !descriptor.starts_with("/vsi")) {
    check_classic_header(netcdf_file(descriptor), descriptor);
  }
  const std::string name = network_name(descriptor);
  const std::string watched = watched_raster(name);
  Dataset dataset(GDALOpenEx(watched.c_str(),
                             GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr,
                             options.data(), nullptr));
  if (dataset && watched != name) read_companions(dataset.get());
  // Without a handle GDAL finds no files beside it either, and does not tell.
  if (const auto most = used_up_handles()) throw too_many_files(descriptor, *most);
  errors.refuse_loss(descriptor);
  if (dataset) {
    check_whole(dataset.get(), descriptor);
    return dataset;
  }
  if (opening.refusal()) throw opening.refusal()->error(descriptor);
  VSIStatBufL stat;
  if (!remote && !descriptor.starts_with("/vsi") && descriptor.find(':') == std::string::npos &&
      VSIStatL(descriptor.c_str(), &stat) != 0) {
    throw Error(ErrorCode::kNotFound, "there is no such file", descriptor);
  }
  throw Error(ErrorCode::kUnreadable, "cannot be opened as a raster: " + errors.reason(descriptor),
              descriptor);
}

}  // namespace

std::optional<std::int64_t> used_up_handles() {
  const int one_more = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (one_more >= 0) ::close(one_more);
  if (one_more >= 0 || (errno != EMFILE && errno != ENFILE)) return std::nullopt;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::int64_t>(limit.rlim_cur);
}

Dataset open_raster(const std::string& descriptor) { return upright(open_as_is(descriptor)); }

Dataset open_as_is(const std::string& descriptor) { return open_level(descriptor, {}); }

Dataset open_overview(const std::string& descriptor, int overview) {
  return open_level(descriptor, overview);
}

}  // namespace cube
