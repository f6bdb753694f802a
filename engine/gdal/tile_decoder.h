// TileDecoder: the tiles of a GeoTIFF band, past libtiff.
//
// GDAL says where a tile lies and decompresses it; the predictor is undone here. libtiff takes 2 ns
// a cell to add up differences of 16 bits, as long as decompressing them takes; a running sum in a
// register takes 0.3. Predictor 2 is that of TIFF 6.0, section 14; 3 that of Adobe Photoshop TIFF
// Technical Note 3 (see TileEncoder, its inverse).
//
// Where only rows at the top of a DEFLATE tile are wanted, inflating stops there (ISA-L's igzip, as
// fast as what GDAL uses): the series of a pixel takes half the time on average. What follows is
// not looked at then, so that damage there is not noticed.
//
// Thread rule: one a thread.
#pragma once

#include <cpl_vsi.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/gdal/block_cache.h"
#include "engine/gdal/handles.h"

namespace cube {

// What decoding took.
struct DecodingWork {
  std::int64_t blocks = 0;  // those decoded in part, too
  double seconds = 0;       // of TileDecoders; GDAL reads and decodes in one go
};

class TileDecoder {
 public:
  // For a band or overview of an open image whose blocks hold one band's cells each. Nothing for
  // what is left to GDAL: other drivers, files that are not plain local ones, compressions besides
  // DEFLATE and ZSTD, cells that are not stored in whole bytes in this machine's order.
  // `blocks`, if given, serves block(), and what is decoded is added to `work`; both must outlive
  // the decoder.
  static std::optional<TileDecoder> make(GDALRasterBandH band, const std::string& descriptor,
                                         BlockCache* blocks = nullptr,
                                         DecodingWork* work = nullptr);

  // True where the first rows of a block can be had without the others.
  bool stops_early() const { return stops_early_; }

  // Decodes block (x, y) into `out`, width x height cells of the band's type. False, with `out`
  // undefined, for what is left to GDAL: a block that is not in the file, or damage, which GDAL
  // tells better.
  bool decode(int x, int y, std::byte* out);

  // The same from the cache, into which it goes; its first `rows` rows at least. Null also where
  // the cache is too small.
  BlockCache::Cells block(int x, int y, std::size_t rows);

 private:
  TileDecoder() = default;
  std::size_t row_bytes() const { return width_ * cell_; }
  std::size_t tile_bytes() const { return height_ * row_bytes(); }
  // Where block (x, y) begins in the file; nothing where it is not there.
  std::optional<std::uint64_t> offset_of(int x, int y) const;
  // Whole rows from the first on, as many as `out` holds.
  bool decode_at(std::uint64_t offset, int x, int y, std::span<std::byte> out);
  // Reads and decodes. The time that goes into reading is added to `reading`.
  bool unpack_rows(std::uint64_t offset, std::size_t size, std::span<std::byte> out,
                   double& reading);
  // The whole of a block, whose `size` bytes come next in the file.
  bool unpack(VSILFILE* file, std::size_t size, std::span<std::byte> out, double& reading) const;
  void undo_predictor(std::byte* row);

  GDALRasterBandH band_ = nullptr;
  BlockCache* blocks_ = nullptr;
  DecodingWork* work_ = nullptr;
  BlockCache::Key key_;
  std::string path_;  // opened for each tile: GDAL holds a handle already, and there are not many
  const char* decompressor_ = nullptr;  // GDAL's name
  bool stops_early_ = false;            // the first rows can be had alone
  int predictor_ = 1;
  std::size_t cell_ = 0;  // bytes
  std::size_t width_ = 0;
  std::size_t height_ = 0;
  std::vector<std::byte> planes_;  // one row
};

}  // namespace cube
