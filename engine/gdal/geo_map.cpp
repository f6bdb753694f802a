#include "engine/gdal/geo_map.h"

#include <gdal_alg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include "engine/error.h"
#include "engine/gdal/crs.h"

namespace cube {

namespace {

constexpr std::int64_t kSpacing = 32;        // view cells between lattice nodes
constexpr double kTolerance = 1e-5;          // of an interpolated position, source cells
constexpr double kMargin = 20 * kTolerance;  // nearer to a border than this: evaluated exactly

// position = origin + across * (column + 0.5) + down * (row + 0.5), for x and y.
struct Affine {
  double x0, x_across, x_down;
  double y0, y_across, y_down;
};

// The view's cells in an image with geotransform `g`, both in the same CRS.
std::optional<Affine> affine_of(const std::array<double, 6>& g, const Grid& view) {
  const double det = g[1] * g[5] - g[2] * g[4];
  if (det == 0) return std::nullopt;
  const double left = view.left - g[0];
  const double top = view.top - g[3];
  return Affine{(g[5] * left - g[2] * top) / det, g[5] * view.dx / det,  g[2] * view.dy / det,
                (g[1] * top - g[4] * left) / det, -g[4] * view.dx / det, -g[1] * view.dy / det};
}

class AffineMap final : public GeoMap {
 public:
  explicit AffineMap(const Affine& a) : a_(a) {}

  void locate(const Range& rows, const Range& columns, Positions& out) override {
    const auto count = static_cast<std::size_t>(rows.size() * columns.size());
    out.x.resize(count);
    out.y.resize(count);
    std::size_t i = 0;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const double down = static_cast<double>(row) + 0.5;
      for (std::int64_t column = columns.begin; column < columns.end; ++column, ++i) {
        const double across = static_cast<double>(column) + 0.5;
        out.x[i] = a_.x0 + a_.x_across * across + a_.x_down * down;
        out.y[i] = a_.y0 + a_.y_across * across + a_.y_down * down;
      }
    }
  }

  bool separable() const override { return a_.x_down == 0 && a_.y_across == 0; }

  double shrink() const override {
    return std::min(std::hypot(a_.x_across, a_.y_across), std::hypot(a_.x_down, a_.y_down));
  }

 private:
  Affine a_;
};

struct TransformerDestroy {
  void operator()(void* transformer) const { GDALDestroyGenImgProjTransformer(transformer); }
};
using Transformer = std::unique_ptr<void, TransformerDestroy>;

struct Point {
  double x = std::numeric_limits<double>::quiet_NaN();
  double y = std::numeric_limits<double>::quiet_NaN();
};

Point middle(const Point& a, const Point& b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

// False too when one of them is NaN.
bool near(const Point& a, const Point& b) {
  return std::abs(a.x - b.x) <= kTolerance && std::abs(a.y - b.y) <= kTolerance;
}

class LatticeMap final : public GeoMap {
 public:
  LatticeMap(Transformer transformer, const Grid& view, double width, double height)
      : transformer_(std::move(transformer)), view_(view), shrink_(measure(width, height)) {}

  void locate(const Range& rows, const Range& columns, Positions& out) override {
    rows_ = rows;
    columns_ = columns;
    out_ = &out;
    const auto count = static_cast<std::size_t>(rows.size() * columns.size());
    out.x.resize(count);
    out.y.resize(count);
    fill_lattice();
    settle_borders();
  }

  double shrink() const override { return shrink_; }

 private:
  // A square of the lattice: its first row and column, and its side in view cells.
  struct Place {
    std::int64_t row, column, side;
  };

  // Exact positions of the centres of cells, given by (fractional) row and column.
  void exact(std::span<const double> rows, std::span<const double> columns,
             std::vector<Point>& out) {
    const std::size_t n = rows.size();
    work_x_.resize(n);
    work_y_.resize(n);
    work_z_.assign(n, 0);
    good_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      work_x_[i] = view_.x_edge(columns[i] + 0.5);
      work_y_[i] = view_.y_edge(rows[i] + 0.5);
    }
    const GdalErrors errors;
    GDALGenImgProjTransform(transformer_.get(), TRUE, static_cast<int>(n), work_x_.data(),
                            work_y_.data(), work_z_.data(), good_.data());
    out.assign(n, Point{});
    for (std::size_t i = 0; i < n; ++i) {
      if (good_[i] && std::isfinite(work_x_[i]) && std::isfinite(work_y_[i])) {
        out[i] = {work_x_[i], work_y_[i]};
      }
    }
  }

  // All squares that the window touches. Nodes and the points halfway between them, where the
  // interpolation is checked, are evaluated in one go.
  void fill_lattice() {
    const std::int64_t first_row = floor_to(rows_.begin, kSpacing);
    const std::int64_t first_column = floor_to(columns_.begin, kSpacing);
    const std::int64_t down = 2 * ((rows_.end - first_row + kSpacing - 1) / kSpacing) + 1;
    const std::int64_t across = 2 * ((columns_.end - first_column + kSpacing - 1) / kSpacing) + 1;
    std::vector<double> node_rows;
    std::vector<double> node_columns;
    for (std::int64_t i = 0; i < down; ++i) {
      for (std::int64_t j = 0; j < across; ++j) {
        node_rows.push_back(static_cast<double>(first_row + i * kSpacing / 2));
        node_columns.push_back(static_cast<double>(first_column + j * kSpacing / 2));
      }
    }
    std::vector<Point> nodes;
    exact(node_rows, node_columns, nodes);
    for (std::int64_t i = 0; i + 2 < down; i += 2) {
      for (std::int64_t j = 0; j + 2 < across; j += 2) {
        Point points[3][3];
        for (std::int64_t k = 0; k < 9; ++k) {
          points[k / 3][k % 3] = nodes[static_cast<std::size_t>((i + k / 3) * across + j + k % 3)];
        }
        fill({first_row + i * kSpacing / 2, first_column + j * kSpacing / 2, kSpacing}, points);
      }
    }
  }

  // Fills one square from its corners, or divides it where its other five points say that
  // interpolation errs.
  void fill(const Place& at, const Point (&p)[3][3]) {
    if (at.row >= rows_.end || at.column >= columns_.end || at.row + at.side <= rows_.begin ||
        at.column + at.side <= columns_.begin) {
      return;
    }
    const Point left = middle(p[0][0], p[2][0]);
    const Point right = middle(p[0][2], p[2][2]);
    if (near(middle(p[0][0], p[0][2]), p[0][1]) && near(middle(p[2][0], p[2][2]), p[2][1]) &&
        near(left, p[1][0]) && near(right, p[1][2]) && near(middle(left, right), p[1][1])) {
      interpolate(at, p);
      return;
    }
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 2; ++j) divide(at, p, i, j);
    }
  }

  void divide(const Place& at, const Point (&p)[3][3], int i, int j) {
    const std::int64_t half = at.side / 2;
    const Place place{at.row + i * half, at.column + j * half, half};
    if (half == 1) {
      put(place.row, place.column, p[i][j]);
      return;
    }
    // The corners are known; the five points between them are not.
    static constexpr int kBetween[5][2] = {{0, 1}, {1, 0}, {1, 1}, {1, 2}, {2, 1}};
    std::array<double, 5> rows{};
    std::array<double, 5> columns{};
    const double step = static_cast<double>(half) / 2;
    for (std::size_t k = 0; k < 5; ++k) {
      rows[k] = static_cast<double>(place.row) + kBetween[k][0] * step;
      columns[k] = static_cast<double>(place.column) + kBetween[k][1] * step;
    }
    std::vector<Point> between;
    exact(rows, columns, between);
    Point q[3][3];
    q[0][0] = p[i][j];
    q[0][2] = p[i][j + 1];
    q[2][0] = p[i + 1][j];
    q[2][2] = p[i + 1][j + 1];
    for (std::size_t k = 0; k < 5; ++k) q[kBetween[k][0]][kBetween[k][1]] = between[k];
    fill(place, q);
  }

  // Direct formulas of the index, so that a cell's position is the same in every window.
  void interpolate(const Place& at, const Point (&p)[3][3]) {
    const Range rows = intersect(rows_, Range{at.row, at.row + at.side});
    const Range columns = intersect(columns_, Range{at.column, at.column + at.side});
    const double scale = 1.0 / static_cast<double>(at.side);
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const double v = static_cast<double>(row - at.row) * scale;
      const double x_left = p[0][0].x + v * (p[2][0].x - p[0][0].x);
      const double y_left = p[0][0].y + v * (p[2][0].y - p[0][0].y);
      const double x_step = (p[0][2].x + v * (p[2][2].x - p[0][2].x) - x_left) * scale;
      const double y_step = (p[0][2].y + v * (p[2][2].y - p[0][2].y) - y_left) * scale;
      double* x = out_->x.data() + index(row, columns.begin);
      double* y = out_->y.data() + index(row, columns.begin);
      const auto first = static_cast<double>(columns.begin - at.column);
      for (std::int64_t k = 0; k < columns.size(); ++k) {
        x[k] = x_left + (first + static_cast<double>(k)) * x_step;
        y[k] = y_left + (first + static_cast<double>(k)) * y_step;
      }
    }
  }

  // Evaluates the cells again whose centre nearly lies on a border between source cells.
  void settle_borders() {
    std::vector<double> rows;
    std::vector<double> columns;
    std::vector<std::size_t> where;
    const auto close = [](double v) { return std::abs(v - std::nearbyint(v)) < kMargin; };
    for (std::size_t i = 0; i < out_->x.size(); ++i) {
      if (!close(out_->x[i]) && !close(out_->y[i])) continue;
      where.push_back(i);
      const auto k = static_cast<std::int64_t>(i);
      rows.push_back(static_cast<double>(rows_.begin + k / columns_.size()));
      columns.push_back(static_cast<double>(columns_.begin + k % columns_.size()));
    }
    if (where.empty()) return;
    std::vector<Point> points;
    exact(rows, columns, points);
    for (std::size_t k = 0; k < where.size(); ++k) {
      out_->x[where[k]] = points[k].x;
      out_->y[where[k]] = points[k].y;
    }
  }

  void put(std::int64_t row, std::int64_t column, const Point& point) {
    if (!rows_.contains(row) || !columns_.contains(column)) return;
    out_->x[index(row, column)] = point.x;
    out_->y[index(row, column)] = point.y;
  }

  std::size_t index(std::int64_t row, std::int64_t column) const {
    return static_cast<std::size_t>((row - rows_.begin) * columns_.size() + column -
                                    columns_.begin);
  }

  static std::int64_t floor_to(std::int64_t value, std::int64_t step) {
    return value - ((value % step) + step) % step;
  }

  // The view cells that one source cell spans at the image's centre, inverted; depends on the image
  // and the view alone.
  double measure(double width, double height) {
    std::array<double, 3> x = {width / 2, width / 2 + 1, width / 2};
    std::array<double, 3> y = {height / 2, height / 2, height / 2 + 1};
    std::array<double, 3> z = {0, 0, 0};
    std::array<int, 3> good = {0, 0, 0};
    const GdalErrors errors;
    GDALGenImgProjTransform(transformer_.get(), FALSE, 3, x.data(), y.data(), z.data(),
                            good.data());
    if (!good[0] || !good[1] || !good[2]) return 1;
    const double across = std::hypot((x[1] - x[0]) / view_.dx, (y[1] - y[0]) / view_.dy);
    const double down = std::hypot((x[2] - x[0]) / view_.dx, (y[2] - y[0]) / view_.dy);
    return 1 / std::max({across, down, std::numeric_limits<double>::min()});
  }

  Transformer transformer_;
  Grid view_;
  double shrink_;
  // The window being located.
  Range rows_;
  Range columns_;
  Positions* out_ = nullptr;
  std::vector<double> work_x_, work_y_, work_z_;
  std::vector<int> good_;
};

}  // namespace

std::unique_ptr<GeoMap> make_geo_map(GDALDatasetH dataset, const std::string& image_crs,
                                     const Grid& view, const std::string& descriptor) {
  std::array<double, 6> g{};
  const bool affine = GDALGetGeoTransform(dataset, g.data()) == CE_None;
  if (affine && same_crs(image_crs, view.crs)) {
    if (const auto map = affine_of(g, view)) return std::make_unique<AffineMap>(*map);
  }
  const std::string wkt = crs_wkt(view.crs);
  const std::string target = "DST_SRS=" + wkt;
  std::array<char*, 2> options = {const_cast<char*>(target.c_str()), nullptr};
  const GdalErrors errors;
  Transformer transformer(GDALCreateGenImgProjTransformer2(dataset, nullptr, options.data()));
  if (!transformer || (affine && image_crs.empty())) {
    const std::string reason = errors.any() ? errors.first() : "it has no CRS";
    throw Error(ErrorCode::kUnreadable, "cannot be placed on a grid in " + view.crs + ": " + reason,
                descriptor);
  }
  return std::make_unique<LatticeMap>(std::move(transformer), view,
                                      static_cast<double>(GDALGetRasterXSize(dataset)),
                                      static_cast<double>(GDALGetRasterYSize(dataset)));
}

}  // namespace cube
