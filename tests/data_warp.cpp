// The reader on real imagery, held against gdalwarp and against a slow exact implementation.
#include <gdal_alg.h>
#include <gdal_utils.h>

#include <cmath>
#include <cstring>
#include <random>

#include "engine/text.h"
#include "tests/rasters.h"
#include "tests/support.h"

using namespace cube;
using namespace cube::test;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kTieWidth = 1e-6;  // source cells; a centre so near to a border may go either way

struct Case {
  std::string name;
  RasterBand band;
  Grid grid;
};

struct Expected {
  std::vector<double> cells;      // NaN = missing
  std::vector<std::uint8_t> tie;  // 1 = the centre lies on a border between source cells
};

// Member by member: gcc 12 warns falsely about nested braces with optional members.
Case make_case(const std::string& name, const std::string& file, std::optional<double> nodata,
               const Grid& grid) {
  Case c;
  c.name = name;
  c.band.descriptor = file;
  c.band.nodata = nodata;
  c.grid = grid;
  return c;
}

// All cells of a band as doubles, NaN = missing.
std::vector<double> all_cells(GDALDataset& dataset, const RasterBand& source) {
  GDALRasterBand* band = dataset.GetRasterBand(source.band);
  const int width = band->GetXSize();
  const int height = band->GetYSize();
  std::vector<double> cells(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  REQUIRE(band->RasterIO(GF_Read, 0, 0, width, height, cells.data(), width, height, GDT_Float64, 0,
                         0, nullptr) == CE_None);
  int given = 0;
  const double own = band->GetNoDataValue(&given);
  const double nodata = source.nodata.value_or(given ? own : kNaN);
  for (double& cell : cells) cell = cell == nodata ? kNaN : cell;
  return cells;
}

// The textbook: every centre transformed exactly, then weights of the 2 x 2 cells round it.
class Slow {
 public:
  Slow(const Case& c, Resampling method) : method_(method) {
    dataset_.reset(GDALDataset::Open(c.band.descriptor.c_str(), GDAL_OF_RASTER));
    REQUIRE(dataset_);
    width_ = dataset_->GetRasterXSize();
    height_ = dataset_->GetRasterYSize();
    cells_ = all_cells(*dataset_, c.band);
    const std::string target = "DST_SRS=" + crs_wkt(c.grid.crs);
    const char* const options[] = {target.c_str(), nullptr};
    transformer_ =
        GDALCreateGenImgProjTransformer2(dataset_.get(), nullptr, const_cast<char**>(options));
    REQUIRE(transformer_);
  }
  ~Slow() { GDALDestroyGenImgProjTransformer(transformer_); }
  Slow(const Slow&) = delete;
  Slow& operator=(const Slow&) = delete;

  Expected run(const Grid& grid) const {
    Expected out;
    for (std::int64_t row = 0; row < grid.height; ++row) {
      for (std::int64_t column = 0; column < grid.width; ++column) {
        double x = grid.x_center(column);
        double y = grid.y_center(row);
        double z = 0;
        int good = 0;
        GDALGenImgProjTransform(transformer_, TRUE, 1, &x, &y, &z, &good);
        const auto near_border = [](double v) {
          return std::abs(v - std::nearbyint(v)) < kTieWidth;
        };
        out.tie.push_back(good && (near_border(x) || near_border(y)));
        out.cells.push_back(good ? sample(x, y) : kNaN);
      }
    }
    return out;
  }

 private:
  double cell(double x, double y) const {
    if (!(x >= 0 && y >= 0 && x < width_ && y < height_)) return kNaN;
    return cells_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                  static_cast<std::size_t>(x)];
  }

  double sample(double x, double y) const {
    const double centre = cell(std::floor(x), std::floor(y));
    if (std::isnan(centre) || method_ == Resampling::kNearest) return centre;
    const double left = std::floor(x - 0.5);
    const double top = std::floor(y - 0.5);
    double sum = 0;
    double weights = 0;
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 2; ++j) {
        const double value = cell(left + j, top + i);
        const double weight =
            (1 - std::abs(x - 0.5 - left - j)) * (1 - std::abs(y - 0.5 - top - i));
        if (std::isnan(value)) continue;
        sum += weight * value;
        weights += weight;
      }
    }
    return weights > 0 ? sum / weights : kNaN;
  }

  Resampling method_;
  GDALDatasetUniquePtr dataset_;
  void* transformer_ = nullptr;
  double width_ = 0;
  double height_ = 0;
  std::vector<double> cells_;
};

std::vector<double> gdalwarp(const Case& c, Resampling method) {
  const Box box = c.grid.extent();
  const std::string srs = crs_wkt(c.grid.crs);
  std::vector<std::string> args = {"-of",
                                   "MEM",
                                   "-ot",
                                   "Float64",
                                   "-et",
                                   "0",
                                   "-wo",
                                   "XSCALE=1",
                                   "-wo",
                                   "YSCALE=1",
                                   "-ovr",
                                   "NONE",
                                   "-dstnodata",
                                   "nan",
                                   "-r",
                                   std::string(name(method)),
                                   "-t_srs",
                                   srs,
                                   "-te",
                                   number_text(box.left),
                                   number_text(box.bottom),
                                   number_text(box.right),
                                   number_text(box.top),
                                   "-ts",
                                   std::to_string(c.grid.width),
                                   std::to_string(c.grid.height)};
  if (c.band.nodata) {
    args.insert(args.end(), {"-srcnodata", number_text(*c.band.nodata)});
  }
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  GDALDatasetUniquePtr source(GDALDataset::Open(c.band.descriptor.c_str(), GDAL_OF_RASTER));
  REQUIRE(source);
  GDALWarpAppOptions* options = GDALWarpAppOptionsNew(argv.data(), nullptr);
  REQUIRE(options);
  GDALDatasetH from = source.get();
  int misuse = 0;
  GDALDatasetUniquePtr result(
      GDALDataset::FromHandle(GDALWarp("", nullptr, 1, &from, options, &misuse)));
  GDALWarpAppOptionsFree(options);
  REQUIRE(result);
  return all_cells(*result, {"", c.band.band, {}});
}

double deviation(const std::vector<double>& cells) {
  double n = 0;
  double sum = 0;
  double squares = 0;
  for (const double cell : cells) {
    if (std::isnan(cell)) continue;
    n += 1;
    sum += cell;
    squares += cell * cell;
  }
  return n > 0 ? std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n))) : 0;
}

// Missing cells identical, nearest equal, bilinear within 1e-4 of the deviation; except on ties.
void check_close(const std::vector<double>& got, const std::vector<double>& want,
                 const std::vector<std::uint8_t>& tie, Resampling method) {
  const double allowed = method == Resampling::kNearest ? 0 : 1e-4 * deviation(want);
  std::size_t values = 0;
  std::size_t ties = 0;
  std::size_t gaps = 0;
  double worst = 0;
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (tie[i]) {
      ++ties;
      continue;
    }
    if (std::isnan(got[i]) != std::isnan(want[i])) {
      ++gaps;
    } else if (!std::isnan(got[i])) {
      ++values;
      worst = std::max(worst, std::abs(got[i] - want[i]));
    }
  }
  CHECK(gaps == 0);
  CHECK(worst <= allowed);
  CHECK(values > 50);
  CHECK(ties < got.size() / 20 + 1);
}

// A grid of about `cells` cells over an image, in another CRS, with odd edges, reaching beyond it.
Grid grid_over(const std::string& file, const std::string& crs, double cells) {
  const RasterInfo info = describe_raster(file);
  REQUIRE(info.lonlat.size() == 1);
  const Box box = transform_box(info.lonlat[0], "EPSG:4326", crs).at(0);
  Grid grid;
  grid.crs = crs;
  grid.dx = (box.right - box.left) / cells;
  grid.dy = (box.top - box.bottom) / cells;
  grid.left = box.left - 7.37 * grid.dx;
  grid.top = box.top + 5.21 * grid.dy;
  grid.width = static_cast<std::int64_t>(cells) + 13;
  grid.height = static_cast<std::int64_t>(cells) + 11;
  return grid;
}

std::string landsat(const std::string& scene, const std::string& file) {
  return (shared_dir() / "data/landsat8_new_york_2018" / scene / file).string();
}

std::vector<Case> landsat_cases(const std::vector<double>& sizes) {
  const std::vector<std::string> files = {
      landsat("LC08_L1TP_013032_20180131_20180207_01_T1", "LC08_L1TP_013032_20180131_B4.TIF"),
      landsat("LC08_L1TP_014031_20180106_20180119_01_T1", "LC08_L1TP_014031_20180106_B8.TIF")};
  std::vector<Case> out;
  for (const std::string& file : files) {
    for (const char* crs : {"EPSG:3857", "EPSG:4326", "EPSG:32617", "EPSG:32618", "EPSG:32619"}) {
      for (const double size : sizes) {
        out.push_back(
            make_case(file.substr(file.size() - 28) + " " + crs + " " + std::to_string(size), file,
                      0.0, grid_over(file, crs, size)));
      }
    }
  }
  return out;
}

std::vector<Case> other_cases(double size) {
  const auto data = shared_dir() / "data";
  std::vector<Case> out;
  for (const char* file :
       {"au-gcp.tif", "au-3577-rotated.tif", "S2A_MSIL2A_20200215_T36SXA_clip.tif"}) {
    const std::string path = (data / file).string();
    for (const char* crs : {"EPSG:4326", "EPSG:3857", "EPSG:3577"}) {
      if (std::string(crs) == "EPSG:3577" && !std::string(file).starts_with("au")) continue;
      out.push_back(make_case(std::string(file) + " " + crs, path, {}, grid_over(path, crs, size)));
    }
  }
  return out;
}

void against_slow(const Case& c) {
  const auto reader = make_image_reader();
  for (const Resampling method : {Resampling::kNearest, Resampling::kBilinear}) {
    CAPTURE(c.name);
    CAPTURE(std::string(name(method)));
    const Expected want = Slow(c, method).run(c.grid);
    check_close(read_cells(*reader, c.band, c.grid, method), want.cells, want.tie, method);
  }
}

void against_gdalwarp(const Case& c) {
  const auto reader = make_image_reader();
  for (const Resampling method : {Resampling::kNearest, Resampling::kBilinear}) {
    CAPTURE(c.name);
    CAPTURE(std::string(name(method)));
    const std::vector<double> want = gdalwarp(c, method);
    const std::vector<std::uint8_t> tie = Slow(c, method).run(c.grid).tie;
    check_close(read_cells(*reader, c.band, c.grid, method), want, tie, method);
  }
}

// A 10 m scene in zone 31 seen from zone 32, with holes.
Case two_zones(const TempDir& dir, double cell, std::int64_t cells) {
  const RasterSpec spec{
      .transform = {699960, 10, 0, 5100000, 0, -10}, .width = 500, .height = 500, .nodata = 0};
  std::mt19937 random(7);
  std::vector<double> values;
  for (int i = 0; i < spec.width * spec.height; ++i) {
    values.push_back(random() % 50 == 0 ? 0.0 : static_cast<double>(1 + random() % 4000));
  }
  const std::string file = dir.file("zones.tif");
  write_raster(file, spec, values);
  Grid grid = grid_over(file, "EPSG:32632", 500);
  grid.dx = grid.dy = cell;
  grid.width = grid.height = cells;
  return make_case("two zones", file, {}, grid);
}

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}

// Random windows of the target hold the same bits as the whole.
void check_windows(const Case& c, int count) {
  CAPTURE(c.name);
  std::mt19937 random(11);
  const auto range = [&](std::int64_t size, bool single) {
    const auto begin = static_cast<std::int64_t>(random()) % size;
    const auto length = single ? 1 : 1 + static_cast<std::int64_t>(random()) % (size - begin);
    return Range{begin, begin + length};
  };
  for (const Resampling method : {Resampling::kNearest, Resampling::kBilinear}) {
    const auto whole = read_cells(*make_image_reader(), c.band, c.grid, method);
    const auto reader = make_image_reader();
    std::size_t different = 0;
    for (int i = 0; i < count; ++i) {
      const Range rows = range(c.grid.height, i % 2 == 0);
      const Range columns = range(c.grid.width, i % 2 == 0);
      const auto part = read_cells(*reader, c.band, c.grid, method, nullptr, rows, columns);
      std::size_t k = 0;
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        for (std::int64_t column = columns.begin; column < columns.end; ++column, ++k) {
          const auto at = static_cast<std::size_t>(row * c.grid.width + column);
          if (!same_bits(part[k], whole[at])) ++different;
        }
      }
    }
    CHECK(different == 0);
  }
}

}  // namespace

TEST_CASE("Landsat onto other grids equals gdalwarp") {
  for (const Case& c : landsat_cases({100, 230})) against_gdalwarp(c);
}

TEST_CASE("Landsat equals the slow exact reading, finer and coarser") {
  for (const Case& c : landsat_cases({19, 31, 100, 230})) against_slow(c);
}

TEST_CASE("ground control points, rotated and geographic images equal the slow exact reading") {
  for (const Case& c : other_cases(150)) against_slow(c);
}

TEST_CASE("a 10 m scene across UTM zones equals both") {
  const TempDir dir;
  against_gdalwarp(two_zones(dir, 10, 510));
  against_slow(two_zones(dir, 10, 510));
  against_slow(two_zones(dir, 37, 140));
}

TEST_CASE("any window of the target has the bits of the whole") {
  const TempDir dir;
  check_windows(two_zones(dir, 10, 300), 60);
  for (const Case& c : landsat_cases({90})) check_windows(c, 40);
  for (const Case& c : other_cases(90)) check_windows(c, 40);
}
