// GeoTIFFs that workers write tile by tile, read back by GDAL: it is the oracle of every layout,
// predictor and compression.
#include <gdal_priv.h>

#include <array>
#include <cstring>
#include <limits>
#include <random>
#include <thread>

#include "engine/gdal/direct_tiff.h"
#include "engine/gdal/gdal_types.h"
#include "engine/gdal/raster_info.h"
#include "engine/sink.h"
#include "tests/random_chunks.h"
#include "tests/support.h"

using namespace cube;
using namespace cube::test;

namespace {

// How many chunk bands differ from what GDAL reads.
int count_wrong(GDALDataset& dataset, const CubeInfo& info, const std::vector<Chunk>& chunks) {
  int wrong = 0;
  for (const Chunk& chunk : chunks) {
    const Region& r = chunk.region;
    const auto width = static_cast<int>(r.x.size());
    const auto height = static_cast<int>(r.y.size());
    for (std::size_t b = 0; b < info.bands.size(); ++b) {
      const auto type = gdal_type(info.bands[b].dtype);
      const std::span<const std::byte> cells = chunk.bands[b]->raw();
      const std::size_t slice = cells.size() / static_cast<std::size_t>(r.t.size());
      std::vector<std::byte> got(slice);
      for (std::int64_t t = r.t.begin; t < r.t.end; ++t) {
        const auto number = static_cast<std::int64_t>(b) * info.time.size() + t + 1;
        REQUIRE(dataset.GetRasterBand(static_cast<int>(number))
                    ->RasterIO(GF_Read, static_cast<int>(r.x.begin), static_cast<int>(r.y.begin),
                               width, height, got.data(), width, height, type, 0, 0,
                               nullptr) == CE_None);
        wrong +=
            std::memcmp(got.data(), cells.data() + slice * static_cast<std::size_t>(t - r.t.begin),
                        slice) != 0;
      }
    }
  }
  return wrong;
}

std::optional<DirectSetup> setup_of(const CubeInfo& info, const Options& creation,
                                    const ChunkShape& tiling) {
  register_gdal();
  std::vector<std::size_t> bands(info.bands.size());
  const FilePart part{"a.tif", info, {0, info.time.size()}, bands};
  return direct_setup(part, info.bands[0].storage(), creation, tiling, {"{}", {}});
}

const Options kTiled = {{"TILED", "YES"},
                        {"BLOCKXSIZE", "64"},
                        {"BLOCKYSIZE", "64"},
                        {"SPARSE_OK", "YES"},
                        {"INTERLEAVE", "BAND"}};

Options with(Options options, const Options& more) {
  for (const auto& [name, value] : more) options[name] = value;
  return options;
}

}  // namespace

TEST_CASE("GDAL reads what the workers wrote: every dtype, layout and coding") {
  const std::vector<Options> codings = {
      {{"COMPRESS", "NONE"}},
      {{"COMPRESS", "DEFLATE"}, {"PREDICTOR", "1"}},
      {{"COMPRESS", "DEFLATE"}, {"PREDICTOR", "2"}},
      {{"COMPRESS", "DEFLATE"}, {"PREDICTOR", "3"}, {"LEVEL", "12"}},
      {{"COMPRESS", "ZSTD"}, {"LEVEL", "3"}, {"BIGTIFF", "YES"}},
      {{"COMPRESS", "LZW"}}};  // left to GDAL
  for (int type = 0; type <= static_cast<int>(DType::kFloat64); ++type) {
    const auto dtype = static_cast<DType>(type);
    const CubeInfo info = cube_of(dtype, 3);
    const std::vector<Chunk> chunks = random_chunks(info, {1, 128, 64});
    for (const Options& coding : codings) {
      if (coding.contains("PREDICTOR") && coding.at("PREDICTOR") == "3" && !is_float(dtype))
        continue;
      for (const char* interleave : {"BAND", "PIXEL"}) {
        const TempDir dir;
        const Options options = with(coding, {{"INTERLEAVE", interleave}, {"BLOCKSIZE", "64"}});
        write_chunks({dir.file("a.tif"), "", options, false}, info, {1, 128, 64}, chunks);
        const auto dataset = open(dir.file("a.tif"));
        CHECK_MESSAGE(count_wrong(*dataset, info, chunks) == 0,
                      name(dtype) << " " << coding.at("COMPRESS") << " " << interleave);
        const char* said = dataset->GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
        CHECK(std::string(said ? said : "") == interleave);
      }
    }
  }
}

TEST_CASE("slices of one band are planes, in chunks of any slices") {
  const CubeInfo info = cube_of(DType::kInt16, 1, 5);
  for (const char* interleave : {"BAND", "PIXEL"}) {
    for (const ChunkShape& shape : {ChunkShape{2, 64, 64}, ChunkShape{5, 64, 200}}) {
      const TempDir dir;
      const std::vector<Chunk> chunks = random_chunks(info, shape);
      write_chunks({dir.file("a.tif"), "", {{"INTERLEAVE", interleave}}, false}, info, shape,
                   chunks);
      CHECK(count_wrong(*open(dir.file("a.tif")), info, chunks) == 0);
    }
  }
}

TEST_CASE("tiles with nothing but missing cells take no room") {
  const TempDir dir;
  const CubeInfo info = cube_of(DType::kFloat32, 1);
  const auto sink = make_sink({dir.file("a.tif"), "", {{"COMPRESS", "NONE"}}, false}, info);
  sink->begin({1, 64, 64}, {"{}", {}});
  for (Chunk& chunk : random_chunks(info, {1, 64, 64})) {
    if (chunk.region.x.begin == 64) chunk.bands[0] = nullptr;
    // A block of missing cells that is not null.
    if (chunk.region.x.begin == 128) {
      chunk.bands[0] = std::make_shared<const Block>(chunk.region, info.bands[0].storage());
    }
    sink->write(chunk);
  }
  sink->finish();
  const auto dataset = open(dir.file("a.tif"));
  GDALRasterBand& band = *dataset->GetRasterBand(1);
  for (int x = 0; x < 4; ++x) {
    const std::string item = std::string("BLOCK_OFFSET_").append(std::to_string(x)).append("_1");
    CHECK((band.GetMetadataItem(item.c_str(), "TIFF") != nullptr) == (x == 0 || x == 3));
  }
  CHECK(std::filesystem::file_size(dir.file("a.tif")) < 8 * 64 * 64 * 4);
  float cell = 0;
  REQUIRE(band.RasterIO(GF_Read, 100, 100, 1, 1, &cell, 1, 1, GDT_Float32, 0, 0, nullptr) ==
          CE_None);
  CHECK(std::isnan(cell));
}

TEST_CASE("which files the workers write, and which are left to GDAL") {
  const CubeInfo info = cube_of(DType::kFloat32, 2);
  const CubeInfo series = cube_of(DType::kFloat32, 1, 3);
  CHECK(setup_of(info, kTiled, {1, 64, 64}));
  CHECK(setup_of(info, kTiled, {1, 128, 192}));
  CHECK(setup_of(info, kTiled, {1, 64, 500}));  // as wide as the image
  CHECK(!setup_of(info, kTiled, {1, 64, 100}));
  CHECK(!setup_of(info, kTiled, {1, 32, 64}));
  CHECK(setup_of(series, with(kTiled, {{"INTERLEAVE", "PIXEL"}}), {3, 64, 64}));
  CHECK(!setup_of(series, with(kTiled, {{"INTERLEAVE", "PIXEL"}}), {2, 64, 64}));
  for (const char* compress : {"DEFLATE", "ZSTD"}) {
    CHECK(setup_of(info, with(kTiled, {{"COMPRESS", compress}}), {1, 64, 64}));
  }
  for (const auto& left : Options{{"COMPRESS", "LZW"},
                                  {"TILED", "NO"},
                                  {"SPARSE_OK", "NO"},
                                  {"NBITS", "16"},
                                  {"TFW", "YES"}}) {
    CHECK_MESSAGE(!setup_of(info, with(kTiled, {left}), {1, 64, 64}), left.first);
  }
}

TEST_CASE("the head of a TIFF is written as it was read") {
  for (const char* big : {"YES", "NO"}) {
    const auto setup =
        setup_of(cube_of(DType::kFloat32, 3), with(kTiled, {{"BIGTIFF", big}}), {1, 64, 64});
    REQUIRE(setup);
    CHECK(setup->head.big == (std::string(big) == "YES"));
    const TiffDirectory& directory = setup->head.directory;
    const std::vector<std::byte> bytes = write_tiff_head(setup->head.big, "text", {&directory, 1});
    const auto again = read_tiff_head(bytes);
    REQUIRE(again);
    REQUIRE(again->directory.tags.size() == directory.tags.size());
    for (std::size_t i = 0; i < directory.tags.size(); ++i) {
      CHECK(again->directory.tags[i].id == directory.tags[i].id);
      CHECK(again->directory.tags[i].type == directory.tags[i].type);
      CHECK(again->directory.tags[i].value == directory.tags[i].value);
    }
    // What is cut off anywhere is no head, and nothing worse.
    for (std::size_t size = 0; size < bytes.size() - 8; size += 3) {
      read_tiff_head(std::span(bytes).first(size));
    }
    CHECK(!read_tiff_head(std::span(bytes).first(40)));
  }
  CHECK(!read_tiff_head({}));
}

TEST_CASE("the default is DEFLATE at level 1, as README says") {
  const TempDir dir;
  const CubeInfo info = cube_of(DType::kUInt16, 1);
  const std::vector<Chunk> chunks = random_chunks(info, {1, 150, 200});
  for (const char* format : {"GTiff", "COG"}) {
    const auto bytes = [&](const std::string& name, const Options& options) {
      write_chunks({dir.file(name), format, options, true}, info, {1, 150, 200}, chunks);
      const auto dataset = open(dir.file(name));
      CHECK(std::string(dataset->GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE")) == "DEFLATE");
      return std::filesystem::file_size(dir.file(name));
    };
    const auto ours = bytes("a.tif", {});
    CHECK(ours == bytes("b.tif", {{"COMPRESS", "DEFLATE"}, {"LEVEL", "1"}}));
    CHECK(ours != bytes("c.tif", {{"COMPRESS", "DEFLATE"}, {"LEVEL", "6"}}));
  }
}

TEST_CASE("a classic TIFF ends at 4 GB") {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  CHECK(error_of([&] { check_tiff_size(false, kMost + 1, "a.tif"); }) ==
        "a.tif: cannot be written: a TIFF grows to 4 GB at most (the option BIGTIFF=YES)");
  CHECK(error_of([&] { check_tiff_size(false, kMost, "a.tif"); }).empty());
  CHECK(error_of([&] { check_tiff_size(true, 2 * kMost, "a.tif"); }).empty());
}
