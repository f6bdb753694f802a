// PieceSpool: the cells of pieces behind each other in a file, for writers that cannot go on with a
// file that they have half made: they make it anew and are given the pieces again.
//
// Thread rule: put() from several threads at a time; replay() before that, on one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/gdal/output_file.h"
#include "engine/gdal/tile_store.h"

namespace cube {

class PieceSpool {
 public:
  // Errors name `file`. Throws Error(kUnwritable).
  PieceSpool(const std::string& path, const std::string& file, PlacedFile::Mode mode);

  // Notes in `log` where the cells of each band lie.
  void put(const Piece& piece, TileLog& log);

  // Hands `pieces`, which were put, to `write`.
  void each(const std::vector<WrittenPiece>& pieces, std::size_t bands,
            const std::function<void(const Piece&)>& write) const;

  // Hands `pieces`, which a run before this one has put, to `write`; what else it has put is gone.
  void replay(const std::vector<WrittenPiece>& pieces, std::size_t bands,
              const std::function<void(const Piece&)>& write);

 private:
  PlacedFile file_;
};

}  // namespace cube
