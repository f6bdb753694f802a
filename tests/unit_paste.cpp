// Windows of a tiled image on grids that line up with it: whole blocks and parts of them, beyond
// the edges, masked or not, in any storage, against the cells that were written.
#include <cmath>
#include <limits>
#include <random>

#include "engine/collection_blocks.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr int kWidth = 300;
constexpr int kHeight = 210;
constexpr int kBlock = 64;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Cells of 10 m in tiles of 64, 7 = nodata; and a mask of 20 m whose cells are 3 in the columns of
// the second tile and, here and there, elsewhere.
struct Tiled {
  Tiled() {
    std::mt19937 random(1);
    for (int i = 0; i < kWidth * kHeight; ++i)
      cells.push_back(7 + static_cast<double>(random() % 5000) * (i % 9 > 0));
    test::write_raster(file, {.width = kWidth, .height = kHeight, .nodata = 7, .block = kBlock},
                       cells);
    for (int i = 0; i < kWidth / 2 * kHeight / 2; ++i) {
      const int column = i % (kWidth / 2);
      const bool second = column >= kBlock / 2 && column < kBlock;
      classes.push_back(second || random() % 7 == 0 ? 3 : 4);
    }
    test::write_raster(mask_file,
                       {.transform = {500000, 20, 0, 5000000, 0, -20},
                        .width = kWidth / 2,
                        .height = kHeight / 2,
                        .type = GDT_Byte,
                        .block = kBlock},
                       classes);
    mask.layers.push_back({{mask_file, 1, {}}, {.values = {3}}});
    everything.layers.push_back({{mask_file, 1, {}}, {.values = {3, 4}}});
  }

  // Row and column of the image.
  double at(std::int64_t row, std::int64_t column, bool masked) const {
    if (row < 0 || column < 0 || row >= kHeight || column >= kWidth) return kNaN;
    const double value = cells[static_cast<std::size_t>(row * kWidth + column)];
    const auto in_mask = static_cast<std::size_t>(row / 2 * (kWidth / 2) + column / 2);
    return value == 7 || (masked && classes[in_mask] == 3) ? kNaN : value;
  }

  test::TempDir dir;
  std::string file = dir.file("tiled.tif");
  std::string mask_file = dir.file("mask.tif");
  std::vector<double> cells;
  std::vector<double> classes;
  NativeMask mask;
  NativeMask everything;
};

// The image's cells begin at row 64 and column 128 of the grid.
constexpr std::int64_t kFirstRow = 64;
constexpr std::int64_t kFirstColumn = 128;
const Grid kGrid{
    "EPSG:32631", 500000 - 10.0 * kFirstColumn, 5000000 + 10.0 * kFirstRow, 10, 10, 512, 384};

// How many cells of the block differ from what was written.
int wrong_cells(const BlockPtr& block, const Tiled& image, const Range& rows, const Range& columns,
                bool masked) {
  int wrong = 0;
  std::vector<double> scratch;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto line = block ? block->row(0, row, scratch) : std::span<const double>{};
    for (std::int64_t column = columns.begin; column < columns.end; ++column) {
      const double expected = image.at(row - kFirstRow, column - kFirstColumn, masked);
      const double value = block ? line[static_cast<std::size_t>(column - columns.begin)] : kNaN;
      wrong += std::isnan(expected) ? !std::isnan(value) : value != expected;
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("any window of a tiled image holds its cells") {
  const Tiled image;
  const std::vector<Storage> storages = {{DType::kUInt16, 7.0},
                                         {DType::kUInt16, 65535.0},
                                         {DType::kFloat32, kNaN},
                                         {DType::kFloat64, kNaN}};
  const auto reader = make_image_reader();
  std::mt19937 random(2);
  const auto window = [&](std::int64_t size) {
    const bool whole = random() % 2 == 0;  // of whole tiles
    const std::int64_t step = whole ? kBlock : 1;
    const std::int64_t begin = static_cast<std::int64_t>(random()) % (size / step);
    const std::int64_t length = 1 + static_cast<std::int64_t>(random()) % (size / step - begin);
    return Range{begin * step, (begin + length) * step};
  };
  for (int trial = 0; trial < 400; ++trial) {
    const Range rows = window(kGrid.height);
    const Range columns = window(kGrid.width);
    const bool masked = random() % 2 == 0;
    const Resampling method = random() % 2 ? Resampling::kNearest : Resampling::kBilinear;
    const BlockPtr block =
        reader->read({image.file, 1, {}}, {&kGrid, rows, columns, method, storages[random() % 4]},
                     masked ? &image.mask : nullptr);
    CAPTURE(trial);
    CHECK(wrong_cells(block, image, rows, columns, masked) == 0);
  }
  CHECK(reader->stats().warped == 0);
}

TEST_CASE("what a mask hides is not decoded") {
  const Tiled image;
  const auto decoded = [&](const NativeMask* mask, const Range& columns) {
    const auto reader = make_image_reader();
    const Range rows{kFirstRow, kFirstRow + 2 * kBlock};
    const BlockPtr block =
        reader->read({image.file, 1, {}},
                     {&kGrid, rows, columns, Resampling::kNearest, {DType::kUInt16, 7.0}}, mask);
    CHECK((block == nullptr) == (mask == &image.everything));
    return reader->stats().cells_decoded;
  };
  const auto tiles = [](std::int64_t from, std::int64_t to) {
    return Range{kFirstColumn + from * kBlock, kFirstColumn + to * kBlock};
  };
  CHECK(decoded(nullptr, tiles(0, 3)) == 6 * kBlock * kBlock);
  CHECK(decoded(&image.mask, tiles(0, 3)) == 4 * kBlock * kBlock);
  CHECK(decoded(&image.mask, tiles(0, 3).shifted(1)) == (3 * kBlock - kBlock) * 2 * kBlock);
  CHECK(decoded(&image.everything, tiles(0, 3)) == 0);
}

TEST_CASE("a mask kept for the next band is not taken for another one") {
  const Tiled image;
  const auto reader = make_image_reader();
  const Range rows{kFirstRow, kFirstRow + kBlock};
  const Range columns{kFirstColumn, kFirstColumn + kBlock};
  const auto read = [&](const NativeMask* mask, const Range& wanted) {
    return reader->read({image.file, 1, {}},
                        {&kGrid, rows, wanted, Resampling::kNearest, {DType::kUInt16, 7.0}}, mask);
  };
  CHECK(wrong_cells(read(&image.mask, columns), image, rows, columns, true) == 0);
  CHECK(read(&image.everything, columns) == nullptr);
  CHECK(wrong_cells(read(nullptr, columns), image, rows, columns, false) == 0);
  CHECK(wrong_cells(read(&image.mask, columns.shifted(3)), image, rows, columns.shifted(3), true) ==
        0);
  CHECK(wrong_cells(read(&image.mask, columns), image, rows, columns, true) == 0);
}

TEST_CASE("the blocks of a collection are those of images that line up") {
  const Tiled image;
  Image first;
  first.bands = {{0, image.mask_file, 1}, {1, image.file, 1}};
  CHECK(blocks_of_collection({first}, kGrid)->shape == ChunkShape{1, kBlock, kBlock});
  Grid other = kGrid;
  other.left += 10;  // blocks begin elsewhere
  CHECK_FALSE(blocks_of_collection({first}, other).has_value());
  other = kGrid;
  other.top += 320.004;  // cells do not lie on cells
  CHECK_FALSE(blocks_of_collection({first}, other).has_value());
  other = kGrid;
  other.crs = "EPSG:32632";
  CHECK_FALSE(blocks_of_collection({first}, other).has_value());
  other = {"EPSG:32631", 500000, 5000000, 20, 20, 10, 10};  // that of the mask
  CHECK(blocks_of_collection({first}, other)->shape == ChunkShape{1, kBlock, kBlock});
  first.bands = {{0, "/nowhere.tif", 1}};
  CHECK_FALSE(blocks_of_collection({first}, kGrid).has_value());
  CHECK_FALSE(blocks_of_collection({}, kGrid).has_value());
}
