// What is done with a file of arrays, whatever its format.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "engine/array_cube.h"
#include "engine/gdal/array_store.h"
#include "tests/fuzz/fuzz.h"

namespace cube::fuzz {

// A few cells of each array from its beginning and its end.
inline void read_cells(const ArrayStore& store) {
  constexpr std::int64_t kSide = 3;
  constexpr std::size_t kBytes = std::size_t{1} << 16;
  constexpr std::int64_t kScratch = std::int64_t{16} << 20;
  for (std::size_t array = 0; array < store.arrays().size(); ++array) {
    const ArrayInfo& info = store.arrays()[array];
    if (info.type == ArrayType::kOther || !info.unreadable.empty()) continue;
    if (store.scratch_bytes(array) > kScratch) continue;
    for (const bool last : {false, true}) {
      std::vector<std::int64_t> start;
      std::vector<std::int64_t> count;
      std::size_t bytes = size_of(info.type);
      for (const std::int64_t side : info.shape) {
        count.push_back(std::min(kSide, side));
        start.push_back(last ? side - count.back() : 0);
        bytes *= static_cast<std::size_t>(count.back());
        if (bytes > kBytes) break;
      }
      if (bytes > kBytes) continue;
      std::vector<std::byte> cells(bytes);
      attempt([&] { store.read(array, start, count, cells); });
    }
  }
}

inline void read_arrays(const std::string& file, const ArrayFormat& format) {
  attempt([&] { read_cells(*format.open(file)); });
  ArrayParams params;
  params.file = file;
  const ArrayCube cube = make_array_cube(params, format);
  require(cube.bands.size() == cube.info.bands.size(), "each band has its arrays");
  require(cube.info.grid.width > 0 && cube.info.grid.height > 0, "a cube has cells");
  require(cube.info.grid.dx > 0 && cube.info.grid.dy > 0, "cells have a size");
}

}  // namespace cube::fuzz
