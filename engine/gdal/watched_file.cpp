#include "engine/gdal/watched_file.h"

#include <cpl_vsi.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "engine/file_kind.h"
#include "engine/gdal/handles.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

using namespace std::string_view_literals;

constexpr const char* kPrefix = "/vsicubefile/";

// Of a call that has just failed; that there is no such file is no failure.
void tell(const std::string& path) {
  const int number = errno;
  if (number != ENOENT && number != ENOTDIR) GdalErrors::lose(path + ": " + std::strerror(number));
}

class WatchedFile {
 public:
  // Null where there is none.
  static std::unique_ptr<WatchedFile> open(const std::string& path) {
    // A pipe is not waited for.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
      tell(path);
      return nullptr;
    }
    struct stat status {};
    std::FILE* stream = nullptr;
    if (::fstat(descriptor, &status) != 0) {
      tell(path);
    } else if (S_ISREG(status.st_mode)) {
      stream = ::fdopen(descriptor, "rb");
      if (!stream) tell(path);
    } else if (!S_ISDIR(status.st_mode)) {
      GdalErrors::lose(path + ": it is a pipe or a device, not a file");
    }
    if (stream) return std::unique_ptr<WatchedFile>(new WatchedFile(path, stream));
    ::close(descriptor);
    return nullptr;
  }

  vsi_l_offset tell_offset() const { return static_cast<vsi_l_offset>(::ftello(file_.get())); }
  int seek(vsi_l_offset offset, int whence) {
    return ::fseeko(file_.get(), static_cast<off_t>(offset), whence);
  }
  bool at_end() const { return std::feof(file_.get()) != 0; }
  std::size_t read(void* out, std::size_t size, std::size_t count) {
    const std::size_t got = std::fread(out, size, count, file_.get());
    if (got < count && !at_end()) tell(path_);
    return got;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  WatchedFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

WatchedFile* file_of(void* handle) { return static_cast<WatchedFile*>(handle); }

void install() {
  const std::unique_ptr<VSIFilesystemPluginCallbacksStruct,
                        decltype(&VSIFreeFilesystemPluginCallbacksStruct)>
      calls(VSIAllocFilesystemPluginCallbacksStruct(), &VSIFreeFilesystemPluginCallbacksStruct);
  calls->open = [](void*, const char* name, const char* access) -> void* {
    const bool reads = std::string_view(access).find_first_of("wa+") == std::string_view::npos;
    return reads ? WatchedFile::open(name).release() : nullptr;
  };
  calls->stat = [](void*, const char* name, VSIStatBufL* status, int) {
    const int result = ::stat64(name, status);
    if (result != 0) tell(name);
    return result;
  };
  calls->read_dir = [](void*, const char* name, int most) { return VSIReadDirEx(name, most); };
  calls->tell = [](void* file) { return file_of(file)->tell_offset(); };
  calls->seek = [](void* file, vsi_l_offset offset, int whence) {
    return file_of(file)->seek(offset, whence);
  };
  calls->eof = [](void* file) { return file_of(file)->at_end() ? 1 : 0; };
  calls->read = [](void* file, void* out, std::size_t size, std::size_t count) {
    return file_of(file)->read(out, size, count);
  };
  calls->close = [](void* file) {
    delete file_of(file);
    return 0;
  };
  VSIInstallPluginHandler(kPrefix, calls.get());
}

constexpr std::size_t kHead = 8;  // bytes that tell formats

bool begins(std::string_view head, std::span<const std::string_view> formats) {
  return std::ranges::any_of(formats, [&](std::string_view one) { return head.starts_with(one); });
}

// Whether libraries that open files by themselves read the format: netCDF, HDF5, HDF4, FITS.
bool has_library(std::string_view head) {
  static constexpr std::array kFormats = {"CDF"sv, "\x89HDF"sv, "\x0E\x03\x13\x01"sv, "SIMPLE"sv};
  return begins(head, kFormats);
}

// GeoPackage, MBTiles.
bool is_database(std::string_view head) { return head.starts_with("SQLite"); }

// Whether it is XML (VRT, products) or JSON, which names other files, of any format.
bool names_files(std::string_view head) {
  static constexpr std::array kTexts = {"<"sv, "{"sv, "\xEF\xBB\xBF"sv};
  return begins(head.substr(std::min(head.size(), head.find_first_not_of(" \t\r\n"))), kTexts);
}

// The name, in which that of a file begins at `place`, with that file watched.
std::string watched(std::string name, std::size_t place) {
  static std::once_flag once;
  std::call_once(once, install);
  return name.insert(place, kPrefix);
}

// As nothing but GDAL reads what is in an archive, formats do not matter there.
std::optional<std::string> watched_archive(const std::string& name) {
  const std::size_t place = own_name_begin(name);
  if (place == 0 || is_remote(name) || name.substr(place).starts_with("/vsi")) return std::nullopt;
  return watched(name, place);
}

}  // namespace

std::string watched_raster(const std::string& name) {
  if (auto archive = watched_archive(name)) return *archive;
  const std::string head = file_head(name, kHead);
  // What a writer has left in a database's log only SQLite's own way to read files finds.
  const bool logged = is_database(head) && ::access((name + "-wal").c_str(), F_OK) == 0;
  return head.empty() || has_library(head) || names_files(head) || logged ? name : watched(name, 0);
}

std::string watched_features(const std::string& name) {
  if (auto archive = watched_archive(name)) return *archive;
  const std::string head = file_head(name, kHead);
  return head.empty() || has_library(head) || is_database(head) ? name : watched(name, 0);
}

std::string without_watched_names(std::string text) { return erase_all(std::move(text), kPrefix); }

}  // namespace cube
