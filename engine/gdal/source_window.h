// SourceWindow: a rectangle of an image's cells, with what is missing in it.
// Thread rule: one a thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/dtype.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/tile_decoder.h"
#include "engine/region.h"

namespace cube {

// Cells of one band at one resolution, in the band's own type, C order (row, column).
struct SourceWindow {
  Range rows;     // of the band or overview read
  Range columns;  // may go on beyond its edges where the image goes round the world
  DType dtype = DType::kUInt8;
  std::optional<double> nodata;  // among the cells; NaN is missing in any case
  std::vector<std::byte> cells;
  const std::byte* borrowed = nullptr;  // cells that are kept elsewhere, instead of `cells`
  std::vector<std::uint8_t> hidden;     // 1 = missing; empty = nothing is hidden

  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(borrowed ? borrowed : cells.data());
  }
  std::size_t size() const { return static_cast<std::size_t>(rows.size() * columns.size()); }
};

// Whether cells are bytes from -128 to 127: before version 3.7 GDAL takes them for those from 0 to
// 255.
bool has_signed_bytes(GDALRasterBandH band);

// The type that cells of a band are read in: its own, int16 for signed bytes, float64 for 64-bit
// integers. Throws Error(kUnreadable) for complex cells.
DType read_dtype(GDALRasterBandH band, const std::string& descriptor);

// A band or overview that cells are read from.
struct SourceBand {
  GDALRasterBandH band;
  const std::string& descriptor;  // of the image, for errors
  // True when windows of whole blocks are decoded in place and do not pass through a cache. Each
  // block of the file must have cells of this band only and decode by itself.
  bool blocks_apart = false;
  TileDecoder* tiles = nullptr;  // a faster way to such blocks, where there is one
  std::int64_t round = 0;        // as ImageSize has it
  DecodingWork* work = nullptr;  // of blocks that GDAL decodes, unless they are made of other files
};

// Columns of an image that goes round the world, which may lie beyond its `width`, as they are
// stored: calls f(columns, first) for each run of them, `first` counted from the first one's.
template <class F>
void for_runs(const Range& columns, std::int64_t width, std::int64_t round, F&& f) {
  for (std::int64_t at = columns.begin; at < columns.end;) {
    std::int64_t turns = 0;
    if (at < 0) turns = (-at + round - 1) / round;
    if (at >= width) turns = -((at - width) / round + 1);
    const std::int64_t stored = at + turns * round;
    const std::int64_t run = std::min(columns.end - at, (at < 0 ? round : width) - stored);
    f(Range{stored, stored + run}, at - columns.begin);
    at += run;
  }
}

// Reads a rectangle without resampling as cells of `dtype`, row after row, `row_bytes` apart.
// `hidden` (C order, 1 = hidden, or empty: none) says which cells are not needed: blocks of the
// file with no other cells are left out, and their cells in `out` are left as they are.
// Returns how many cells were asked of GDAL. REQUIRES: inside the band; read_dtype() fits `dtype`.
// Throws Error(kUnreadable) with GDAL's reason.
std::int64_t read_cells(const SourceBand& source, const Range& rows, const Range& columns,
                        DType dtype, std::span<const std::uint8_t> hidden, std::byte* out,
                        std::size_t row_bytes);

// The nodata value that cells of a band can have; `given` overrides the band's own.
std::optional<double> nodata_of(GDALRasterBandH band, DType dtype, std::optional<double> given);

// True when GDAL has a mask band (per-dataset mask, alpha) for the band.
bool has_mask_band(GDALRasterBandH band);

// Reads a rectangle with what is missing in it: `hidden`, as above, and what GDAL's mask band
// hides. Returns how many cells were asked of GDAL. The columns may go on beyond the band where the
// image goes round the world.
std::int64_t read_window(const SourceBand& source, const Range& rows, const Range& columns,
                         std::optional<double> nodata, std::span<const std::uint8_t> hidden,
                         SourceWindow& out);

// The window as doubles with NaN for missing.
void to_doubles(const SourceWindow& window, std::vector<double>& out);

// The same, also in single precision. V: float or double.
template <class V>
void to_reals(const SourceWindow& window, std::vector<V>& out);

}  // namespace cube
