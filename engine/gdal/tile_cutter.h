// TileCutter: tiles of a TIFF out of the pieces that workers bring.
// Thread rule: immutable; cut() from several threads at a time, each with its own buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/gdal/output_file.h"

namespace cube {

// How the cells of one image lie in a TIFF: planes after one another, each cut into tiles whose
// cells hold `samples` values. Planes x samples = bands of the file.
struct TileLayout {
  std::int64_t width = 0;  // cells
  std::int64_t height = 0;
  std::int64_t tile_width = 0;
  std::int64_t tile_height = 0;
  std::int64_t planes = 1;
  std::int64_t samples = 1;
  Storage storage{DType::kUInt8, {}};

  std::int64_t across() const { return (width + tile_width - 1) / tile_width; }
  std::int64_t down() const { return (height + tile_height - 1) / tile_height; }
  std::int64_t tiles() const { return across() * down() * planes; }
  std::int64_t tile_bytes() const {
    return tile_width * tile_height * samples * static_cast<std::int64_t>(size_of(storage.dtype));
  }
  // In the order in which TIFF lists tiles.
  std::size_t index(std::int64_t plane, std::int64_t ty, std::int64_t tx) const {
    return static_cast<std::size_t>((plane * down() + ty) * across() + tx);
  }
};

class TileCutter {
 public:
  struct Buffers {
    std::vector<std::byte> tile;
    std::vector<std::byte> row;
  };

  // `info` is the file's cube. The bands of the file are bands x slices, slices varying fastest;
  // they are the planes of `layout`, or the samples of its only plane.
  TileCutter(const CubeInfo& info, const TileLayout& layout);

  // Whether chunks of that shape hold whole tiles with all their samples.
  bool fits(const ChunkShape& tiling) const;

  // The cells of a tile, rows of tile_width cells; beyond the image they are missing. The result
  // points into the piece or into `buffers`. Empty when all cells are missing.
  // REQUIRES: the piece holds all of the tile that lies in the image.
  std::span<const std::byte> cut(const Piece& piece, std::int64_t plane, std::int64_t ty,
                                 std::int64_t tx, Buffers& buffers) const;

  // The tiles that a piece holds, as f(plane, ty, tx).
  template <class F>
  void for_tiles(const Piece& piece, F&& f) const;

 private:
  // Where the bands of plane 0.. come from.
  struct Source {
    std::size_t band;
    std::int64_t slice;
  };
  Source source(std::int64_t plane, std::int64_t sample) const;
  void copy_rows(std::span<const std::byte> first_row, std::int64_t row_cells, const Storage& from,
                 std::int64_t rows, std::int64_t columns, std::int64_t sample,
                 Buffers& buffers) const;

  std::vector<Storage> from_;  // of the cube's bands
  std::int64_t slices_;
  TileLayout layout_;
  std::vector<std::byte> missing_;  // one value as it is stored
};

// The missing value (0 where there is none) as it is stored.
std::vector<std::byte> missing_cell(const Storage& storage);

// Makes all cells `value` (one cell).
void fill_cells(std::span<std::byte> cells, std::span<const std::byte> value);

// True when the cells are `value` (one cell) throughout.
bool all_equal(std::span<const std::byte> cells, std::span<const std::byte> value);

template <class F>
void TileCutter::for_tiles(const Piece& piece, F&& f) const {
  const Region& region = piece.region;
  const auto bands = static_cast<std::int64_t>(from_.size());
  for (std::int64_t b = 0; b < (layout_.planes == 1 ? 1 : bands); ++b) {
    for (std::int64_t t = region.t.begin; t < (layout_.planes == 1 ? 1 : region.t.end); ++t) {
      for (std::int64_t y = region.y.begin; y < region.y.end; y += layout_.tile_height) {
        for (std::int64_t x = region.x.begin; x < region.x.end; x += layout_.tile_width) {
          f(b * slices_ + t, y / layout_.tile_height, x / layout_.tile_width);
        }
      }
    }
  }
}

}  // namespace cube
