// Native masks: which cells of an image other bands hide, on the image's own grid.
// Thread rule: one a thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/gdal/dataset_pool.h"
#include "engine/gdal/recently_used.h"
#include "engine/gdal/source_window.h"
#include "engine/image_reader.h"

namespace cube {

// What masks hide of a rectangle of cells.
struct HiddenCells {
  bool all = false;                 // every cell
  std::vector<std::uint8_t> cells;  // 1 = hidden, C order; empty = none, or all
};

// A rectangle of an image's cells, read at a resolution of `scale_y` x `scale_x` full-resolution
// cells a cell. Its columns may go on beyond the edges of an image that goes round the world.
struct MaskedWindow {
  Range rows;
  Range columns;
  double scale_y = 1;
  double scale_x = 1;
  std::int64_t width = 0;  // of the image at that resolution
  std::int64_t round = 0;  // as ImageSize has it
};

// Finds hidden cells, and keeps what it found: the bands of an image are read one after the other
// and share their masks.
class NativeMasker {
 public:
  // REQUIRES: `pool` outlives the masker.
  explicit NativeMasker(DatasetPool& pool);
  ~NativeMasker();

  // What `mask` hides of the image of a band. A cell is hidden when the cell of a mask band that
  // holds its centre is. A mask band may have another grid, in the same CRS; its overviews are used
  // as far as they are no coarser than the window's cells.
  //
  // Dilation grows hidden areas by a square of cells of the mask band at full resolution (Chebyshev
  // distance). Cells outside the mask band and its missing cells match nothing: they are visible,
  // or hidden when the rule is inverted.
  //
  // The result is valid until the next call. Images taken from the pool before may be closed.
  // Throws Error(kUnreadable).
  const HiddenCells& hidden(const RasterBand& source, const MaskedWindow& window,
                            const NativeMask& mask);

  // Bytes of hidden cells that are kept at most, besides the last ones.
  static constexpr std::size_t kKeptBytes = std::size_t{8} << 20;

 private:
  // What the hidden cells of a window depend on.
  struct Key {
    Range rows;
    Range columns;
    std::array<double, 6> transform;  // of the cells
    std::string crs;
    std::vector<NativeMask::Layer> layers;

    bool operator==(const Key&) const = default;
  };
  class ValueTest;
  static constexpr std::size_t kMostKept = 256;  // so that looking for one stays cheap

  HiddenCells find_all(Key& key, const MaskedWindow& window);
  void find(const Key& key, std::vector<std::uint8_t>& hidden);
  ValueTest& test_of(const MaskRule& rule);

  DatasetPool& pool_;
  RecentlyUsed<Key, HiddenCells> kept_{kKeptBytes, kMostKept};
  std::vector<std::unique_ptr<ValueTest>> tests_;
};

}  // namespace cube
