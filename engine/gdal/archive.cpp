#include "engine/gdal/archive.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "engine/gdal/handles.h"
#include "engine/gdal/raster_info.h"
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
  const std::string root = (ends_with_any(path, kZipEndings) ? "/vsizip/" : "/vsitar/") + path;
  const std::unique_ptr<VSIDIR, DirClose> dir(VSIOpenDir(root.c_str(), -1, nullptr));
  std::vector<std::string> out;
  if (!dir) return out;
  while (const VSIDIREntry* entry = VSIGetNextDirEntry(dir.get())) {
    if (!VSI_ISDIR(entry->nMode)) out.push_back(root + "/" + entry->pszName);
  }
  return out;
}

std::string decompressed(const std::string& path) { return "/vsigzip/" + path; }

}  // namespace cube
