// Cloud Optimized GeoTIFFs that the workers write: tiles and overviews are encoded as chunks come
// in, into a temporary file; at the end they are only copied into the order that a COG has. The
// layout is that of GDAL's COG driver: directories first, overviews before the image, tiles in row
// order, each between its length and its last four bytes.
#pragma once

#include <string>
#include <vector>

#include "engine/gdal/direct_tiff.h"
#include "engine/gdal/pyramid.h"

namespace cube {

// The GTiff driver's options for a file with these options of the COG driver. Nothing where they
// ask for what only that driver does.
std::optional<OutputOptions> direct_cog_creation(const OutputOptions& cog, const Storage& storage,
                                                 const ChunkShape& tiling, const Grid& grid);

class DirectCog {
 public:
  // `raw` and `target` are paths; an earlier run has put the tiles of `pieces` into the raw file.
  // The overviews are made anew, for which these tiles are decoded.
  DirectCog(const FilePart& part, DirectSetup setup, const OutputOptions& cog,
            const std::string& raw, const std::string& target,
            const std::vector<WrittenPiece>& pieces);

  // Thread rule: several workers at a time, pieces are disjoint.
  void write(const Piece& piece, TileLog& log);
  // Copies tiles of `pieces` that another such raw file has; the overviews are made of them in
  // finish().
  void adopt(const std::string& raw, const std::vector<WrittenPiece>& pieces);
  void finish();

 private:
  struct Scratch {
    TileWriter::Scratch tile;
    Pyramid::Scratch pyramid;
  };

  void take_over(const std::vector<WrittenPiece>& pieces);
  // Makes what overviews take from tiles that are in the raw file, by decoding them.
  void halve_again(const std::vector<WrittenPiece>& pieces);
  // Makes what overviews take from a tile.
  void halve(std::int64_t plane, std::int64_t ty, std::int64_t tx, std::span<const std::byte> cells,
             Scratch& scratch);
  // Puts the tiles of overviews into the raw file. REQUIRES: `scratch` outlives it.
  Pyramid::Store store_to(Scratch& scratch);
  std::vector<std::byte> raw_head() const;
  std::vector<TiffDirectory> directories() const;
  void copy_tiles(TileIndex& index, const PlacedFile& from, PlacedFile& to) const;

  std::string name_;
  DirectSetup setup_;
  TileWriter writer_;
  std::string raw_path_;
  PlacedFile raw_;
  std::string target_;
  std::vector<TileLayout> overviews_;
  std::vector<TileIndex> indices_;  // of the image, then of the overviews
  Pyramid pyramid_;
  Pool<Scratch> scratch_;
  std::vector<WrittenPiece> adopted_;  // without their tiles
};

}  // namespace cube
