// SourceWindow: a rectangle of an image's cells, with what is missing in it.
// Thread rule: one a thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/dtype.h"
#include "engine/gdal/handles.h"
#include "engine/region.h"

namespace cube {

// Cells of one band at one resolution, in the band's own type, C order (row, column).
struct SourceWindow {
  Range rows;  // of the band or overview read
  Range columns;
  DType dtype = DType::kUInt8;
  std::optional<double> nodata;  // among the cells; NaN is missing in any case
  std::vector<std::byte> cells;
  std::vector<std::uint8_t> hidden;  // 1 = missing; empty = nothing is hidden

  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(cells.data());
  }
  std::size_t size() const { return static_cast<std::size_t>(rows.size() * columns.size()); }
};

// The type that cells of a band are read in: its own, float64 for 64-bit integers. Throws
// Error(kUnreadable) for complex cells.
DType read_dtype(GDALRasterBandH band, const std::string& descriptor);

// Reads a rectangle without resampling, and hides what GDAL's mask band (per-dataset mask, alpha)
// hides. `nodata` overrides the band's own. REQUIRES: inside the band.
// Throws Error(kUnreadable) with GDAL's reason.
void read_window(GDALRasterBandH band, const Range& rows, const Range& columns,
                 std::optional<double> nodata, const std::string& descriptor, SourceWindow& out);

// The window as doubles with NaN for missing.
void to_doubles(const SourceWindow& window, std::vector<double>& out);

}  // namespace cube
