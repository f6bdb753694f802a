// BlockCache: what is kept, and that windows read through it are those that GDAL reads.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "engine/gdal/block_cache.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;

namespace {

// Puts the first `bytes` of a block of zeros in.
BlockCache::Cells put(BlockCache& cache, const BlockCache::Key& key, std::size_t bytes,
                      std::size_t whole) {
  return cache.get(key, bytes, whole, [](std::span<std::byte> cells) {
    std::ranges::fill(cells, std::byte{0});
    return true;
  });
}
BlockCache::Cells put(BlockCache& cache, const BlockCache::Key& key, std::size_t bytes) {
  return put(cache, key, bytes, bytes);
}

// Writes a raster of `spec`; its cells.
std::vector<double> write_varied(const std::string& file, const test::RasterSpec& spec) {
  std::vector<double> cells(static_cast<std::size_t>(spec.width * spec.height));
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<double>(i * 7919 % 4001);
  test::write_raster(file, spec, cells);
  return cells;
}

}  // namespace

TEST_CASE("the last used stay, within the bound") {
  BlockCache cache(100);
  put(cache, {"a", 1}, 40);
  put(cache, {"a", 2}, 40);
  CHECK(cache.find({"a", 1}));
  put(cache, {"b", 1}, 40);  // drops the one used longest ago
  CHECK_FALSE(cache.find({"a", 2}));
  CHECK(cache.find({"a", 1}));
  CHECK(cache.find({"b", 1}));
  put(cache, {"b", 1}, 30);  // is there already
  CHECK(cache.find({"b", 1})->size() == 40);
  put(cache, {"c", 1}, 101);  // larger than all
  CHECK_FALSE(cache.find({"c", 1}));
  CHECK_FALSE(cache.find({"b", 1}));
}

TEST_CASE("the first part of a block is kept until more is asked for, then all of it") {
  BlockCache cache(100);
  CHECK(put(cache, {"a", 1}, 10, 60)->size() == 10);
  CHECK(put(cache, {"a", 1}, 5, 60)->size() == 10);
  put(cache, {"b", 1}, 30);
  CHECK(put(cache, {"a", 1}, 11, 60)->size() == 60);
  CHECK(put(cache, {"a", 1}, 60, 60) == cache.find({"a", 1}));
  put(cache, {"c", 1}, 10);  // what held 10 bytes counts no more
  CHECK(cache.find({"b", 1}));
  put(cache, {"d", 1}, 1);
  CHECK_FALSE(cache.find({"a", 1}));
}

TEST_CASE("the bound may change") {
  BlockCache cache(100);
  CHECK(cache.suits(12));
  CHECK_FALSE(cache.suits(13));  // eight of them would not fit
  put(cache, {"a", 1}, 60);
  cache.resize(50);
  CHECK_FALSE(cache.find({"a", 1}));
  cache.resize(0);
  CHECK_FALSE(cache.suits(1));
}

TEST_CASE("a block that cannot be decoded is asked for again") {
  BlockCache cache(100);
  const auto fails = [](std::span<std::byte>) { return false; };
  const auto throws = [](std::span<std::byte>) -> bool { throw std::bad_alloc(); };
  CHECK_FALSE(cache.get({"a", 1}, 10, 20, fails));
  CHECK_THROWS_AS(cache.get({"a", 1}, 10, 20, throws), std::bad_alloc);
  CHECK(put(cache, {"a", 1}, 10, 20));
  CHECK_FALSE(cache.get({"a", 1}, 11, 20, fails));
  CHECK(put(cache, {"a", 1}, 10, 20)->size() == 10);  // the part that could be decoded
}

TEST_CASE("a block that several threads want at a time is decoded once") {
  BlockCache cache(1000);
  std::atomic<int> decoded = 0;
  std::latch start(4);
  std::vector<BlockCache::Cells> got(4);
  std::vector<std::thread> threads;
  for (auto& cells : got) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      cells = cache.get({"a", 1}, 10, 10, [&](std::span<std::byte> out) {
        ++decoded;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        std::ranges::fill(out, std::byte{7});
        return true;
      });
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(decoded == 1);
  for (const auto& cells : got) {
    REQUIRE(cells);
    CHECK(cells == got.front());
    CHECK(cells->at(9) == std::byte{7});
  }
}

TEST_CASE("workers that share blocks read what one without reads") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  test::RasterSpec spec;
  spec.width = spec.height = 300;
  spec.nodata = 0;
  spec.block = 64;
  write_varied(file, spec);
  const Grid shifted = {spec.crs, 500003, 4999996, 10, 10, 280, 290};
  const RasterBand band{file, 1, std::nullopt};
  const auto blocks = std::make_shared<BlockCache>(1 << 20);
  const auto read = [&](const std::shared_ptr<BlockCache>& kept) {
    std::vector<double> all;
    const auto reader = make_image_reader(kept);
    for (std::int64_t row = 0; row < 280; row += 40) {
      const auto part = test::read_cells(*reader, band, shifted, Resampling::kBilinear, nullptr,
                                         {row, row + 40}, {0, 290});
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  };
  const std::vector<double> alone = read(std::make_shared<BlockCache>(0));
  std::vector<std::vector<double>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = read(blocks); });
  for (std::thread& thread : threads) thread.join();
  const auto same = [](double a, double b) { return a == b || (a != a && b != b); };
  for (const auto& result : results) {
    CHECK(std::equal(result.begin(), result.end(), alone.begin(), alone.end(), same));
  }
  CHECK(std::count_if(alone.begin(), alone.end(), [](double v) { return v == v; }) > 70000);
}

TEST_CASE("single cells are those that GDAL reads, whatever was asked for before") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  test::RasterSpec spec;
  spec.width = spec.height = 256;
  spec.block = 128;
  const std::vector<double> cells = write_varied(file, spec);
  const Grid grid = {spec.crs, 500000, 5000000, 10, 10, 256, 256};
  for (const std::vector<std::int64_t>& rows :
       {std::vector<std::int64_t>{3, 3, 90, 2, 127, 128, 255}, {255, 130, 120, 0, 121}}) {
    const auto reader = make_image_reader(std::make_shared<BlockCache>(1 << 20));
    for (const std::int64_t row : rows) {
      CAPTURE(row);
      const auto cell = test::read_cells(*reader, {file, 1, std::nullopt}, grid,
                                         Resampling::kNearest, nullptr, {row, row + 1}, {70, 71});
      CHECK(cell == std::vector{cells[static_cast<std::size_t>(row * 256 + 70)]});
    }
  }
}

TEST_CASE("a file that was written again is read again") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  test::RasterSpec spec;
  spec.width = spec.height = 128;
  spec.block = 64;
  const Grid shifted = {spec.crs, 500005, 4999995, 10, 10, 100, 100};
  const auto blocks = std::make_shared<BlockCache>(1 << 20);
  for (const double value : {3.0, 4.0}) {
    test::write_raster(file, spec, std::vector<double>(128 * 128, value));
    const auto reader = make_image_reader(blocks);
    const auto cells =
        test::read_cells(*reader, {file, 1, std::nullopt}, shifted, Resampling::kBilinear);
    CHECK(cells[5050] == value);
  }
}
