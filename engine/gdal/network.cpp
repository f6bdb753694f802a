#include "engine/gdal/network.h"

#include <cpl_json.h>
#include <cpl_vsi.h>
#include <cpl_vsi_error.h>

#include <memory>
#include <mutex>
#include <string_view>

#include "engine/gdal/persist.h"
#include "engine/gdal/remote_file.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr const char* kPrefix = "/vsicube/";

// Not GDAL's own way, which leaves open whether there is no file or no answer.
int stat_remote(const char* path, VSIStatBufL* status) {
  const auto file = RemoteFile::open(path);
  if (!file) return -1;
  *status = {};
  status->st_size = static_cast<decltype(status->st_size)>(file->size());
  status->st_mode = S_IFREG;
  return 0;
}

RemoteFile* file_of(void* handle) { return static_cast<RemoteFile*>(handle); }

void install() {
  const std::unique_ptr<VSIFilesystemPluginCallbacksStruct,
                        decltype(&VSIFreeFilesystemPluginCallbacksStruct)>
      calls(VSIAllocFilesystemPluginCallbacksStruct(), &VSIFreeFilesystemPluginCallbacksStruct);
  calls->open = [](void*, const char* path, const char* access) -> void* {
    return std::string_view(access).starts_with("r") ? RemoteFile::open(path).release() : nullptr;
  };
  calls->stat = [](void*, const char* path, VSIStatBufL* status, int) {
    return stat_remote(path, status);
  };
  calls->read_dir = [](void*, const char* path, int most) {
    const CloudSettings settings;
    return VSIReadDirEx(path, most);
  };
  calls->tell = [](void* file) -> vsi_l_offset { return file_of(file)->tell(); };
  calls->seek = [](void* file, vsi_l_offset offset, int whence) {
    file_of(file)->seek(offset, whence);
    return 0;
  };
  calls->eof = [](void* file) { return file_of(file)->at_end() ? 1 : 0; };
  calls->read = [](void* file, void* out, std::size_t size, std::size_t count) {
    if (size == 0) return std::size_t{0};
    return file_of(file)->read(static_cast<std::byte*>(out), size * count) / size;
  };
  calls->read_multi_range = [](void* file, int count, void** data, const vsi_l_offset* offsets,
                               const std::size_t* sizes) {
    const auto n = static_cast<std::size_t>(count);
    return file_of(file)->read_ranges({data, n}, {offsets, n}, {sizes, n}) ? 0 : -1;
  };
  calls->close = [](void* file) {
    delete file_of(file);
    return 0;
  };
  VSIInstallPluginHandler(kPrefix, calls.get());
}

}  // namespace

std::string network_name(const std::string& name) {
  std::string path = gdal_name_of(name);
  if (!path.starts_with("/vsi") || path.starts_with(kPrefix) || !is_remote(path)) return path;
  const std::size_t begin = own_name_begin(path);
  const std::size_t end = path.find_first_of("/?", begin + 1);
  const std::string kind = path.substr(begin, end == std::string::npos ? end : end - begin);
  if (!is_remote(kind) || kind.ends_with("_streaming")) return path;
  static std::once_flag once;
  std::call_once(once, install);
  return path.insert(begin, kPrefix);
}

std::string without_network_names(std::string text) { return erase_all(std::move(text), kPrefix); }

bool server_has_none() {
  const std::string_view told = VSIGetLastErrorMsg();
  return told.find("response code: 404") != std::string_view::npos ||
         told.find("response code: 410") != std::string_view::npos;
}

void count_network_use() {
  CPLSetConfigOption("CPL_VSIL_NETWORK_STATS_ENABLED", "YES");
  VSINetworkStatsReset();
}

NetworkUse network_use() {
  NetworkUse use;
  use.retries = retries_so_far();
  use.requests = uncounted_requests();
  const std::unique_ptr<char, decltype(&VSIFree)> text(VSINetworkStatsGetAsSerializedJSON(nullptr),
                                                       &VSIFree);
  CPLJSONDocument document;
  if (!text || !document.LoadMemory(text.get())) return use;
  for (const CPLJSONObject& method : document.GetRoot().GetObj("methods").GetChildren()) {
    use.requests += method.GetLong("count", 0);
    use.bytes += method.GetLong("downloaded_bytes", 0);
  }
  return use;
}

}  // namespace cube
