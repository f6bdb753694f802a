// TileEncoder: what TIFF does to the cells of a tile before they are stored, a predictor and a
// compression, without a TIFF library, so that workers do it side by side.
//
// The bytes are those that libtiff's own coding of the same options decodes: predictor 2 stores
// differences of neighbouring cells (TIFF 6.0, section 14), predictor 3 puts the bytes of a row's
// floating-point cells in planes, highest first, and stores differences of bytes (Adobe Photoshop
// TIFF Technical Note 3).
// Thread rule: encode() from several threads at a time, each with its own scratch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/dtype.h"
#include "engine/gdal/compress.h"
#include "engine/gdal/output_file.h"

namespace cube {

struct TileCoding {
  std::string compressor;  // GDAL's name: "zlib", "zstd"; "" = none
  int level = 0;
  int predictor = 1;  // 1 = none
};

// How GDAL's GTiff driver would store tiles of `dtype` with these creation options. Nothing for
// what is left to GDAL: other compressions, and compressors it was built without.
std::optional<TileCoding> tile_coding(const OutputOptions& creation, DType dtype);

class TileEncoder {
 public:
  struct Scratch {
    std::vector<std::byte> row;
    std::vector<std::byte> predicted;
    std::vector<std::byte> packed;
  };

  // Rows of `width` cells of `samples` interleaved values each.
  TileEncoder(const TileCoding& coding, DType dtype, std::int64_t width, std::int64_t samples);

  // The bytes to store: `tile` itself or a part of `scratch`. Throws Error(kInternal) when the
  // compressor gives up. REQUIRES: `tile` holds whole rows.
  std::span<const std::byte> encode(std::span<const std::byte> tile, Scratch& scratch) const;

  // Upper bound of the scratch for a tile of so many bytes, the compressor's own included.
  std::int64_t scratch_bytes(std::int64_t tile_bytes) const;

 private:
  void predict(std::span<const std::byte> tile, Scratch& scratch) const;

  TileCoding coding_;
  Compression compression_;
  std::size_t cell_;
  std::size_t row_cells_;
  std::size_t samples_;
};

}  // namespace cube
