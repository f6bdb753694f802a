// What the resampling of images is held against: gdalwarp, and a slow exact implementation; and the
// images that it is held against them on.
#pragma once

#include <gdal_alg.h>
#include <gdal_utils.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "engine/gdal/sampling.h"
#include "engine/text.h"
#include "tests/rasters.h"
#include "tests/support.h"

namespace cube::test {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kTieWidth =
    1e-6;  // source cells; a centre so near to a border may go either way

struct Case {
  std::string name;
  RasterBand band;
  Grid grid;
  bool same_crs = false;    // as the image's
  bool on_centres = false;  // each target centre is one of the image's
};

struct Expected {
  std::vector<double> cells;      // NaN = missing
  std::vector<std::uint8_t> tie;  // 1 = the centre (or a corner of an area) is on a cell's border
  std::vector<std::uint8_t> gap;  // 1 = a source cell with a weight is missing or outside
  std::vector<std::uint8_t> beyond;  // 1 = an area reaches beyond the image
};

// Member by member: gcc 12 warns falsely about nested braces with optional members.
inline Case make_case(const std::string& name, const std::string& file,
                      std::optional<double> nodata, const Grid& grid) {
  Case c;
  c.name = name;
  c.band.descriptor = file;
  c.band.nodata = nodata;
  c.grid = grid;
  return c;
}

// All cells of a band as doubles, NaN = missing.
inline std::vector<double> all_cells(GDALDataset& dataset, const RasterBand& source) {
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

// A rectangle of positions in an image, and the part of it that the cell's quadrilateral has.
struct Area {
  double left, right, top, bottom;
  double share = 1;
};

// Kernels as their books write them.
inline double book_kernel(Resampling method, double distance) {
  const double x = std::abs(distance);
  const double pi = 3.14159265358979323846;
  if (method == Resampling::kBilinear) return std::max(0.0, 1 - x);
  if (method == Resampling::kLanczos) {
    if (x == 0 || x >= 3) return x == 0 ? 1 : 0;
    return std::sin(pi * x) / (pi * x) * std::sin(pi * x / 3) / (pi * x / 3);
  }
  if (method == Resampling::kCubic) {
    if (x <= 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
    return x <= 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
  }
  if (x <= 1) return 2.0 / 3 - x * x + 0.5 * x * x * x;
  return x <= 2 ? std::pow(2 - x, 3) / 6 : 0;
}

// The textbook: every centre and corner transformed exactly, then sums over all source cells that
// can matter.
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
    measure(c.grid);
  }
  ~Slow() { GDALDestroyGenImgProjTransformer(transformer_); }
  Slow(const Slow&) = delete;
  Slow& operator=(const Slow&) = delete;

  // Source cells a view cell spans; 1 where a kernel does not grow.
  double scale_x() const { return scale_x_; }
  double scale_y() const { return scale_y_; }

  Expected run(const Grid& grid) const {
    Expected out;
    for (std::int64_t row = 0; row < grid.height; ++row) {
      for (std::int64_t column = 0; column < grid.width; ++column) {
        const Point at = place(grid.x_center(column), grid.y_center(row));
        Area area{};
        if (is_area_method(method_)) area = area_of(grid, row, column);
        const bool tie =
            near_border(at.x) || near_border(at.y) ||
            (is_area_method(method_) && (near_border(area.left) || near_border(area.right) ||
                                         near_border(area.top) || near_border(area.bottom)));
        out.tie.push_back(at.good && tie);
        const std::vector<Part> parts = parts_of(at, area);
        out.cells.push_back(at.good ? sample(at, parts, area.share) : kNaN);
        out.beyond.push_back(
            !(area.left >= 0 && area.top >= 0 && area.right <= width_ && area.bottom <= height_));
        out.gap.push_back(std::any_of(parts.begin(), parts.end(),
                                      [](const Part& part) { return std::isnan(part.value); }));
      }
    }
    return out;
  }

 private:
  struct Point {
    double x = kNaN, y = kNaN;
    bool good = false;
  };
  struct Part {
    double value, weight;
  };

  static bool near_border(double v) {
    const double off = std::abs(v - std::nearbyint(v));
    return off > 0 && off < kTieWidth;
  }

  // On the border where the transformation's rounding errors say so.
  static double snapped(double v) {
    return std::abs(v - std::nearbyint(v)) < 1e-9 ? std::nearbyint(v) : v;
  }

  Point place(double x, double y) const {
    double z = 0;
    int good = 0;
    GDALGenImgProjTransform(transformer_, TRUE, 1, &x, &y, &z, &good);
    return {snapped(x), snapped(y), good != 0};
  }

  // The part of the image that lies in the view: under corners of its cells, and along the image's
  // outline.
  Area part_in_view(const Grid& grid) const {
    Area part{INFINITY, -INFINITY, INFINITY, -INFINITY};
    const auto add = [&](double x, double y) {
      part.left = std::min(part.left, x), part.right = std::max(part.right, x);
      part.top = std::min(part.top, y), part.bottom = std::max(part.bottom, y);
    };
    for (std::int64_t i = 0; i <= grid.height; ++i) {
      for (std::int64_t k = 0; k <= grid.width; ++k) {
        const Point at =
            place(grid.x_edge(static_cast<double>(k)), grid.y_edge(static_cast<double>(i)));
        if (at.good && at.x >= 0 && at.y >= 0 && at.x <= width_ && at.y <= height_) add(at.x, at.y);
      }
    }
    for (int i = 0; i <= 100; ++i) {
      const double f = i / 100.0;
      for (const auto& [x, y] : {std::pair(f, 0.0), {f, 1.0}, {0.0, f}, {1.0, f}}) {
        double px = x * width_, py = y * height_, z = 0;
        int good = 0;
        GDALGenImgProjTransform(transformer_, FALSE, 1, &px, &py, &z, &good);
        const Box box = grid.extent();
        if (good && px >= box.left && px <= box.right && py >= box.bottom && py <= box.top)
          add(x * width_, y * height_);
      }
    }
    return part;
  }

  // From the view's cells that one source cell spans at the centre of that part.
  void measure(const Grid& grid) {
    const Area part = part_in_view(grid);
    const double mx = (part.left + part.right) / 2, my = (part.top + part.bottom) / 2;
    double x[3] = {mx, mx + 1, mx};
    double y[3] = {my, my, my + 1};
    double z[3] = {0, 0, 0};
    int good[3];
    GDALGenImgProjTransform(transformer_, FALSE, 3, x, y, z, good);
    const double a = (x[1] - x[0]) / grid.dx, b = (x[2] - x[0]) / grid.dx;
    const double c = (y[0] - y[1]) / grid.dy, d = (y[0] - y[2]) / grid.dy;
    const double det = a * d - b * c;
    const double across = std::sqrt(d * d + b * b) / std::abs(det);
    const double down = std::sqrt(a * a + c * c) / std::abs(det);
    askew_ = std::abs((d - b) / det) < 0.7 * across || std::abs((a - c) / det) < 0.7 * down;
    if (method_ == Resampling::kBilinear) return;
    if (across * 0.95 > 1) scale_x_ = across;
    if (down * 0.95 > 1) scale_y_ = down;
  }

  Area area_of(const Grid& grid, std::int64_t row, std::int64_t column) const {
    const auto corner = [&](std::int64_t i, std::int64_t k) {
      return place(grid.x_edge(static_cast<double>(k)), grid.y_edge(static_cast<double>(i)));
    };
    const Point a = corner(row, column);
    const Point b = corner(row + 1, column + 1);
    const Point upper_right = corner(row, column + 1);
    const Point lower_left = corner(row + 1, column);
    const Point c = askew_ ? upper_right : a;
    const Point d = askew_ ? lower_left : b;
    Area area = {std::min({a.x, b.x, c.x, d.x}), std::max({a.x, b.x, c.x, d.x}),
                 std::min({a.y, b.y, c.y, d.y}), std::max({a.y, b.y, c.y, d.y})};
    const auto triangle = [](const Point& p, const Point& q, const Point& r) {
      return std::abs((q.x - p.x) * (r.y - p.y) - (r.x - p.x) * (q.y - p.y)) / 2;
    };
    area.share = (triangle(a, upper_right, b) + triangle(a, b, lower_left)) /
                 ((area.right - area.left) * (area.bottom - area.top));
    return area;
  }

  double cell(double x, double y) const {
    if (!(x >= 0 && y >= 0 && x < width_ && y < height_)) return kNaN;
    return cells_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                  static_cast<std::size_t>(x)];
  }

  // All source cells that have a weight, row by row.
  std::vector<Part> parts_of(const Point& at, const Area& area) const {
    std::vector<Part> parts;
    if (!at.good || std::isnan(cell(std::floor(at.x), std::floor(at.y)))) return parts;
    if (is_area_method(method_)) {
      for (double y = std::floor(area.top); y < area.bottom; ++y) {
        const double down = std::min(y + 1, area.bottom) - std::max(y, area.top);
        for (double x = std::floor(area.left); x < area.right; ++x) {
          const double across = std::min(x + 1, area.right) - std::max(x, area.left);
          parts.push_back({cell(x, y), down * across});
        }
      }
      return parts;
    }
    const double reach_x = 3 * scale_x_ + 1, reach_y = 3 * scale_y_ + 1;
    for (double y = std::floor(at.y - reach_y); y <= at.y + reach_y; ++y) {
      const double down = book_kernel(method_, (y + 0.5 - at.y) / scale_y_);
      for (double x = std::floor(at.x - reach_x); x <= at.x + reach_x; ++x) {
        const double weight = down * book_kernel(method_, (x + 0.5 - at.x) / scale_x_);
        if (weight != 0) parts.push_back({cell(x, y), weight});
      }
    }
    return parts;
  }

  double sample(const Point& at, const std::vector<Part>& parts, double share) const {
    const double centre = cell(std::floor(at.x), std::floor(at.y));
    if (std::isnan(centre) || method_ == Resampling::kNearest) return centre;
    double sum = 0, squares = 0, weights = 0, all = 0;
    std::vector<double> values;
    for (const Part& part : parts) {
      all += part.weight;
      if (std::isnan(part.value)) continue;
      values.push_back(part.value);
      sum += part.weight * part.value;
      squares += part.weight * part.value * part.value;
      weights += part.weight;
    }
    switch (method_) {
      case Resampling::kSum:
        return sum * share;
      case Resampling::kRms:
        return std::sqrt(squares / weights);
      case Resampling::kMode:
        return mode_of(values);
      default:
        break;
    }
    if (method_ > Resampling::kMode) return ordered(values);
    return weights / all < 0.1 ? centre : sum / weights;
  }

  // The first to reach the highest count.
  static double mode_of(const std::vector<double>& values) {
    std::map<double, int> counts;
    double best = kNaN;
    int most = 0;
    for (const double value : values) {
      if (++counts[value] > most) {
        most = counts[value];
        best = value;
      }
    }
    return best;
  }

  double ordered(std::vector<double> values) const {
    std::sort(values.begin(), values.end());
    if (method_ == Resampling::kMin) return values.front();
    if (method_ == Resampling::kMax) return values.back();
    const double part = method_ == Resampling::kQ1 ? 0.25 : method_ == Resampling::kQ3 ? 0.75 : 0.5;
    const double rank = std::ceil(part * static_cast<double>(values.size()));
    return values[static_cast<std::size_t>(rank) - 1];
  }

  Resampling method_;
  GDALDatasetUniquePtr dataset_;
  void* transformer_ = nullptr;
  double width_ = 0;
  double height_ = 0;
  double scale_x_ = 1;
  double scale_y_ = 1;
  bool askew_ = false;
  std::vector<double> cells_;
};

// gdalwarp without its approximations. `scale`: source cells a view cell spans, for kernels.
inline std::vector<double> gdalwarp(const Case& c, Resampling method, double scale_x = 1,
                                    double scale_y = 1) {
  const Box box = c.grid.extent();
  const std::string srs = crs_wkt(c.grid.crs);
  std::vector<std::string> args = {"-of",
                                   "MEM",
                                   "-ot",
                                   "Float64",
                                   "-et",
                                   "0",
                                   "-wo",
                                   "XSCALE=" + number_text(1 / scale_x),
                                   "-wo",
                                   "YSCALE=" + number_text(1 / scale_y),
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

inline double deviation(const std::vector<double>& cells) {
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

// Cells in `tie` and `skip` are left out. Missing cells identical, values of source cells equal,
// others within 1e-4 of the deviation.
inline void check_close(const std::vector<double>& got, const std::vector<double>& want,
                        const std::vector<std::uint8_t>& tie, Resampling method,
                        const std::vector<std::uint8_t>& skip = {}) {
  const double allowed = keeps_values(method) ? 0 : 1e-4 * deviation(want);
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
    if (!skip.empty() && skip[i]) continue;
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

// Holds cube against gdalwarp where both mean the same:
// - cubic: where 4 x 4 cells are there (else gdalwarp turns to bilinear);
// - cubicspline that shrinks: where twice the scale is whole (else gdalwarp goes on a little beyond
//   the kernel's end, with the wrong sign);
// - cells of lanczos that lack source cells: where gdalwarp has a value (some it leaves missing);
// - lanczos that shrinks: only where centres lie on centres (gdalwarp moves the kernel there);
// - area methods: where the area is inside of the image (gdalwarp weighs the outermost cells as if
//   they covered the rest) and where cube has a value (gdalwarp has one wherever a cell is valid);
// - sum across CRSs: not (gdalwarp shares out source cells by exact polygons).
inline void against_gdalwarp(const Case& c, Resampling method) {
  CAPTURE(c.name);
  CAPTURE(std::string(name(method)));
  const Slow slow(c, method);
  const bool shrinks = slow.scale_x() > 1 || slow.scale_y() > 1;
  if (method == Resampling::kLanczos && shrinks && !c.on_centres) return;
  const auto half = [](double scale) {
    return std::abs(2 * scale - std::nearbyint(2 * scale)) < 1e-9;
  };
  const bool halves = half(slow.scale_x()) && half(slow.scale_y());
  if (method == Resampling::kCubicSpline && !halves) return;
  if (method == Resampling::kSum && !c.same_crs) return;
  const Expected ours = slow.run(c.grid);
  const std::vector<double> want = gdalwarp(c, method, slow.scale_x(), slow.scale_y());
  std::vector<std::uint8_t> skip(want.size());
  for (std::size_t i = 0; i < skip.size(); ++i) {
    if (is_area_method(method)) skip[i] |= ours.beyond[i] || std::isnan(ours.cells[i]);
    if (method == Resampling::kCubic) skip[i] |= ours.gap[i];
    if (method == Resampling::kLanczos) skip[i] |= ours.gap[i] && std::isnan(want[i]);
  }
  check_close(read_cells(*make_image_reader(), c.band, c.grid, method), want, ours.tie, method,
              skip);
}

// A grid of about `cells` cells over an image, in another CRS, with odd edges, reaching beyond it.
inline Grid grid_over(const std::string& file, const std::string& crs, double cells) {
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

inline std::string landsat(const std::string& scene, const std::string& file) {
  return (shared_dir() / "data/landsat8_new_york_2018" / scene / file).string();
}

inline std::vector<Case> landsat_cases(const std::vector<double>& sizes) {
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

inline std::vector<Case> other_cases(double size) {
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

// A 10 m scene in zone 31 seen from zone 32, with holes.
inline Case two_zones(const TempDir& dir, double cell, std::int64_t cells) {
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

inline bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}

// Random windows of the target hold the same bits as the whole.
inline void check_windows(const Case& c, int count, const std::vector<Resampling>& methods) {
  CAPTURE(c.name);
  std::mt19937 random(11);
  const auto range = [&](std::int64_t size, bool single) {
    const auto begin = static_cast<std::int64_t>(random()) % size;
    const auto length = single ? 1 : 1 + static_cast<std::int64_t>(random()) % (size - begin);
    return Range{begin, begin + length};
  };
  for (const Resampling method : methods) {
    CAPTURE(std::string(name(method)));
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

}  // namespace cube::test
