#include "engine/gdal/archive.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "engine/error.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/network.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/zarr_json.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

bool ends_with_any(const std::string& name, std::span<const std::string_view> endings) {
  const std::string text = lower(name);
  return std::ranges::any_of(endings, [&](auto ending) { return text.ends_with(ending); });
}

constexpr std::array<std::string_view, 3> kTarEndings = {".tar", ".tar.gz", ".tgz"};
constexpr std::array<std::string_view, 1> kZipEndings = {".zip"};

struct DirClose {
  void operator()(VSIDIR* dir) const { VSICloseDir(dir); }
};

}  // namespace

bool is_archive(const std::string& name) {
  return ends_with_any(name, kZipEndings) || ends_with_any(name, kTarEndings);
}

bool is_compressed(const std::string& name) {
  return lower(name).ends_with(".gz") && !is_archive(name);
}

std::vector<std::string> list_archive(const std::string& path) {
  register_gdal();
  const GdalErrors errors;
  const ThreadOption no_notes = leave_no_notes();
  const std::string kind = ends_with_any(path, kZipEndings) ? "/vsizip/" : "/vsitar/";
  // Braces say where the name of an archive within another ends.
  const bool braced = path.starts_with("/vsi") || is_remote(path);
  const std::string root =
      braced ? std::string(kind).append("{").append(gdal_name_of(path)).append("}") : kind + path;
  const std::unique_ptr<VSIDIR, DirClose> dir(VSIOpenDir(network_name(root).c_str(), -1, nullptr));
  std::vector<std::string> out;
  if (!dir) return out;
  while (const VSIDIREntry* entry = VSIGetNextDirEntry(dir.get())) {
    if (!VSI_ISDIR(entry->nMode)) out.push_back(root + "/" + entry->pszName);
  }
  return out;
}

std::string name_in_archive(const std::string& path, std::span<const std::string_view> endings,
                            const std::string& kind) {
  if (is_compressed(path) && !path.starts_with("/vsigzip/")) return decompressed(path);
  if (!is_archive(path)) return path;
  register_gdal();
  if (!file_exists(path)) throw Error(ErrorCode::kNotFound, "there is no such file", path);
  std::vector<std::string> found = list_archive(path);
  std::erase_if(found, [&](const std::string& name) { return !ends_with_any(name, endings); });
  if (found.size() == 1) return found.front();
  if (found.empty()) throw Error(ErrorCode::kUnreadable, "holds no " + kind + " file", path);
  throw Error(ErrorCode::kUnreadable,
              "holds " + std::to_string(found.size()) + " " + kind + " files", path,
              "name one: " + found.front());
}

std::string decompressed(const std::string& path) { return "/vsigzip/" + gdal_name_of(path); }

}  // namespace cube
