#include "engine/file_kind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

// Of a JSON document, in which the keys that tell its kind are looked for.
constexpr std::size_t kHead = std::size_t{64} << 10;

bool is_tiff(std::string_view head) {
  using namespace std::string_view_literals;
  for (const std::string_view magic : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv}) {
    if (head.starts_with(magic)) return true;
  }
  return false;
}

FileKind kind_of_json(std::string_view head) {
  const auto has = [&](std::string_view key) { return head.find(key) != std::string_view::npos; };
  if (has("\"cube_type\"")) return FileKind::kGraph;
  if (has("\"stac_version\"")) return FileKind::kStac;
  if (has("\"FeatureCollection\"")) return FileKind::kFeatures;
  return FileKind::kOtherJson;
}

// An application's number in the header of a SQLite file: "GPKG".
bool is_geopackage(std::string_view head) {
  constexpr std::size_t kPlace = 68;
  return head.size() > kPlace + 4 && head.substr(kPlace, 2) == "GP";
}

FileKind kind_of_head(std::string_view head) {
  if (head.starts_with("SQLite format 3")) {
    return is_geopackage(head) ? FileKind::kFeatures : FileKind::kCatalog;
  }
  if (head.starts_with("CDF") || head.starts_with("\x89HDF")) return FileKind::kNetcdf;
  if (head.starts_with("\x7f"
                       "ELF"))
    return FileKind::kElf;
  if (is_tiff(head)) return FileKind::kTiff;
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && head[first] == '{') return kind_of_json(head);
  return FileKind::kUnknown;
}

// Of a remote file, into which nobody looks just to know what it may be.
FileKind kind_of_name(const std::string& name) {
  const std::string text = lower(name);
  const auto ends = [&](std::string_view ending) { return text.ends_with(ending); };
  if (ends(".zarr") || ends(".zarr/") || ends(".zarr.zip")) return FileKind::kZarr;
  if (ends(".nc") || ends(".nc4")) return FileKind::kNetcdf;
  return FileKind::kUnknown;
}

}  // namespace

std::string file_head(const std::string& file, std::size_t most) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return {};
  std::string head(most, '\0');
  std::size_t size = 0;
  while (size < most) {
    const ssize_t count =
        ::pread(descriptor, head.data() + size, most - size, static_cast<off_t>(size));
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  ::close(descriptor);
  head.resize(size);
  return head;
}

bool is_stream(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return false;
  return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || S_ISCHR(status.st_mode);
}

FileKind kind_of_file(const std::string& file) {
  namespace fs = std::filesystem;
  if (is_remote(file)) return kind_of_name(without_query(file));
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) {
    const bool zarr = fs::exists(fs::path(file) / ".zgroup", ignored) ||
                      fs::exists(fs::path(file) / ".zmetadata", ignored);
    return zarr ? FileKind::kZarr : FileKind::kFolder;
  }
  if (!fs::is_regular_file(file, ignored)) return FileKind::kUnknown;
  return kind_of_head(file_head(file, kHead));
}

std::string what_reads(const std::string& file, std::string_view cube_type) {
  if (is_remote(file)) return "";  // its name says too little
  const bool rasters = cube_type == "raster" || cube_type == "simple_cube";
  switch (kind_of_file(file)) {
    case FileKind::kFolder:
      if (cube_type == "zarr") return "";
      return "it is a folder: cube_type simple_cube reads the rasters in it as \"" + file +
             "/*.tif\", 'cube catalog create' makes a catalog of them";
    case FileKind::kZarr:
      return cube_type == "zarr" ? "" : "it is a Zarr group, which cube_type zarr reads";
    case FileKind::kNetcdf:
      return cube_type == "ncdf" ? "" : "it is a netCDF or HDF5 file, which cube_type ncdf reads";
    case FileKind::kCatalog:
      if (cube_type == "image_collection") return "";
      return "it is a catalog of images, which cube_type image_collection reads";
    case FileKind::kTiff:
      if (rasters) return "";
      return "it is a TIFF file, which cube_type raster reads, several with times simple_cube";
    case FileKind::kGraph:
      return cube_type == "saved" ? "" : "it is a graph, which cube_type saved reads";
    case FileKind::kStac:
      return "it is STAC: 'cube catalog create --stac' makes a catalog of it, which "
             "image_collection reads";
    case FileKind::kFeatures:
      if (cube_type == "features") return "";
      return "it holds features: filter_geom, zonal and extract read it";
    case FileKind::kElf:
    case FileKind::kOtherJson:
    case FileKind::kUnknown:
      break;
  }
  return "";
}

std::string hint_for(const std::string& file, std::string_view cube_type,
                     const std::string& otherwise) {
  std::string hint = what_reads(file, cube_type);
  return hint.empty() ? otherwise : hint;
}

}  // namespace cube
