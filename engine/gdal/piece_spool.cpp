#include "engine/gdal/piece_spool.h"

namespace cube {

PieceSpool::PieceSpool(const std::string& path, const std::string& file, PlacedFile::Mode mode)
    : file_(path, file, mode) {}

void PieceSpool::put(const Piece& piece, TileLog& log) {
  for (std::size_t b = 0; b < piece.bands.size(); ++b) {
    const std::span<const std::byte> cells = piece.bands[b];
    if (cells.empty()) continue;
    const std::uint64_t at = file_.take(cells.size());
    file_.write(cells, at);
    log.push_back({0, b, at, cells.size()});
  }
}

void PieceSpool::replay(const std::vector<WrittenPiece>& pieces, std::size_t bands,
                        const std::function<void(const Piece&)>& write) {
  file_.cut(end_of(pieces, 0));
  each(pieces, bands, write);
}

void PieceSpool::each(const std::vector<WrittenPiece>& pieces, std::size_t bands,
                      const std::function<void(const Piece&)>& write) const {
  std::vector<std::vector<std::byte>> cells(bands);
  for (const WrittenPiece& written : pieces) {
    Piece piece{written.region, {}};
    for (auto& band : cells) band.clear();
    for (const StoredTile& tile : written.tiles) {
      cells.at(tile.index).resize(tile.bytes);
      file_.read(cells[tile.index], tile.offset);
    }
    for (const auto& band : cells) piece.bands.emplace_back(band);
    write(piece);
  }
}

}  // namespace cube
