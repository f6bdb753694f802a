// Zarr: the files of a group, each after a line "== NAME", and what CF makes of them; chunks too.
#include <cpl_vsi.h>

#include <algorithm>

#include "engine/array_cube.h"
#include "engine/gdal/array_store.h"
#include "tests/fuzz/array_fuzz.h"
#include "tests/fuzz/fuzz.h"

namespace {

constexpr const char* kFolder = "/vsimem/fuzz.zarr";

// Where the next "== NAME" line begins.
std::size_t next_part(std::string_view bytes) {
  if (bytes.starts_with("== ")) return 0;
  const std::size_t at = bytes.find("\n== ");
  return at == std::string_view::npos ? bytes.size() : at + 1;
}

// Of a file that a disk can hold. GDAL's files in memory may have folders without a name, in which
// it looks for others without end, and take long for many folders in each other.
bool is_file_name(const std::string& name) {
  constexpr int kMostGroups = 10;
  const std::string path = "/" + name;
  return path.find("..") == std::string::npos && path.find("//") == std::string::npos &&
         path.back() != '/' && std::ranges::count(name, '/') <= kMostGroups;
}

}  // namespace

CUBE_FUZZ_TARGET(zarr) {
  VSIRmdirRecursive(kFolder);
  VSIMkdirRecursive(kFolder, 0755);
  bytes.remove_prefix(next_part(bytes));
  constexpr int kMostFiles = 50;
  for (int i = 0; i < kMostFiles && !bytes.empty(); ++i) {
    bytes.remove_prefix(3);
    const std::string name(cube::fuzz::take_line(bytes));
    const std::size_t end = next_part(bytes);
    if (is_file_name(name)) {
      VSILFILE* file = VSIFOpenL((std::string(kFolder) + "/" + name).c_str(), "wb");
      if (file) {
        VSIFWriteL(bytes.data(), 1, end, file);
        VSIFCloseL(file);
      }
    }
    bytes.remove_prefix(end);
  }
  cube::fuzz::read_arrays(kFolder, {.cube_type = "zarr", .open = &cube::open_zarr});
}
