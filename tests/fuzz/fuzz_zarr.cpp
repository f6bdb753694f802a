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

}  // namespace

CUBE_FUZZ_TARGET(zarr) {
  VSIRmdirRecursive(kFolder);
  VSIMkdirRecursive(kFolder, 0755);
  bytes.remove_prefix(next_part(bytes));
  constexpr int kMostFiles = 50;
  constexpr int kMostGroups = 10;  // in each other, for which GDAL's files in memory take long
  for (int i = 0; i < kMostFiles && !bytes.empty(); ++i) {
    bytes.remove_prefix(3);
    const std::string name(cube::fuzz::take_line(bytes));
    const std::size_t end = next_part(bytes);
    const bool deep = std::ranges::count(name, '/') > kMostGroups;
    if (name.find("..") == std::string::npos && !name.empty() && !deep) {
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
