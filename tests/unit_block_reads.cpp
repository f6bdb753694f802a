// What a plan says of how often blocks are decoded, held against what a run decodes.
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/block_reads.h"
#include "engine/gdal/block_cache.h"
#include "engine/run.h"
#include "tests/memory_sink.h"
#include "tests/raster_graphs.h"

using namespace cube;
using namespace cube::test;
using nlohmann::json;

namespace {

constexpr int kHeight = 700;
constexpr int kWidth = 900;

using Options = std::vector<std::string>;

struct Decodes {
  std::int64_t planned = 0;
  std::int64_t counted = 0;
  std::int64_t distinct = 0;
};

struct Files {
  RasterGraphs graphs;

  void write(const std::string& name, const Options& options, int bands = 1) {
    register_gdal();
    CPLStringList list;
    for (const std::string& option : options) list.AddString(option.c_str());
    GDALDatasetUniquePtr dataset(GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
        graphs.dir.file(name).c_str(), kWidth, kHeight, bands, GDT_UInt16, list.List()));
    std::array<double, 6> transform = {500000, 10, 0, 5000000, 0, -10};
    dataset->SetGeoTransform(transform.data());
    dataset->SetProjection(crs_wkt("EPSG:32631").c_str());
    std::vector<std::uint16_t> cells(std::size_t{kHeight} * kWidth);
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<std::uint16_t>(i * 7919);
    for (int band = 1; band <= bands; ++band) {
      REQUIRE(dataset->GetRasterBand(band)->RasterIO(GF_Write, 0, 0, kWidth, kHeight, cells.data(),
                                                     kWidth, kHeight, GDT_UInt16, 0, 0,
                                                     nullptr) == CE_None);
    }
  }

  json stack(int count, const Options& options) {
    json document = {{"cube_type", "simple_cube"}, {"band_names", {"a"}}};
    for (int i = 0; i < count; ++i) {
      const std::string name = "t" + std::to_string(i) + ".tif";
      write(name, options);
      document["files"].push_back(name);
      document["datetime"].push_back("2020-01-0" + std::to_string(i + 1));
    }
    return document;
  }

  // Of the first source, with chunks of a shape and `kept` bytes of blocks.
  Decodes decodes(const json& document, const ChunkShape& shape, std::int64_t kept,
                  int threads = 1) {
    const Plan plan(graphs.compiled(document), {.threads = threads, .chunk = shape});
    REQUIRE(plan.chunk_shape() == shape);
    Resources resources;
    const auto cache = std::make_shared<BlockCache>(kept);
    resources.make_reader = [&] { return make_image_reader(cache); };
    GDALSetCacheMax64(kept);
    std::vector<std::unique_ptr<Sink>> sinks;
    sinks.push_back(std::make_unique<MemorySink>(plan.info()));
    const Report report = run(plan, resources, sinks, {}, {.threads = threads});
    REQUIRE(report.ok());
    const auto reads = block_reads(
        plan.graph(), shape, {.workers = report.threads, .shared_bytes = kept, .gdal_bytes = kept});
    REQUIRE(reads.size() == 1);
    return {reads[0].decoded, report.reading.blocks_decoded, reads[0].distinct};
  }
};

json source(const std::string& file) { return {{"cube_type", "raster"}, {"file", file}}; }

struct Stored {
  const char* title;
  Options options;
  std::int64_t blocks;       // there are
  std::int64_t block_bytes;  // of one band
  bool ours;                 // to decode
};

const std::vector<Stored>& all_stored() {
  static const std::vector<Stored> kAll = {
      {"tiles, ours",
       {"TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=64", "COMPRESS=ZSTD"},
       88,
       16384,
       true},
      {"tiles, in part",
       {"TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=64", "COMPRESS=DEFLATE"},
       88,
       16384},
      {"tiles, GDAL's",
       {"TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=64", "COMPRESS=LZW"},
       88,
       16384},
      {"strips, ours", {"BLOCKYSIZE=16", "COMPRESS=ZSTD"}, 44, 28800, true},
      {"strips, in part", {"BLOCKYSIZE=16", "COMPRESS=DEFLATE"}, 44, 28800, true},
      {"strips, GDAL's", {"BLOCKYSIZE=16"}, 44, 28800, false}};
  return kAll;
}

}  // namespace

TEST_CASE("a lone worker decodes as many blocks as planned") {
  Files files;
  int again = 0;
  int once = 0;
  for (const Stored& stored : all_stored()) {
    files.write("a.tif", stored.options);
    for (const ChunkShape& shape :
         {ChunkShape{1, 64, 128}, ChunkShape{1, 128, 256}, ChunkShape{1, 64, 900},
          ChunkShape{1, 100, 100}, ChunkShape{1, 33, 300}, ChunkShape{1, 300, 33},
          ChunkShape{1, 5, 900}, ChunkShape{1, 7, 9}, ChunkShape{1, 700, 900}}) {
      for (const std::int64_t blocks : {0, 1, 9, 20, 60, 1000}) {
        // What GDAL reads of a window that is larger than what it keeps is not counted exactly.
        if (!stored.ours && blocks < 60) continue;
        CAPTURE(stored.title);
        CAPTURE(shape.y);
        CAPTURE(shape.x);
        CAPTURE(blocks);
        // What GDAL adds to each block makes no difference.
        const std::int64_t kept = blocks * stored.block_bytes + stored.block_bytes / 2;
        const Decodes decodes = files.decodes(source("a.tif"), shape, kept);
        // The last strip is shorter than the others, which leaves it to GDAL.
        CHECK(std::abs(decodes.planned - decodes.counted) <= decodes.counted / 100 + 1);
        CHECK(decodes.distinct == stored.blocks);
        again += decodes.counted > 2 * stored.blocks ? 1 : 0;
        once += decodes.counted == stored.blocks ? 1 : 0;
      }
    }
  }
  CHECK(again > 20);
  CHECK(once > 50);
}

TEST_CASE("blocks that hold several bands are decoded once for all of them") {
  Files files;
  for (const char* order : {"INTERLEAVE=PIXEL", "INTERLEAVE=BAND"}) {
    files.write("a.tif", {"TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=64", "COMPRESS=LZW", order},
                3);
    const bool together = std::string(order) == "INTERLEAVE=PIXEL";
    for (const std::int64_t blocks : {60, 1000}) {
      CAPTURE(order);
      CAPTURE(blocks);
      const Decodes decodes = files.decodes(source("a.tif"), {1, 100, 100}, blocks * 16384 + 8192);
      CHECK(decodes.distinct == (together ? 88 : 3 * 88));
      CHECK(std::abs(decodes.planned - decodes.counted) <= 1);
    }
  }
}

TEST_CASE("windows, several slices and coarser cells are followed") {
  Files files;
  const Options tiles = {"TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=64", "COMPRESS=ZSTD"};
  const json stack = files.stack(3, tiles);
  const json window = {{"cube_type", "window_space"},
                       {"win_size_y", 21},
                       {"win_size_x", 21},
                       {"reducer_bands", json::array({json::array({"mean", "a"})})},
                       {"in_cube", stack}};
  const json coarse = {{"cube_type", "aggregate_space"},
                       {"dx", 40},
                       {"dy", 40},
                       {"func", "mean"},
                       {"in_cube", stack}};
  const json mean = {{"cube_type", "reduce_time"},
                     {"reducer_bands", json::array({json::array({"mean", "a"})})},
                     {"in_cube", stack}};
  const std::pair<json, ChunkShape> cases[] = {{stack, {2, 100, 100}}, {window, {1, 64, 128}},
                                               {window, {3, 50, 60}},  {coarse, {1, 16, 32}},
                                               {coarse, {1, 20, 20}},  {mean, {1, 100, 100}}};
  for (const auto& each : cases) {
    const std::string document = each.first.dump();
    const ChunkShape& shape = each.second;
    for (const std::int64_t blocks : {9, 20, 1000}) {
      CAPTURE(document);
      CAPTURE(shape.x);
      CAPTURE(blocks);
      const Decodes decodes = files.decodes(each.first, shape, blocks * 16384 + 8192);
      CHECK(decodes.distinct == 3 * 88);
      CHECK(static_cast<double>(decodes.planned) ==
            doctest::Approx(static_cast<double>(decodes.counted)).epsilon(0.1));
    }
  }
}

TEST_CASE("several workers decode hardly more") {
  Files files;
  for (const Stored& stored : all_stored()) {
    files.write("a.tif", stored.options);
    for (const ChunkShape& shape :
         {ChunkShape{1, 64, 128}, ChunkShape{1, 100, 100}, ChunkShape{1, 7, 300}}) {
      for (const std::int64_t blocks : {9, 60, 1000}) {
        CAPTURE(stored.title);
        CAPTURE(shape.y);
        CAPTURE(shape.x);
        CAPTURE(blocks);
        const Decodes decodes = files.decodes(
            source("a.tif"), shape, blocks * stored.block_bytes + stored.block_bytes / 2, 3);
        // Those of the plan keep step; others decode less often what they share, a little more
        // often what is hardly kept.
        CHECK(decodes.counted >= stored.blocks);
        CHECK(static_cast<double>(decodes.counted) <= 1.5 * static_cast<double>(decodes.planned));
        if (blocks == 1000 && stored.ours) CHECK(decodes.counted <= stored.blocks + 3);
      }
    }
  }
}
