// Cloud Optimized GeoTIFFs: the overviews against a slow, obvious implementation, and the layout.
#include <array>
#include <cmath>

#include "engine/gdal/direct_cog.h"
#include "engine/gdal/pyramid.h"
#include "tests/random_chunks.h"

using namespace cube;
using namespace cube::test;

namespace {

struct Image {
  int width = 0;
  int height = 0;
  std::vector<double> cells;
  std::optional<double> nodata;

  bool missing(double v) const { return std::isnan(v) || (nodata && v == *nodata); }
  double at(int y, int x) const { return cells[static_cast<std::size_t>(y * width + x)]; }
};

Image read_image(GDALRasterBand& band) {
  Image image{band.GetXSize(), band.GetYSize(), {}, {}};
  image.cells.resize(static_cast<std::size_t>(image.width) *
                     static_cast<std::size_t>(image.height));
  int has = 0;
  const double nodata = band.GetNoDataValue(&has);
  if (has != 0) image.nodata = nodata;
  REQUIRE(band.RasterIO(GF_Read, 0, 0, image.width, image.height, image.cells.data(), image.width,
                        image.height, GDT_Float64, 0, 0, nullptr) == CE_None);
  return image;
}

// What the cell of an overview should be.
double expected_cell(const Image& finer, int y, int x, bool average, bool whole_numbers) {
  if (!average) return finer.at(2 * y, 2 * x);
  double sum = 0;
  int count = 0;
  for (const int dy : {0, 1}) {
    for (const int dx : {0, 1}) {
      const double value = finer.at(2 * y + dy, 2 * x + dx);
      if (finer.missing(value)) continue;
      sum += value;
      ++count;
    }
  }
  if (count == 0) return finer.nodata.value_or(0);
  const double mean = sum / count;
  if (!whole_numbers) return mean;
  const double rounded = std::floor(mean + 0.5);
  return finer.missing(rounded) ? rounded + 1 : rounded;
}

void check_overview(const Image& finer, const Image& coarser, bool average, DType dtype) {
  CHECK(coarser.width == finer.width / 2);
  CHECK(coarser.height == finer.height / 2);
  int wrong = 0;
  for (int y = 0; y < coarser.height; ++y) {
    for (int x = 0; x < coarser.width; ++x) {
      const double expected = expected_cell(finer, y, x, average, !is_float(dtype));
      const double got = coarser.at(y, x);
      const bool both_missing = std::isnan(expected) && std::isnan(got);
      // float32 rounds the mean.
      const double slack = dtype == DType::kFloat32 ? std::abs(expected) * 1e-7 : 0;
      wrong += !both_missing && !(std::abs(got - expected) <= slack);
    }
  }
  CHECK(wrong == 0);
}

// Missing cells here and there: single ones, a chunk, and a quarter of the image.
void make_gaps(const CubeInfo& info, std::vector<Chunk>& chunks) {
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    for (std::size_t b = 0; b < info.bands.size(); ++b) {
      const Region& region = chunks[i].region;
      if (i == 2 || (region.y.begin >= 1000 && region.x.begin >= 1000))
        chunks[i].bands[b] = nullptr;
      if (!chunks[i].bands[b]) continue;
      Block block(region, info.bands[b].storage());
      std::vector<double> scratch;
      for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
        const auto row = chunks[i].bands[b]->row(0, y, scratch);
        std::vector<double> cells(row.begin(), row.end());
        for (std::size_t x = 0; x < cells.size(); ++x) {
          if ((x * 7 + static_cast<std::size_t>(y) * 3) % 5 < 2) {
            cells[x] = std::numeric_limits<double>::quiet_NaN();
          }
        }
        block.set_row(0, y, cells);
      }
      chunks[i].bands[b] = share(std::move(block));
    }
  }
}

CubeInfo odd_cube(DType dtype, std::size_t bands, std::int64_t width, std::int64_t height) {
  CubeInfo info = cube_of(dtype, bands);
  info.grid.width = width;
  info.grid.height = height;
  return info;
}

}  // namespace

TEST_CASE("overviews of every dtype: each is half of the one before") {
  for (int type = 0; type <= static_cast<int>(DType::kFloat64); ++type) {
    const auto dtype = static_cast<DType>(type);
    for (const bool gaps : {false, true}) {
      for (const char* method : {"NEAREST", "AVERAGE"}) {
        const TempDir dir;
        CubeInfo info = odd_cube(dtype, type % 2 == 0 ? 3 : 1, 619, 1107);
        if (gaps && !is_float(dtype)) {
          for (BandInfo& band : info.bands) band.nodata = 7;
        }
        std::vector<Chunk> chunks = random_chunks(info, {1, 256, 256});
        if (gaps) make_gaps(info, chunks);
        const Options options = {{"BLOCKSIZE", "128"}, {"RESAMPLING", method}};
        write_chunks({dir.file("c.tif"), "COG", options, false}, info, {1, 256, 256}, chunks);
        const auto dataset = open(dir.file("c.tif"));
        const auto said = dataset->GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE");
        CHECK(std::string(said ? said : "") == "COG");
        for (int b = 1; b <= dataset->GetRasterCount(); ++b) {
          GDALRasterBand& band = *dataset->GetRasterBand(b);
          REQUIRE(band.GetOverviewCount() == 4);
          Image finer = read_image(band);
          for (int level = 0; level < 4; ++level) {
            const Image coarser = read_image(*band.GetOverview(level));
            check_overview(finer, coarser, std::string(method) == "AVERAGE", dtype);
            finer = coarser;
          }
        }
      }
    }
  }
}

TEST_CASE("a chunk that never comes is missing from the overviews, and nothing beside it") {
  for (const std::size_t absent : {0U, 3U, 7U}) {
    const TempDir dir;
    const CubeInfo info = odd_cube(DType::kFloat32, 1, 619, 1107);
    std::vector<Chunk> chunks = random_chunks(info, {1, 256, 256});
    chunks.erase(chunks.begin() + static_cast<std::ptrdiff_t>(absent));
    const Options options = {{"BLOCKSIZE", "128"}, {"RESAMPLING", "AVERAGE"}};
    write_chunks({dir.file("c.tif"), "COG", options, false}, info, {1, 256, 256}, chunks);
    const auto dataset = open(dir.file("c.tif"));
    GDALRasterBand& band = *dataset->GetRasterBand(1);
    REQUIRE(band.GetOverviewCount() == 4);
    Image finer = read_image(band);
    for (int level = 0; level < 4; ++level) {
      const Image coarser = read_image(*band.GetOverview(level));
      check_overview(finer, coarser, true, DType::kFloat32);
      finer = coarser;
    }
  }
}

TEST_CASE("the sizes of overviews are those of GDAL's COG driver") {
  for (const auto& [width, height] : {std::pair{1300, 1100}, {1025, 513}, {513, 100}, {512, 512}}) {
    const TempDir dir;
    const CubeInfo info = odd_cube(DType::kUInt8, 1, width, height);
    const std::vector<Chunk> chunks = random_chunks(info, {1, 512, 512});
    write_chunks({dir.file("ours.tif"), "COG", {}, false}, info, {1, 512, 512}, chunks);
    // What is not known here is left to the driver.
    write_chunks({dir.file("gdal.tif"), "COG", {{"OVERVIEW_COMPRESS", "LZW"}}, false}, info,
                 {1, 512, 512}, chunks);
    const auto ours = open(dir.file("ours.tif"));
    const auto gdal = open(dir.file("gdal.tif"));
    GDALRasterBand& band = *ours->GetRasterBand(1);
    GDALRasterBand& other = *gdal->GetRasterBand(1);
    REQUIRE(band.GetOverviewCount() == other.GetOverviewCount());
    for (int i = 0; i < band.GetOverviewCount(); ++i) {
      CHECK(band.GetOverview(i)->GetXSize() == other.GetOverview(i)->GetXSize());
      CHECK(band.GetOverview(i)->GetYSize() == other.GetOverview(i)->GetYSize());
    }
    CHECK(read_image(band).cells == read_image(other).cells);
    // Where sides are even, so are the cells.
    if (width == 1300) {
      CHECK(read_image(*band.GetOverview(0)).cells == read_image(*other.GetOverview(0)).cells);
    }
  }
}

TEST_CASE("a COG does not depend on its chunks") {
  const CubeInfo info = odd_cube(DType::kFloat32, 2, 900, 700);
  const std::vector<Chunk> whole = random_chunks(info, {1, 700, 900});
  std::vector<double> first;
  for (const ChunkShape& shape :
       {ChunkShape{1, 700, 900}, ChunkShape{1, 128, 256}, ChunkShape{1, 384, 128}}) {
    const TempDir dir;
    std::vector<Chunk> chunks = random_chunks(info, shape);
    for (Chunk& chunk : chunks) {
      for (std::size_t b = 0; b < 2; ++b) chunk.bands[b] = crop(whole[0].bands[b], chunk.region);
    }
    write_chunks({dir.file("c.tif"), "COG", {{"BLOCKSIZE", "128"}}, false}, info, shape, chunks);
    const auto dataset = open(dir.file("c.tif"));
    std::vector<double> cells;
    for (int b = 1; b <= 2; ++b) {
      for (int level = 0; level < 3; ++level) {
        const Image image = read_image(*dataset->GetRasterBand(b)->GetOverview(level));
        cells.insert(cells.end(), image.cells.begin(), image.cells.end());
      }
    }
    if (first.empty()) first = cells;
    CHECK(cells == first);
  }
}

TEST_CASE("which COGs the workers write") {
  const Storage storage{DType::kUInt16, 0};
  const Grid grid{"EPSG:32631", 0, 0, 10, 10, 2000, 3000};
  const auto tile = [&](const OutputOptions& cog, const ChunkShape& tiling) {
    const auto creation = direct_cog_creation(cog, storage, tiling, grid);
    return creation ? creation->at("BLOCKXSIZE") : "GDAL";
  };
  CHECK(tile({}, {1, 1024, 512}) == "512");
  CHECK(tile({}, {1, 256, 768}) == "256");
  CHECK(tile({{"BLOCKSIZE", "1024"}}, {1, 512, 512}) ==
        "1024");  // chunks that do not fit come later
  CHECK(tile({{"OVERVIEW_RESAMPLING", "average"}}, {1, 512, 512}) == "512");
  CHECK(tile({{"OVERVIEW_RESAMPLING", "MODE"}}, {1, 512, 512}) == "GDAL");
  CHECK(tile({{"TILING_SCHEME", "GoogleMapsCompatible"}}, {1, 512, 512}) == "GDAL");
  CHECK(tile({{"BLOCKSIZE", "144"}}, {1, 144, 144}) == "GDAL");  // no half tiles of 16 cells
  const Grid line{"EPSG:32631", 0, 0, 10, 10, 3, 3000};
  CHECK(!direct_cog_creation({}, storage, {1, 512, 512}, line));
}

TEST_CASE("a mean is never the missing value by accident") {
  TileLayout layout{2, 2, 2, 2, 1, 1, {DType::kInt16, 0}};
  const auto halved = [&](std::array<std::int16_t, 4> cells) {
    std::int16_t out = 99;
    halve_tile(std::as_bytes(std::span(cells)), layout, OverviewMethod::kAverage,
               std::as_writable_bytes(std::span(&out, 1)));
    return out;
  };
  CHECK(halved({-1, 1, 0, 0}) == 1);
  CHECK(halved({0, 0, 0, 0}) == 0);
  CHECK(halved({0, 0, 0, -5}) == -5);
  CHECK(halved({-1, -2, 0, 0}) == -1);  // -1.5: halves round up
  CHECK(halved({1, 2, 0, 0}) == 2);
  CHECK(halved({32767, 32767, 32767, 32767}) == 32767);
  layout.storage.nodata = 32767;
  CHECK(halved({32766, 32766, 32766, 32767}) == 32766);
}
