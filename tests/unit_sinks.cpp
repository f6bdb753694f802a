// Every output format is written in pieces and read back by GDAL.
//
// With CUBE_OUTPUT_FILES=FOLDER the case "files for other readers" leaves its files there, for
// check_outputs.py.
#include <cpl_conv.h>
#include <gdal_priv.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <thread>

#include "engine/gdal/raster_info.h"
#include "engine/sink.h"
#include "tests/support.h"

using namespace cube;
using namespace cube::test;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The cells of every test: some missing, the same in check_outputs.py.
double cell_value(const BandInfo& band, std::size_t b, std::int64_t t, std::int64_t y,
                  std::int64_t x) {
  const auto n = static_cast<std::int64_t>(b);
  if (band.nodata && (x + 2 * y + t + n) % 5 == 0) return kNaN;
  const auto value = static_cast<double>((n * 7 + t * 31 + y * 13 + x * 3) % 200 + 1);
  return is_float(band.dtype) ? value + 0.25 : value;
}

BandInfo band(const std::string& name, DType dtype, std::optional<double> nodata = kNaN) {
  BandInfo out;
  out.name = name;
  out.dtype = dtype;
  out.nodata = nodata;
  return out;
}

Instant instant(const std::string& text) { return parse_time(text)->start; }

TimeAxis axis(const std::string& t0, const std::string& step, std::int64_t n) {
  return TimeAxis::regular(instant(t0), *Period::parse(step), n);
}

Grid utm_grid(std::int64_t width = 70, std::int64_t height = 50) {
  return {"EPSG:32618", 583800, 4511000, 30, 30, width, height};
}
Grid lonlat_grid() { return {"EPSG:4326", -74.5, 41, 0.01, 0.02, 33, 21}; }

CubeInfo one_band(std::int64_t slices = 1, DType dtype = DType::kFloat32) {
  return {utm_grid(),
          axis("2018-01", "P1M", slices),
          {band("ndvi", dtype, is_float(dtype) ? kNaN : 0)}};
}

CubeInfo two_bands(std::int64_t slices) {
  CubeInfo info = one_band(slices, DType::kInt16);
  info.bands[0].nodata = -9999;
  info.bands.push_back(band("red", DType::kInt16, -9999));
  return info;
}

Chunk make_chunk(const CubeInfo& info, const Region& region) {
  Chunk chunk{region, {}};
  std::vector<double> row(static_cast<std::size_t>(region.x.size()));
  for (std::size_t b = 0; b < info.bands.size(); ++b) {
    Block block(region, info.bands[b].storage());
    for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
      for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
        for (std::int64_t x = region.x.begin; x < region.x.end; ++x) {
          row[static_cast<std::size_t>(x - region.x.begin)] = cell_value(info.bands[b], b, t, y, x);
        }
        block.set_row(t, y, row);
      }
    }
    chunk.bands.push_back(share(std::move(block)));
  }
  return chunk;
}

std::vector<Region> tiles(const CubeInfo& info, const ChunkShape& shape) {
  std::vector<Region> out;
  const Region all = info.extent();
  for (std::int64_t t = 0; t < all.t.end; t += shape.t) {
    for (std::int64_t y = 0; y < all.y.end; y += shape.y) {
      for (std::int64_t x = 0; x < all.x.end; x += shape.x) {
        out.push_back(intersect(all, Region{{t, t + shape.t}, {y, y + shape.y}, {x, x + shape.x}}));
      }
    }
  }
  return out;
}

const Provenance kProvenance = {"{\"cube_type\": \"dummy\"}", {"image_a.tif", "image_b.tif"}};
// For other readers: quotes, a line break, accents and a code point beyond 16 bits.
const Provenance kOddProvenance = {"{\"title\": \"caf\u00e9 \\\\ \n\U0001f30d\"}",
                                   {"image_a.tif", "image_b.tif"}};

// Writes the whole cube from three threads; returns the names of the files.
std::vector<std::string> write_cube(const OutputSpec& spec, const CubeInfo& info,
                                    const ChunkShape& shape,
                                    const Provenance& provenance = kProvenance) {
  const auto sink = make_sink(spec, info);
  sink->begin(shape, provenance);
  const std::vector<Region> regions = tiles(info, shape);
  std::array<std::optional<Error>, 3> failures;
  {
    std::vector<std::jthread> workers;
    for (std::size_t w = 0; w < failures.size(); ++w) {
      workers.emplace_back([&, w] {
        try {
          for (std::size_t i = w; i < regions.size(); i += failures.size()) {
            sink->write(make_chunk(info, regions[i]));
          }
        } catch (const Error& error) {
          failures[w] = error;
        }
      });
    }
  }
  for (const auto& failure : failures) {
    if (failure) throw *failure;
  }
  return sink->finish();
}

// Spec of an output in `dir`.
OutputSpec spec_of(const TempDir& dir, const std::string& name, const std::string& format = "",
                   std::map<std::string, std::string> options = {}) {
  return {dir.file(name), format, std::move(options), false};
}

GDALDatasetUniquePtr open(const std::string& name) {
  register_gdal();
  GDALDatasetUniquePtr dataset(GDALDataset::Open(name.c_str(), GDAL_OF_RASTER));
  REQUIRE_MESSAGE(dataset, name);
  return dataset;
}

// The dataset and the number of the band that hold one slice of one band of the cube.
std::pair<GDALDatasetUniquePtr, int> open_slice(const std::string& file,
                                                const std::string& variable, std::int64_t t) {
  const int number = static_cast<int>(t) + 1;
  if (file.ends_with(".nc")) return {open("NETCDF:\"" + file + "\":" + variable), number};
  if (!file.ends_with(".zarr")) return {open(file), number};
  // GDAL's Zarr driver shows each slice as a dataset of its own.
  return {open("ZARR:\"" + file + "\":/" + variable + ":" + std::to_string(t)), 1};
}

// Compares one band of a file with one slice of one band of the cube.
void check_band(GDALRasterBand& read, const CubeInfo& info, std::size_t b, std::int64_t t) {
  const Grid& grid = info.grid;
  REQUIRE(read.GetXSize() == grid.width);
  REQUIRE(read.GetYSize() == grid.height);
  std::vector<double> cells(static_cast<std::size_t>(grid.width * grid.height));
  REQUIRE(read.RasterIO(GF_Read, 0, 0, read.GetXSize(), read.GetYSize(), cells.data(),
                        read.GetXSize(), read.GetYSize(), GDT_Float64, 0, 0, nullptr) == CE_None);
  int has_nodata = 0;
  const double nodata = read.GetNoDataValue(&has_nodata);
  std::int64_t wrong = 0;
  for (std::int64_t y = 0; y < grid.height; ++y) {
    for (std::int64_t x = 0; x < grid.width; ++x) {
      const double got = cells[static_cast<std::size_t>(y * grid.width + x)];
      const bool missing = std::isnan(got) || (has_nodata != 0 && got == nodata);
      const double expected = cell_value(info.bands[b], b, t, y, x);
      wrong += std::isnan(expected) ? !missing : missing || got != expected;
    }
  }
  CHECK_MESSAGE(wrong == 0, info.bands[b].name << " slice " << t);
}

void check_place(GDALDataset& dataset, const Grid& grid) {
  std::array<double, 6> transform{};
  REQUIRE(dataset.GetGeoTransform(transform.data()) == CE_None);
  CHECK(transform[0] == doctest::Approx(grid.left));
  CHECK(transform[1] == doctest::Approx(grid.dx));
  CHECK(transform[3] == doctest::Approx(grid.top));
  CHECK(transform[5] == doctest::Approx(-grid.dy));
  const OGRSpatialReference* crs = dataset.GetSpatialRef();
  REQUIRE(crs);
  CHECK(std::string("EPSG:") + crs->GetAuthorityCode(nullptr) == grid.crs);
}

std::string item(GDALMajorObject& object, const char* name, const char* domain = "") {
  const char* value = object.GetMetadataItem(name, domain);
  return value ? value : "";
}

std::vector<std::string> names_in(const TempDir& dir) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

const std::array<ChunkShape, 4> kShapes = {ChunkShape{1, 16, 16}, ChunkShape{2, 17, 23},
                                           ChunkShape{5, 64, 64}, ChunkShape{1, 50, 70}};

}  // namespace

TEST_CASE("GeoTIFF: all bands of one slice, any chunks") {
  for (const ChunkShape& shape : kShapes) {
    const TempDir dir;
    CubeInfo info = two_bands(1);
    info.bands[1].unit = "1";
    info.bands[1].scale = 0.0001;
    info.bands[1].offset = -0.2;
    const auto files = write_cube(spec_of(dir, "a.tif"), info, shape);
    CHECK(files == std::vector{dir.file("a.tif")});
    CHECK(names_in(dir) == std::vector<std::string>{"a.tif"});
    const auto dataset = open(files[0]);
    REQUIRE(dataset->GetRasterCount() == 2);
    check_place(*dataset, info.grid);
    for (int b = 0; b < 2; ++b) {
      GDALRasterBand& read = *dataset->GetRasterBand(b + 1);
      check_band(read, info, static_cast<std::size_t>(b), 0);
      CHECK(read.GetDescription() == info.bands[static_cast<std::size_t>(b)].name);
      CHECK(read.GetNoDataValue() == -9999);
      CHECK(read.GetRasterDataType() == GDT_Int16);
    }
    CHECK(dataset->GetRasterBand(2)->GetScale() == 0.0001);
    CHECK(dataset->GetRasterBand(2)->GetOffset() == -0.2);
    CHECK(std::string(dataset->GetRasterBand(2)->GetUnitType()) == "1");
    CHECK(item(*dataset, "COMPRESSION", "IMAGE_STRUCTURE") == "DEFLATE");
    CHECK(item(*dataset, "PREDICTOR", "IMAGE_STRUCTURE") == "2");
    CHECK(item(*dataset, "time_start") == "2018-01-01T00:00:00");
    CHECK(item(*dataset, "time_end") == "2018-02-01T00:00:00");
    CHECK(item(*dataset, "ACQUISITIONDATETIME", "IMAGERY") == "2018-01-01T00:00:00");
    CHECK(item(*dataset, "CUBE_GRAPH") == kProvenance.graph);
    CHECK(item(*dataset, "CUBE_IMAGES") == "image_a.tif\nimage_b.tif");
  }
}

TEST_CASE("GeoTIFF: all slices of one band in one file") {
  const TempDir dir;
  const CubeInfo info = one_band(5);
  const auto files = write_cube(spec_of(dir, "series.tif"), info, {2, 17, 23});
  REQUIRE(files.size() == 1);
  const auto dataset = open(files[0]);
  REQUIRE(dataset->GetRasterCount() == 5);
  CHECK(item(*dataset, "PREDICTOR", "IMAGE_STRUCTURE") == "3");
  for (int t = 0; t < 5; ++t) {
    GDALRasterBand& read = *dataset->GetRasterBand(t + 1);
    check_band(read, info, 0, t);
    CHECK(std::isnan(read.GetNoDataValue()));
    CHECK(read.GetDescription() == info.time.label(t));
    CHECK(item(read, "band") == "ndvi");
    CHECK(item(read, "time_start") == to_text(info.time.start(t)));
  }
}

TEST_CASE("placeholders make one file a slice, a band, or both") {
  const TempDir dir;
  const CubeInfo info = two_bands(3);
  auto files = write_cube(spec_of(dir, "s_{t}.tif"), info, {2, 30, 30});
  CHECK(files == std::vector{dir.file("s_2018-01.tif"), dir.file("s_2018-02.tif"),
                             dir.file("s_2018-03.tif")});
  for (int t = 0; t < 3; ++t) {
    const auto dataset = open(files[static_cast<std::size_t>(t)]);
    REQUIRE(dataset->GetRasterCount() == 2);
    check_band(*dataset->GetRasterBand(1), info, 0, t);
    check_band(*dataset->GetRasterBand(2), info, 1, t);
    CHECK(item(*dataset, "time_start") == to_text(info.time.start(t)));
  }
  files = write_cube(spec_of(dir, "b_{band}.tif"), info, {2, 30, 30});
  CHECK(files == std::vector{dir.file("b_ndvi.tif"), dir.file("b_red.tif")});
  const auto red = open(files[1]);
  REQUIRE(red->GetRasterCount() == 3);
  check_band(*red->GetRasterBand(3), info, 1, 2);
  files = write_cube(spec_of(dir, "{band}_{t}.tif"), info, {1, 30, 30});
  REQUIRE(files.size() == 6);
  CHECK(files[1] == dir.file("red_2018-01.tif"));
  const auto last = open(files[5]);
  REQUIRE(last->GetRasterCount() == 1);
  check_band(*last->GetRasterBand(1), info, 1, 2);
  files = write_cube(spec_of(dir, "n_{t}.nc"), info, {2, 30, 30});
  CHECK(files.size() == 3);
  const auto second = open_slice(files[1], "red", 0).first;
  check_band(*second->GetRasterBand(1), info, 1, 1);
  files = write_cube(spec_of(dir, "z_{band}.zarr"), info, {2, 30, 30});
  CHECK(files.size() == 2);
}

TEST_CASE("times in file names are safe") {
  const TempDir dir;
  CubeInfo info = one_band();
  info.time = axis("2018-01-01T06", "PT1H", 2);
  info.bands[0].name = "a/b c";
  const auto files = write_cube(spec_of(dir, "{band}_{t}.tif"), info, {1, 50, 70});
  for (const std::string& file : files) {
    const std::string name = std::filesystem::path(file).filename();
    CHECK_MESSAGE(name.starts_with("a_b_c_2018-01-01T0"), name);
    CHECK(name.find(':') == std::string::npos);
  }
}

TEST_CASE("GeoTIFF: bands of different dtypes get one type and one nodata value") {
  struct Case {
    std::vector<BandInfo> bands;
    GDALDataType type;
    std::optional<double> nodata;
  };
  const std::vector<Case> cases = {
      {{band("a", DType::kUInt8, 255), band("b", DType::kUInt16, 0)}, GDT_Int32, -2147483648.0},
      {{band("a", DType::kUInt8, 255), band("b", DType::kUInt8, 0)}, GDT_Int16, -32768},
      {{band("a", DType::kUInt8, std::nullopt), band("b", DType::kInt16, -9999)}, GDT_Int16, -9999},
      {{band("a", DType::kUInt8, 0), band("b", DType::kFloat32)}, GDT_Float32, kNaN},
      {{band("a", DType::kInt32, 0), band("b", DType::kFloat32)}, GDT_Float64, kNaN},
      {{band("a", DType::kUInt8, std::nullopt), band("b", DType::kUInt16, std::nullopt)},
       GDT_UInt16,
       std::nullopt},
  };
  for (const Case& item : cases) {
    const TempDir dir;
    CubeInfo info = one_band();
    info.bands = item.bands;
    const auto files = write_cube(spec_of(dir, "mixed.tif"), info, {1, 17, 23});
    const auto dataset = open(files[0]);
    for (int b = 0; b < 2; ++b) {
      GDALRasterBand& read = *dataset->GetRasterBand(b + 1);
      CHECK(read.GetRasterDataType() == item.type);
      int has_nodata = 0;
      const double nodata = read.GetNoDataValue(&has_nodata);
      CHECK((has_nodata != 0) == item.nodata.has_value());
      if (item.nodata) CHECK((nodata == *item.nodata || std::isnan(*item.nodata)));
      check_band(read, info, static_cast<std::size_t>(b), 0);
    }
  }
}

TEST_CASE("every dtype comes back as it was") {
  const std::vector<std::pair<DType, GDALDataType>> types = {
      {DType::kUInt8, GDT_Byte},     {DType::kInt16, GDT_Int16},   {DType::kUInt16, GDT_UInt16},
      {DType::kInt32, GDT_Int32},    {DType::kUInt32, GDT_UInt32}, {DType::kFloat32, GDT_Float32},
      {DType::kFloat64, GDT_Float64}};
  for (const auto& [dtype, gdal] : types) {
    for (const char* name : {"a.tif", "a.nc", "a.zarr"}) {
      const TempDir dir;
      const CubeInfo info = one_band(1, dtype);
      const auto files = write_cube(spec_of(dir, name), info, {1, 17, 23});
      const auto [dataset, number] = open_slice(files[0], "ndvi", 0);
      CHECK(dataset->GetRasterBand(number)->GetRasterDataType() == gdal);
      check_band(*dataset->GetRasterBand(number), info, 0, 0);
    }
  }
}

TEST_CASE("GeoTIFF options reach the driver") {
  const TempDir dir;
  CubeInfo info = one_band();
  info.grid = utm_grid(700, 600);
  const auto block = [&](const std::string& name, const ChunkShape& shape,
                         std::map<std::string, std::string> options) {
    const auto files = write_cube(spec_of(dir, name, "", std::move(options)), info, shape);
    const auto dataset = open(files[0]);
    check_band(*dataset->GetRasterBand(1), info, 0, 0);
    std::array<int, 2> size{};
    dataset->GetRasterBand(1)->GetBlockSize(&size[0], &size[1]);
    return std::to_string(size[0]) + "x" + std::to_string(size[1]) + " " +
           item(*dataset, "COMPRESSION", "IMAGE_STRUCTURE");
  };
  CHECK(block("a.tif", {1, 512, 512}, {}) == "512x512 DEFLATE");
  CHECK(block("b.tif", {1, 256, 256}, {}) == "256x256 DEFLATE");
  CHECK(block("c.tif", {1, 100, 100}, {}) == "512x512 DEFLATE");
  CHECK(block("d.tif", {1, 256, 256},
              {{"compress", "zstd"}, {"LEVEL", "1"}, {"blocksize", "64"}}) == "64x64 ZSTD");
  CHECK(block("e.tif", {1, 256, 256}, {{"COMPRESS", "NONE"}, {"TILED", "NO"}}).starts_with("700x"));
}

TEST_CASE("COG: tiles, overviews, values and metadata") {
  const TempDir dir;
  CubeInfo info = two_bands(1);
  info.grid = utm_grid(1200, 700);
  const auto files = write_cube(spec_of(dir, "c.tif", "COG"), info, {1, 256, 256});
  CHECK(names_in(dir) == std::vector<std::string>{"c.tif"});
  const auto dataset = open(files[0]);
  CHECK(item(*dataset, "LAYOUT", "IMAGE_STRUCTURE") == "COG");
  CHECK(item(*dataset, "COMPRESSION", "IMAGE_STRUCTURE") == "DEFLATE");
  CHECK(item(*dataset, "CUBE_GRAPH") == kProvenance.graph);
  CHECK(item(*dataset, "time_start") == "2018-01-01T00:00:00");  // the driver drops IMAGERY
  check_place(*dataset, info.grid);
  for (int b = 0; b < 2; ++b) {
    check_band(*dataset->GetRasterBand(b + 1), info, static_cast<std::size_t>(b), 0);
    CHECK(dataset->GetRasterBand(b + 1)->GetOverviewCount() == 2);
    CHECK(dataset->GetRasterBand(b + 1)->GetDescription() ==
          info.bands[static_cast<std::size_t>(b)].name);
  }
}

TEST_CASE("COG: averages for measurements, nearest for 8-bit classes") {
  for (const DType dtype : {DType::kUInt8, DType::kFloat32}) {
    const TempDir dir;
    CubeInfo info = one_band(1, dtype);
    info.grid = utm_grid(1024, 600);
    const auto files = write_cube(spec_of(dir, "c.tif", "COG"), info, {1, 256, 256});
    const auto dataset = open(files[0]);
    GDALRasterBand& overview = *dataset->GetRasterBand(1)->GetOverview(0);
    std::array<double, 2> got{};
    REQUIRE(overview.RasterIO(GF_Read, 0, 0, 2, 1, got.data(), 2, 1, GDT_Float64, 0, 0, nullptr) ==
            CE_None);
    const auto cell = [&](std::int64_t y, std::int64_t x) {
      return cell_value(info.bands[0], 0, 0, y, x);
    };
    const double average = (cell(0, 2) + cell(0, 3) + cell(1, 2) + cell(1, 3)) / 4;
    const double valid = std::isnan(average) ? (cell(0, 2) + cell(0, 3) + cell(1, 2)) / 3 : average;
    if (dtype == DType::kFloat32) {
      CHECK(got[1] == doctest::Approx(valid));
    } else {
      const std::array<double, 4> cells = {cell(0, 2), cell(0, 3), cell(1, 2), cell(1, 3)};
      CHECK(std::find(cells.begin(), cells.end(), got[1]) != cells.end());
    }
  }
}

TEST_CASE("COG: one file a slice, options") {
  const TempDir dir;
  const CubeInfo info = two_bands(2);
  const auto files =
      write_cube(spec_of(dir, "c_{t}.tif", "cog", {{"COMPRESS", "ZSTD"}, {"BLOCKSIZE", "128"}}),
                 info, {2, 17, 23});
  REQUIRE(files.size() == 2);
  const auto dataset = open(files[1]);
  CHECK(item(*dataset, "COMPRESSION", "IMAGE_STRUCTURE") == "ZSTD");
  check_band(*dataset->GetRasterBand(2), info, 1, 1);
}

TEST_CASE("netCDF and Zarr: bands of their own dtypes, any chunks, read by GDAL") {
  for (const char* name : {"a.nc", "a.zarr"}) {
    for (const ChunkShape& shape : kShapes) {
      const TempDir dir;
      CubeInfo info = one_band(3);
      info.bands.push_back(band("qa", DType::kUInt8, 255));
      info.bands.push_back(band("B04", DType::kUInt16, 0));
      info.bands.push_back(band("full", DType::kInt32, std::nullopt));
      const auto files = write_cube(spec_of(dir, name), info, shape);
      CHECK(files == std::vector{dir.file(name)});
      CHECK(names_in(dir) == std::vector<std::string>{name});
      for (std::size_t b = 0; b < info.bands.size(); ++b) {
        for (int t = 0; t < 3; ++t) {
          const auto [dataset, number] = open_slice(files[0], info.bands[b].name, t);
          check_place(*dataset, info.grid);
          check_band(*dataset->GetRasterBand(number), info, b, t);
        }
      }
    }
  }
}

TEST_CASE("netCDF and Zarr: longitude and latitude") {
  for (const char* name : {"a.nc", "a.zarr"}) {
    const TempDir dir;
    CubeInfo info = one_band();
    info.grid = lonlat_grid();
    const auto files = write_cube(spec_of(dir, name), info, {1, 8, 8});
    const auto [dataset, number] = open_slice(files[0], "ndvi", 0);
    check_place(*dataset, info.grid);
    check_band(*dataset->GetRasterBand(number), info, 0, 0);
  }
}

TEST_CASE("a cube without cells that have values is written, and small") {
  for (const char* name : {"a.tif", "a.nc", "a.zarr", "a.png", "c.tif"}) {
    const TempDir dir;
    CubeInfo info = one_band(1, DType::kUInt16);
    info.grid = utm_grid(2000, 2000);
    const OutputSpec spec = spec_of(dir, name, std::string(name) == "c.tif" ? "COG" : "");
    const auto sink = make_sink(spec, info);
    sink->begin({1, 512, 512}, kProvenance);
    for (const Region& region : tiles(info, {1, 512, 512})) sink->write({region, {nullptr}});
    const auto files = sink->finish();
    std::uintmax_t bytes = 0;
    if (std::filesystem::is_directory(files[0])) {
      for (const auto& entry : std::filesystem::directory_iterator(dir.path() / name / "ndvi")) {
        CHECK(entry.path().filename().string().starts_with(".z"));
      }
    } else {
      bytes = std::filesystem::file_size(files[0]);
    }
    CHECK(bytes < 64 * 1024);
    const auto dataset = open_slice(files[0], "ndvi", 0).first;
    double low = 0;
    if (std::string(name) == "a.png") {
      CHECK(dataset->GetRasterBand(4)->GetStatistics(0, 1, nullptr, &low, nullptr, nullptr) ==
            CE_None);
      CHECK(low == 0);
      continue;
    }
    std::vector<double> cells(2000 * 2000, 1);
    REQUIRE(dataset->GetRasterBand(1)->RasterIO(GF_Read, 0, 0, 2000, 2000, cells.data(), 2000, 2000,
                                                GDT_Float64, 0, 0, nullptr) == CE_None);
    CHECK(std::all_of(cells.begin(), cells.end(), [](double cell) { return cell == 0; }));
  }
}

TEST_CASE("PNG: a ramp, missing cells transparent") {
  const TempDir dir;
  const CubeInfo info = one_band(2);
  const auto files = write_cube(
      spec_of(dir, "q.png", "", {{"RAMP", "gray"}, {"MIN", "0"}, {"MAX", "255"}, {"T", "2018-02"}}),
      info, {1, 17, 23});
  CHECK(names_in(dir) == std::vector<std::string>{"q.png"});
  const auto dataset = open(files[0]);
  REQUIRE(dataset->GetRasterCount() == 4);
  REQUIRE(dataset->GetRasterXSize() == 70);
  std::vector<std::uint8_t> cells(std::size_t{4} * 70 * 50);
  REQUIRE(dataset->RasterIO(GF_Read, 0, 0, 70, 50, cells.data(), 70, 50, GDT_Byte, 4, nullptr, 0, 0,
                            0, nullptr) == CE_None);
  for (std::int64_t y = 0; y < 50; ++y) {
    for (std::int64_t x = 0; x < 70; ++x) {
      const auto i = static_cast<std::size_t>(y * 70 + x);
      const double value = cell_value(info.bands[0], 0, 1, y, x);
      REQUIRE(cells[3 * 3500 + i] == (std::isnan(value) ? 0 : 255));
      if (!std::isnan(value)) REQUIRE(cells[i] == static_cast<int>(std::round(value)));
    }
  }
  CHECK(item(*dataset, "Comment").find("image_a.tif") != std::string::npos);
}

TEST_CASE("PNG: three bands, shrunk, one file a slice") {
  const TempDir dir;
  CubeInfo info = two_bands(2);
  info.bands.push_back(band("blue", DType::kUInt8, 0));
  info.bands.push_back(band("extra", DType::kFloat32));
  const auto files =
      write_cube(spec_of(dir, "q_{t}.png", "", {{"SIZE", "40"}, {"BANDS", "red,ndvi,extra"}}), info,
                 {2, 17, 23});
  REQUIRE(files.size() == 2);
  const auto dataset = open(files[0]);
  CHECK(dataset->GetRasterXSize() == 35);
  CHECK(dataset->GetRasterYSize() == 25);
  // Pixel (0, 0) stands for cell (1, 1); only where all three have a value it is opaque.
  std::uint8_t alpha = 0;
  const auto has = [&](std::size_t b, std::int64_t y, std::int64_t x) {
    return !std::isnan(cell_value(info.bands[b], b, 0, y, x));
  };
  for (int i = 0; i < 10; ++i) {
    REQUIRE(dataset->GetRasterBand(4)->RasterIO(GF_Read, i, 0, 1, 1, &alpha, 1, 1, GDT_Byte, 0, 0,
                                                nullptr) == CE_None);
    const std::int64_t x = 2 * i + 1;
    CHECK((alpha == 255) == (has(0, 1, x) && has(1, 1, x) && has(3, 1, x)));
  }
}

TEST_CASE("nothing is left, nor under the final name, when a sink is not finished") {
  for (const char* name : {"a.tif", "a_{t}.tif", "a.nc", "a.zarr", "a.png", "c.tif"}) {
    const TempDir dir;
    const CubeInfo info = one_band(2);
    {
      const auto sink = make_sink(spec_of(dir, name, name[0] == 'c' ? "COG" : ""), info);
      CHECK(names_in(dir).empty());
      sink->begin({1, 20, 20}, kProvenance);
      sink->write(make_chunk(info, {{0, 1}, {0, 20}, {0, 20}}));
      for (const std::string& file : names_in(dir)) CHECK(file.starts_with("."));
      CHECK(!names_in(dir).empty());
    }
    CHECK(names_in(dir).empty());
  }
}

TEST_CASE("an existing output is replaced only when asked to") {
  for (const char* name : {"a.tif", "a.nc", "a.zarr", "a.png"}) {
    const TempDir dir;
    const CubeInfo info = one_band();
    OutputSpec spec = spec_of(dir, name);
    write_cube(spec, info, {1, 50, 70});
    CHECK(error_of([&] { make_sink(spec, info); }) ==
          spec.file + ": exists already (--overwrite replaces it)");
    write_text(spec.file + ".aux.xml", "old statistics");
    spec.overwrite = true;
    const CubeInfo other = one_band(2);
    write_cube(spec, other, {1, 50, 70});
    if (std::string(name) == "a.tif") CHECK(open(spec.file)->GetRasterCount() == 2);
    if (std::string(name) != "a.zarr") CHECK(names_in(dir) == std::vector<std::string>{name});
  }
}

TEST_CASE("a file that appears during the run is not replaced") {
  const TempDir dir;
  const CubeInfo info = one_band();
  const auto sink = make_sink(spec_of(dir, "a.tif"), info);
  sink->begin({1, 50, 70}, kProvenance);
  write_text(dir.file("a.tif"), "mine");
  CHECK(error_of([&] { sink->finish(); }) ==
        dir.file("a.tif") + ": cannot be written: the file appeared during the run");
  CHECK(read_text(dir.file("a.tif")) == "mine");
}

TEST_CASE("what is wrong with an output is said before any work") {
  const TempDir dir;
  const auto says = [&](const OutputSpec& spec, const CubeInfo& info) {
    return error_of([&] { make_sink(spec, info); });
  };
  const CubeInfo info = one_band();
  const std::string a = dir.file("a.tif");
  CHECK(says({"", "", {}, false}, info) == "an output has no file name");
  CHECK(
      says(spec_of(dir, "a.jpg"), info) ==
      dir.file("a.jpg") +
          ": the name does not say which format to write (end it in .tif, .nc, .zarr, .png, .gif, "
          ".webp, .csv, .svg, .gpkg or .geojson, or give the format: GTiff, COG, netCDF, Zarr, "
          "PNG, GIF, "
          "WebP, CSV, SVG, GPKG, GeoJSON)");
  CHECK(says(spec_of(dir, "a.tif", "GTif"), info) ==
        a + ": there is no output format 'GTif' (did you mean 'GTiff'?)");
  CHECK(says(spec_of(dir, "a_{time}.tif"), info) ==
        dir.file("a_{time}.tif") +
            ": the name holds an unknown placeholder '{time}' ({t} for the time, {band} for the "
            "band)");
  CHECK(says(spec_of(dir, "a.tif", "", {{"COMPRES", "ZSTD"}}), info) ==
        a + ": there is no option 'COMPRES' for this format (did you mean 'COMPRESS'?)");
  CHECK(says(spec_of(dir, "a.tif", "", {{"COMPRESS", "DEFLAT"}}), info) ==
        a + ": option COMPRESS cannot be 'DEFLAT' (did you mean 'DEFLATE'?)");
  CHECK(says(spec_of(dir, "a.tif", "", {{"ZLEVEL", "99"}}), info) ==
        a + ": option ZLEVEL cannot be '99' (a whole number from 1 to 12)");
  CHECK(says(spec_of(dir, "a.tif", "", {{"TILED", "MAYBE"}}), info) ==
        a + ": option TILED cannot be 'MAYBE' (YES or NO)");
  CHECK(says(spec_of(dir, "a.png", "", {{"MIN", "low"}}), info) ==
        dir.file("a.png") + ": option MIN cannot be 'low' (a number)");
  CHECK(says(spec_of(dir, "a.tif", "COG", {{"RESAMPLING", "AVRAGE"}}), info) ==
        a + ": option RESAMPLING cannot be 'AVRAGE' (did you mean 'AVERAGE'?)");
  CHECK(says(spec_of(dir, "a.tif", "", {{"COMPRESS", "JPEG"}}), info)
            .starts_with(a + ": GDAL refuses these options: "));
  CHECK(says(spec_of(dir, "a.tif", "", {{"PREDICTOR", "3"}}), one_band(1, DType::kUInt8))
            .starts_with(a + ": GDAL refuses these options: "));
  CHECK(says(spec_of(dir, "a.tif"), two_bands(2)) ==
        a + ": 2 slices of 2 bands do not fit into one GTiff file (put {t} or {band} into the "
            "name)");
  CHECK(says(spec_of(dir, "no/a.tif"), info) ==
        dir.file("no/a.tif") + ": the folder " + dir.file("no") + " does not exist");
  CHECK(says({"/proc/self/a.tif", "", {}, false}, info)
            .starts_with("/proc/self/a.tif: the folder /proc/self cannot be written to") ==
        (::access("/proc/self", W_OK) != 0));
  std::filesystem::create_directories(dir.path() / "full.zarr" / "x");
  CHECK(says({dir.file("full.zarr"), "", {}, true}, info) ==
        dir.file("full.zarr") + ": is a folder that holds something else");
  CubeInfo none = info;
  none.grid.width = 0;
  CHECK(says(spec_of(dir, "a.tif"), none) == a + ": the cube has no cells to write");
  CHECK(names_in(dir) == std::vector<std::string>{"full.zarr"});
}

TEST_CASE("what a format cannot hold is said before any work") {
  const TempDir dir;
  const auto says = [&](const std::string& name, const CubeInfo& info,
                        std::map<std::string, std::string> options = {}) {
    return error_of([&] { make_sink(spec_of(dir, name, "", std::move(options)), info); });
  };
  CubeInfo info = one_band();
  info.bands[0].name = "time";
  for (const char* name : {"a.nc", "a.zarr"}) {
    CHECK(says(name, info) == dir.file(name) +
                                  ": band 'time' would collide with a coordinate of that name "
                                  "(rename_bands gives it another name)");
  }
  info.bands[0].name = "a/b";
  CHECK(says("a.nc", info) == dir.file("a.nc") +
                                  ": 'a/b' cannot be the name of a variable (rename_bands gives it "
                                  "another name)");
  info = two_bands(2);
  info.bands[1].name = "n:dvi";
  CHECK(says("{band}.tif", info) ==
        dir.file("ndvi.tif") + ": two slices or bands would be written to this file");
  const std::string png = dir.file("a.png") + ": ";
  const CubeInfo plain = two_bands(2);
  CHECK(says("a.png", plain, {{"BAND", "rd"}}) == png +
                                                      "there is no band 'rd' (did you mean "
                                                      "'red'?)");
  CHECK(says("a.png", plain, {{"BAND", "red"}, {"BANDS", "red,red,red"}}) ==
        png + "options BAND and BANDS exclude each other");
  CHECK(says("a.png", plain, {{"BANDS", "red,ndvi"}}) ==
        png + "option BANDS names 2 bands (three, e.g. BANDS=red,green,blue)");
  CHECK(says("a.png", plain, {{"T", "2019"}}) ==
        png + "there is no slice '2019' (2018-01 to 2018-02, or an index from 0)");
  CHECK(says("a.png", plain, {{"MIN", "2"}, {"MAX", "1"}}) == png + "option MIN must be below MAX");
  CubeInfo wide = one_band();
  wide.grid.width = std::int64_t{1} << 32;
  CHECK(says("a.tif", wide) == dir.file("a.tif") + ": the raster is too large for a TIFF");
  CubeInfo long_series = one_band(70000);
  CHECK(says("a.tif", long_series) ==
        dir.file("a.tif") + ": a TIFF has at most 65535 bands (put {t} into the name)");
}

TEST_CASE("formats and names") {
  CHECK(format_of_name("a.TIF") == "GTiff");
  CHECK(format_of_name("a.tiff") == "GTiff");
  CHECK(format_of_name("x/a.nc") == "netCDF");
  CHECK(format_of_name("a.zarr") == "Zarr");
  CHECK(format_of_name("a.png") == "PNG");
  CHECK(format_of_name("a.gif") == "GIF");
  CHECK(format_of_name("a.webp") == "WebP");
  CHECK(format_of_name("a.svg") == "SVG");
  CHECK(format_of_name("a.csv") == "CSV");
  CHECK(format_of_name("a.gpkg") == "GPKG");
  CHECK(format_of_name("a.geojson") == "GeoJSON");
  CHECK(format_of_name("a.json") == "GeoJSON");
  CHECK(!format_of_name("a.jpg"));
  CHECK(output_formats().size() == 11);
  for (const auto& [name, help] : output_formats()) CHECK(!help.empty());
}

TEST_CASE("a full disk is an error, never a success") {
  const TempDir dir;
  const std::string place = dir.file("tiny");
  std::filesystem::create_directory(place);
  if (::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=256k") != 0) {
    MESSAGE("skipped: mounting a small file system is not allowed here");
    return;
  }
  for (const char* name : {"a.tif", "c.tif", "a.nc", "a.zarr", "a.png", "a.gif", "a.webp"}) {
    CubeInfo info = one_band(1, DType::kFloat32);
    info.grid = utm_grid(1500, 1500);
    OutputSpec spec{place + "/" + name, name[0] == 'c' ? "COG" : "", {}, false};
    const bool picture = std::string(name).find(".tif") == std::string::npos &&
                         std::string(name).find("a.nc") == std::string::npos &&
                         std::string(name).find("a.zarr") == std::string::npos;
    if (!picture) spec.options["COMPRESS"] = "NONE";
    if (picture) write_text(place + "/filler", std::string(256 * 1024, ' '));
    const std::string said = error_of([&] {
      const auto sink = make_sink(spec, info);
      sink->begin({1, 128, 128}, kProvenance);
      for (const Region& region : tiles(info, {1, 128, 128})) sink->write(make_chunk(info, region));
      sink->finish();
    });
    CHECK(said == spec.file + ": cannot be written: no space left on device");
    std::filesystem::remove(place + "/filler");
    CHECK(std::filesystem::is_empty(place));
  }
  ::umount2(place.c_str(), MNT_DETACH);
}

TEST_CASE("a nearly full disk: either the file is right or there is an error") {
  const TempDir dir;
  const std::string place = dir.file("tiny");
  std::filesystem::create_directory(place);
  CubeInfo info = one_band(1, DType::kFloat32);
  info.grid = utm_grid(60, 60);
  for (const std::string name : {"a.tif", "c.tif", "a.nc", "a.zarr"}) {
    int good = 0;
    int bad = 0;
    for (int kilobytes = 4; kilobytes <= 160; kilobytes += 12) {
      // netCDF asks for some room in advance.
      const std::string size =
          "size=" + std::to_string(name == "a.nc" ? 4 * kilobytes : kilobytes) + "k";
      if (::mount("tmpfs", place.c_str(), "tmpfs", 0, size.c_str()) != 0) {
        MESSAGE("skipped: mounting a small file system is not allowed here");
        return;
      }
      OutputSpec spec{
          place + "/" + name, name[0] == 'c' ? "COG" : "", {{"COMPRESS", "NONE"}}, false};
      if (name[0] == 'c') spec.options["BLOCKSIZE"] = "128";
      const std::string said = error_of([&] { write_cube(spec, info, {1, 32, 32}); });
      if (said.empty()) {
        ++good;
        const auto [dataset, number] = open_slice(spec.file, "ndvi", 0);
        check_band(*dataset->GetRasterBand(number), info, 0, 0);
      } else {
        ++bad;
        CHECK(said == spec.file + ": cannot be written: no space left on device");
        CHECK(std::filesystem::is_empty(place));
      }
      ::umount2(place.c_str(), MNT_DETACH);
    }
    CHECK_MESSAGE(good > 0, name);
    CHECK_MESSAGE(bad > 0, name);
  }
}

TEST_CASE("memory: a quick look is small, a write takes a few chunks") {
  const TempDir dir;
  CubeInfo info = one_band();
  info.grid = utm_grid(100000, 100000);
  CHECK(make_sink(spec_of(dir, "a.png"), info)->resident_bytes() <= 1024 * 1024 * 15);
  const std::int64_t chunk = std::int64_t{512} * 512 * 4;
  for (const char* name : {"a.nc", "a.zarr"}) {
    const auto sink = make_sink(spec_of(dir, name), info);
    CHECK(sink->bytes_per_write({1, 512, 512}) >= 2 * chunk);
    CHECK(sink->bytes_per_write({1, 512, 512}) <= 5 * chunk);
  }
}

TEST_CASE("memory: quick looks of many slices count with the chunks they come in") {
  const TempDir dir;
  CubeInfo info = one_band(100);
  info.grid = utm_grid(2048, 2048);
  const auto sink = make_sink(spec_of(dir, "a_{t}.png"), info);
  const std::int64_t one = make_sink(spec_of(dir, "a.png"), info)->resident_bytes();
  CHECK(sink->resident_bytes() == one);
  CHECK(sink->bytes_per_write({1, 256, 256}) == one);
  CHECK(sink->bytes_per_write({10, 256, 256}) == 10 * one);
}

TEST_CASE("more open files than the system allows are said before any work") {
  const TempDir dir;
  const CubeInfo info = one_band(300);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit low{400, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  const auto sink = make_sink(spec_of(dir, "a_{t}.tif"), info);
  const std::string said = error_of([&] { sink->begin({250, 50, 70}, kProvenance); });
  CHECK(said == dir.file("a_2018-01.tif") +
                    ": chunks of 250 slices would hold 250 files open, of 400 that the system "
                    "allows (chunks of one slice, or a higher 'ulimit -n')");
  CHECK(error_of([&] { sink->begin({1, 50, 70}, kProvenance); }).empty());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("files for other readers") {
  const char* folder = std::getenv("CUBE_OUTPUT_FILES");
  if (!folder) return;
  const std::vector<std::pair<std::string, TimeAxis>> times = {
      {"monthly", axis("2018-01", "P1M", 3)},
      {"daily", axis("2018-01-30", "P1D", 3)},
      {"hourly", axis("1969-12-31T22", "PT1H", 3)},
      {"labelled", TimeAxis::labelled({instant("2018-03-05T10:20:30"), instant("2018-03-07"),
                                       instant("2019-01-01")})}};
  for (const auto& [name, time] : times) {
    for (const bool geographic : {false, true}) {
      CubeInfo info{geographic ? lonlat_grid() : utm_grid(), time, {}};
      info.bands = {band("f32", DType::kFloat32),
                    band("u8", DType::kUInt8, 255),
                    band("i16", DType::kInt16, -9999),
                    band("u16", DType::kUInt16, 0),
                    band("full", DType::kInt32, std::nullopt),
                    band("f64", DType::kFloat64)};
      info.bands[2].scale = 0.5;
      info.bands[2].offset = 10;
      info.bands[2].unit = "K";
      const std::string stem = std::string(folder) + "/" + name + (geographic ? "_deg" : "_utm");
      for (const char* extension : {".nc", ".zarr"}) {
        write_cube({stem + extension, "", {}, false}, info, {2, 17, 23}, kOddProvenance);
      }
    }
  }
  CubeInfo info = two_bands(1);
  info.grid = utm_grid(1300, 1100);
  for (const char* compress : {"DEFLATE", "ZSTD", "NONE"}) {
    write_cube(
        {std::string(folder) + "/cog_" + compress + ".tif", "COG", {{"COMPRESS", compress}}, false},
        info, {1, 256, 256});
  }
}
