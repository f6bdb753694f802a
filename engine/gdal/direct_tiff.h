// GeoTIFFs whose tiles are cut, encoded and written by the workers side by side. GDAL makes the
// tags and nothing else: no cell passes through its block cache or one of its locks.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/gdal/geotiff_options.h"
#include "engine/gdal/output_file.h"
#include "engine/gdal/tiff_directory.h"
#include "engine/gdal/tile_cutter.h"
#include "engine/gdal/tile_encoder.h"
#include "engine/gdal/tile_store.h"

namespace cube {

// What a direct file needs to know.
struct DirectSetup {
  TiffHead head;  // without tiles
  TileLayout layout;
  TileCoding coding;
  SharedSeconds encoding = {};
};

// How a file with these creation options of the GTiff driver would be written directly; nothing
// where that is left to GDAL: options and compressions that are not known here, chunks that do not
// hold whole tiles. Throws Error(kUnwritable) where GDAL refuses.
std::optional<DirectSetup> direct_setup(const FilePart& part, const Storage& storage,
                                        const OutputOptions& creation, const ChunkShape& tiling,
                                        const Provenance& provenance);

// Cuts and encodes the tiles of pieces and appends them to a file.
class TileWriter {
 public:
  // `framed`: each tile stands between its length and its last four bytes, as in COGs.
  TileWriter(const CubeInfo& info, const DirectSetup& setup, bool framed);

  // What one worker holds.
  struct Scratch {
    TileCutter::Buffers cut;
    TileEncoder::Scratch encode;
    std::vector<std::byte> framed;
  };

  const TileCutter& cutter() const { return cutter_; }

  // Encodes a tile and puts it at the end of `file`. Thread rule: any thread, each tile once.
  void append(std::span<const std::byte> cells, std::size_t tile, TileIndex& index,
              PlacedFile& file, Scratch& scratch) const;

  // Bytes of the frame before and after each tile.
  std::uint64_t frame() const { return framed_ ? 4 : 0; }

 private:
  TileLayout layout_;
  TileCutter cutter_;
  TileEncoder encoder_;
  SharedSeconds encoding_;
  bool framed_;
};

class DirectTiff {
 public:
  // Writes into `path`, which exists, behind the tiles of `pieces`.
  DirectTiff(const FilePart& part, DirectSetup setup, const std::string& path,
             const std::vector<WrittenPiece>& pieces);

  // Thread rule: several workers at a time, pieces are disjoint.
  void write(const Piece& piece, TileLog& log);
  // Copies tiles of `pieces` that another such file has.
  void adopt(const std::string& path, const std::vector<WrittenPiece>& pieces);
  void finish();

 private:
  std::string name_;
  DirectSetup setup_;
  TileWriter writer_;
  PlacedFile file_;
  TileIndex index_;
  Pool<TileWriter::Scratch> scratch_;
};

// Copies a tile, with the `frame` bytes before and behind it, to the end of `to`; gives where it
// lies there. `scratch` is for the next one.
std::uint64_t copy_tile(const PlacedFile& from, std::uint64_t offset, std::uint64_t bytes,
                        std::uint64_t frame, PlacedFile& to, std::vector<std::byte>& scratch);
// The same of all tiles of `pieces`, which are noted in `index`.
void copy_pieces(const std::vector<WrittenPiece>& pieces, const PlacedFile& from,
                 std::uint64_t frame, PlacedFile& to, TileIndex& index);

// Upper bound of what a worker holds while it cuts and encodes tiles, however they are written.
std::int64_t tile_scratch_bytes(const TileLayout& layout, const OutputOptions& creation);

// Throws Error(kUnwritable) when a classic TIFF would grow beyond its 4 GB.
void check_tiff_size(bool big, std::uint64_t end, const std::string& file);

}  // namespace cube
