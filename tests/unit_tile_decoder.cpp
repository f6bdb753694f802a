// TileDecoder: tiles as GDAL reads them, or none.
#include <cpl_compressor.h>
#include <gdal_priv.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>

#include "engine/gdal/inflate.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/tile_decoder.h"
#include "tests/support.h"

using namespace cube;

namespace {

constexpr int kSize = 70;  // three by three tiles of 32, those at the edge cut off
constexpr int kTile = 32;

// A one-band TIFF of smooth noise.
void write_noise(const std::string& file, GDALDataType type, std::vector<std::string> options) {
  register_gdal();
  std::mt19937 random(7);
  std::vector<double> cells(std::size_t{kSize} * kSize);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = static_cast<double>(i % kSize) + static_cast<double>(random() % 90);
  }
  CPLStringList list;
  for (const std::string& option : options) list.AddString(option.c_str());
  GDALDatasetUniquePtr dataset(GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
      file.c_str(), kSize, kSize, 1, type, list.List()));
  REQUIRE(dataset);
  REQUIRE(dataset->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, kSize, kSize, cells.data(), kSize,
                                              kSize, GDT_Float64, 0, 0, nullptr) == CE_None);
}

GDALDatasetUniquePtr open_tiff(const std::string& file) {
  return GDALDatasetUniquePtr(GDALDataset::Open(file.c_str(), GDAL_OF_RASTER));
}

std::vector<std::string> tiled(std::vector<std::string> more) {
  more.insert(more.end(), {"TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=32"});
  return more;
}

// How many blocks of the band were decoded; each must be what GDAL reads.
int decoded_blocks(GDALRasterBand& band, const std::string& file) {
  auto tiles = TileDecoder::make(&band, file);
  if (!tiles) return 0;
  int width = 0;
  int height = 0;
  band.GetBlockSize(&width, &height);
  const auto bytes = static_cast<std::size_t>(width * height) *
                     static_cast<std::size_t>(GDALGetDataTypeSizeBytes(band.GetRasterDataType()));
  std::vector<std::byte> ours(bytes);
  std::vector<std::byte> theirs(bytes);
  int count = 0;
  for (int y = 0; y * height < band.GetYSize(); ++y) {
    for (int x = 0; x * width < band.GetXSize(); ++x) {
      if (!tiles->decode(x, y, ours.data())) continue;
      ++count;
      REQUIRE(band.ReadBlock(x, y, theirs.data()) == CE_None);
      CHECK(ours == theirs);
    }
  }
  return count;
}

int decoded_blocks(const std::string& file) {
  const auto dataset = open_tiff(file);
  return decoded_blocks(*dataset->GetRasterBand(1), file);
}

}  // namespace

TEST_CASE("every type, compression and predictor") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  for (const GDALDataType type :
       {GDT_Byte, GDT_Int16, GDT_UInt16, GDT_Int32, GDT_UInt32, GDT_Float32, GDT_Float64}) {
    for (const std::string compress : {"DEFLATE", "ZSTD"}) {
      for (const std::string predictor : {"1", "2", "3"}) {
        if (predictor == "3" && !GDALDataTypeIsFloating(type)) continue;
        const std::string name = GDALGetDataTypeName(type);
        CAPTURE(name);
        CAPTURE(compress);
        CAPTURE(predictor);
        write_noise(file, type, tiled({"COMPRESS=" + compress, "PREDICTOR=" + predictor}));
        CHECK(decoded_blocks(file) == 9);
      }
    }
  }
}

TEST_CASE("overviews, and strips but the last, which is shorter") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  write_noise(file, GDT_UInt16, tiled({"COMPRESS=DEFLATE", "PREDICTOR=2"}));
  {
    const GDALDatasetUniquePtr dataset(
        GDALDataset::Open(file.c_str(), GDAL_OF_RASTER | GDAL_OF_UPDATE));
    int factor = 2;
    CPLSetThreadLocalConfigOption("GDAL_TIFF_OVR_BLOCKSIZE", "64");
    REQUIRE(dataset->BuildOverviews("NEAREST", 1, &factor, 0, nullptr, nullptr, nullptr) ==
            CE_None);
    CPLSetThreadLocalConfigOption("GDAL_TIFF_OVR_BLOCKSIZE", nullptr);
  }
  const auto dataset = open_tiff(file);
  CHECK(decoded_blocks(*dataset->GetRasterBand(1)->GetOverview(0), file) == 1);

  const std::string strips = dir.file("strips.tif");
  write_noise(strips, GDT_Int16, {"COMPRESS=DEFLATE", "PREDICTOR=2", "BLOCKYSIZE=32"});
  CHECK(decoded_blocks(strips) == 2);
}

TEST_CASE("the first rows of a tile, by themselves where it is inflated") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  for (const std::string compress : {"DEFLATE", "ZSTD"}) {
    for (const GDALDataType type : {GDT_Byte, GDT_Float32}) {
      const std::string predictor = type == GDT_Byte ? "2" : "3";
      CAPTURE(compress);
      CAPTURE(predictor);
      write_noise(file, type, tiled({"COMPRESS=" + compress, "PREDICTOR=" + predictor}));
      const auto dataset = open_tiff(file);
      GDALRasterBand& band = *dataset->GetRasterBand(1);
      const auto row = static_cast<std::size_t>(kTile * GDALGetDataTypeSizeBytes(type));
      std::vector<std::byte> theirs(kTile * row);
      REQUIRE(band.ReadBlock(1, 1, theirs.data()) == CE_None);
      for (const std::size_t rows : {1UL, 7UL, 32UL}) {
        CAPTURE(rows);
        BlockCache cache(1 << 20);
        auto tiles = TileDecoder::make(&band, file, &cache);
        REQUIRE(tiles);
        const BlockCache::Cells ours = tiles->block(1, 1, rows);
        REQUIRE(ours);
        CHECK(ours->size() == (compress == "DEFLATE" ? rows : kTile) * row);
        CHECK(std::equal(ours->begin(), ours->end(), theirs.begin()));
        const BlockCache::Cells more = tiles->block(1, 1, rows < kTile ? rows + 1 : rows);
        REQUIRE(more);
        CHECK(std::equal(more->begin(), more->end(), theirs.begin(), theirs.end()));
      }
    }
  }
}

TEST_CASE("a stream that is damaged or ends too early") {
  const std::string text(5000, 'a');
  std::vector<std::byte> packed(100);
  void* data = packed.data();
  std::size_t bytes = packed.size();
  const CPLCompressor* zlib = CPLGetCompressor("zlib");
  REQUIRE(zlib->pfnFunc(text.data(), text.size(), &data, &bytes, nullptr, zlib->user_data));
  packed.resize(bytes);
  const auto inflates = [&](std::size_t count, std::size_t given, std::size_t piece) {
    std::vector<std::byte> out(count);
    std::size_t at = 0;
    const auto read = [&](std::span<std::byte> next) {
      const std::size_t n = std::min({next.size(), piece, given - at});
      std::copy_n(packed.begin() + static_cast<std::ptrdiff_t>(at), n, next.begin());
      at += n;
      return n;
    };
    return inflate_start(read, out) && out == std::vector(count, std::byte{'a'});
  };
  for (const std::size_t piece : {1UL, 7UL, 100UL}) {
    CAPTURE(piece);
    CHECK(inflates(4000, bytes, piece));
    CHECK(inflates(5000, bytes, piece));
    CHECK_FALSE(inflates(5001, bytes, piece));
    CHECK_FALSE(inflates(4000, 5, piece));
  }
  packed[0] = std::byte{0};
  CHECK_FALSE(inflates(1, bytes, 100));
}

TEST_CASE("what is left to GDAL") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  const auto left = [&](GDALDataType type, const std::vector<std::string>& options) {
    write_noise(file, type, tiled(options));
    return decoded_blocks(file) == 0;
  };
  CHECK(left(GDT_UInt16, {"COMPRESS=NONE"}));
  CHECK(left(GDT_UInt16, {"COMPRESS=LZW", "PREDICTOR=2"}));
  CHECK(left(GDT_UInt16, {"COMPRESS=DEFLATE", "NBITS=12"}));
  CHECK(left(GDT_UInt16, {"COMPRESS=DEFLATE", "ENDIANNESS=BIG"}));
  CHECK_FALSE(left(GDT_UInt16, {"COMPRESS=DEFLATE"}));
  CHECK_FALSE(TileDecoder::make(open_tiff(file)->GetRasterBand(1), dir.file("no.tif")));
}

TEST_CASE("blocks that are not there or damaged") {
  const test::TempDir dir;
  const std::string file = dir.file("a.tif");
  write_noise(file, GDT_UInt16, tiled({"COMPRESS=DEFLATE", "PREDICTOR=2", "SPARSE_OK=YES"}));
  const auto dataset = open_tiff(file);
  GDALRasterBand& band = *dataset->GetRasterBand(1);
  const auto place = [&](const char* name) {
    return std::stoll(band.GetMetadataItem(name, "TIFF"));
  };
  auto tiles = TileDecoder::make(&band, file);
  REQUIRE(tiles);
  std::vector<std::byte> cells(std::size_t{kTile} * kTile * 2);
  CHECK(tiles->decode(1, 1, cells.data()));
  CHECK_FALSE(tiles->decode(9, 9, cells.data()));  // no such block
  {
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(place("BLOCK_OFFSET_1_1") + place("BLOCK_SIZE_1_1") / 2);
    damage.write("\xff\x00\xff\x00", 4);
  }
  CHECK_FALSE(tiles->decode(1, 1, cells.data()));
  CHECK(tiles->decode(0, 0, cells.data()));
  std::filesystem::resize_file(file, static_cast<std::uintmax_t>(place("BLOCK_OFFSET_2_2")) + 5);
  CHECK_FALSE(tiles->decode(2, 2, cells.data()));  // cut off
}
