// Pyramid: the overviews of an image, made by the workers while its tiles come in.
//
// Each overview halves the one before it (sides round down, as GDAL's COG driver has it); its cell
// (y, x) is made of the cells (2y, 2x) to (2y + 1, 2x + 1): the first of them, or the mean of those
// that have a value. So a tile gives a quarter of a tile of the next overview and nothing else, in
// any order of tiles, and cells do not depend on who computed them. Quarters that wait for the
// other three lie in a scratch file, not in memory.
// Thread rule: add() from several workers at a time, each with its own scratch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "engine/gdal/tile_cutter.h"
#include "engine/gdal/tile_store.h"

namespace cube {

enum class OverviewMethod { kNearest, kAverage };

// `tile` of `in` to a quarter of a tile, in `out`. Rows of both hold whole cells.
// REQUIRES: even tile sides; `out` has a quarter of the bytes.
void halve_tile(std::span<const std::byte> tile, const TileLayout& layout, OverviewMethod method,
                std::span<std::byte> out);

// The layouts of the overviews of `base`, the largest first: until both sides are at most `most`.
std::vector<TileLayout> overview_layouts(const TileLayout& base, std::int64_t most);

class Pyramid {
 public:
  struct Scratch {
    std::vector<std::byte> tile;
    std::vector<std::byte> quarter;
  };
  // Stores a tile of overview `level` (from 0); never empty.
  using Store =
      std::function<void(std::size_t level, std::size_t tile, std::span<const std::byte>)>;

  // `scratch_file` takes tiles that are not complete yet, among whatever else is appended to it.
  Pyramid(const TileLayout& base, const std::vector<TileLayout>& overviews, OverviewMethod method,
          PlacedFile& scratch_file);

  // A tile of the image itself; empty = all missing. Each tile at most once. Overview tiles that
  // this one completes are given to `store`, on this thread.
  void add(std::int64_t plane, std::int64_t ty, std::int64_t tx, std::span<const std::byte> cells,
           Scratch& scratch, const Store& store);

  // Gives the overview tiles of which a part did not come, and is missing. Called by one thread
  // when no more tiles will come.
  void finish(Scratch& scratch, const Store& store);

 private:
  struct Tile {
    std::uint64_t slot = 0;    // where its quarters lie; 0 = nowhere
    std::uint8_t awaited = 0;  // quarters still to come
    std::uint8_t present = 0;  // bit q: quarter q has values
  };
  struct Level {
    TileLayout layout;
    std::vector<Tile> tiles;
  };

  // A tile of the image that level `l` is made of.
  void climb(std::size_t l, std::int64_t plane, std::int64_t ty, std::int64_t tx,
             std::span<const std::byte> cells, Scratch& scratch, const Store& store);
  // The cells of an overview tile, which is given to `store`; empty = all missing.
  std::span<const std::byte> close_tile(std::size_t l, std::size_t index, const Tile& tile,
                                        Scratch& scratch, const Store& store);
  std::uint64_t take_slot();
  void read_tile(const Tile& tile, Scratch& scratch) const;

  TileLayout base_;
  OverviewMethod method_;
  PlacedFile& file_;
  std::vector<std::byte> missing_;  // one cell's value as it is stored
  std::mutex mutex_;                // over the members below
  std::vector<Level> levels_;
  std::vector<std::uint64_t> free_slots_;
};

}  // namespace cube
