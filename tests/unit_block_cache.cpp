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

// Puts a block of zeros in.
BlockCache::Cells put(BlockCache& cache, const BlockCache::Key& key, std::size_t bytes) {
  return cache.get(key, bytes, [&](std::byte* cells) {
    std::fill_n(cells, bytes, std::byte{0});
    return true;
  });
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
  put(cache, {"b", 1}, 90);  // is there already
  CHECK(cache.find({"b", 1})->size() == 40);
  put(cache, {"c", 1}, 101);  // larger than all
  CHECK_FALSE(cache.find({"c", 1}));
  CHECK_FALSE(cache.find({"b", 1}));
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
  CHECK_FALSE(cache.get({"a", 1}, 10, [](std::byte*) { return false; }));
  CHECK_THROWS_AS(cache.get({"a", 1}, 10, [](std::byte*) -> bool { throw std::bad_alloc(); }),
                  std::bad_alloc);
  CHECK(put(cache, {"a", 1}, 10));
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
      cells = cache.get({"a", 1}, 10, [&](std::byte* out) {
        ++decoded;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        std::fill_n(out, 10, std::byte{7});
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
  std::vector<double> cells(90000);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<double>(i * 7919 % 4001);
  test::write_raster(file, spec, cells);
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
