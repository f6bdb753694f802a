#include "engine/gdal/geo_map.h"

#include <gdal_alg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/ground_points.h"
#include "engine/gdal/part_in_view.h"
#include "engine/gdal/reprojection.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

constexpr std::int64_t kSpacing = 64;        // view cells a lattice square; a power of 2
constexpr double kTolerance = 2e-6;          // of an interpolated position, source cells
constexpr double kMargin = 10 * kTolerance;  // nearer to a border than this: evaluated exactly

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
    start({a_.x_across, a_.x_down, a_.y_across, a_.y_down}, separable(), out);
    fill(rows, columns, out.separable, 0.5, out.x, out.y);
  }

  void add_corners(const Range& rows, const Range& columns, Positions& out) override {
    fill({rows.begin, rows.end + 1}, {columns.begin, columns.end + 1}, out.separable, 0,
         out.corner_x, out.corner_y);
    out.corner_columns = static_cast<std::size_t>(columns.size() + 1);
  }

  bool separable() const override { return a_.x_down == 0 && a_.y_across == 0; }

  double shrink() const override {
    return std::min(std::hypot(a_.x_across, a_.y_across), std::hypot(a_.x_down, a_.y_down));
  }

 private:
  // Positions `part` of a cell from the corners of cells.
  void fill(const Range& rows, const Range& columns, bool on_axes, double part,
            std::vector<double>& x, std::vector<double>& y) const {
    if (on_axes) {
      fill_axis(a_.x0, a_.x_across, columns, part, x);
      fill_axis(a_.y0, a_.y_down, rows, part, y);
      return;
    }
    const auto count = static_cast<std::size_t>(rows.size() * columns.size());
    x.resize(count);
    y.resize(count);
    std::size_t i = 0;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const double down = static_cast<double>(row) + part;
      for (std::int64_t column = columns.begin; column < columns.end; ++column, ++i) {
        const double across = static_cast<double>(column) + part;
        x[i] = a_.x0 + a_.x_across * across + a_.x_down * down;
        y[i] = a_.y0 + a_.y_across * across + a_.y_down * down;
      }
    }
  }

  static void fill_axis(double origin, double step, const Range& cells, double part,
                        std::vector<double>& out) {
    out.resize(static_cast<std::size_t>(cells.size()));
    for (std::size_t k = 0; k < out.size(); ++k) {
      out[k] =
          origin + step * (static_cast<double>(cells.begin + static_cast<std::int64_t>(k)) + part);
    }
  }

  Affine a_;
};

struct Point {
  double x = std::numeric_limits<double>::quiet_NaN();
  double y = std::numeric_limits<double>::quiet_NaN();
};

// False too when one of them is NaN.
bool near(const Point& a, const Point& b) {
  return std::abs(a.x - b.x) <= kTolerance && std::abs(a.y - b.y) <= kTolerance;
}

// Whether a position nearly lies on a border between cells. The sum rounds to a whole number where
// the numbers can be half of that, without the call that std::nearbyint costs.
inline bool close(double v) {
  constexpr double kRound = 0x1.8p52;
  return std::abs(v - ((v + kRound) - kRound)) < kMargin;
}

// Positions along a row of a square: polynomials of the way across it, 0 to 1.
struct Curve {
  Point constant, linear, square;

  Point at(double u) const {
    return {constant.x + u * (linear.x + u * square.x), constant.y + u * (linear.y + u * square.y)};
  }
};

// The positions of `count` cells from cell `first` of the row on, `step` apart. True when one of
// them nearly lies on a border.
CUBE_MULTIVERSION
bool follow(const Curve& curve, int first, int count, double step, double* x, double* y) {
  int any = 0;
  for (int k = 0; k < count; ++k) {
    const Point point = curve.at((first + k) * step);
    x[k] = point.x;
    y[k] = point.y;
    any |= close(point.x) | close(point.y);
  }
  return any != 0;
}

class LatticeMap final : public GeoMap {
 public:
  // `transformer` goes to the view, or to what `reprojection` brings there; `round` is as in
  // Longitudes. `descriptor`: the image.
  LatticeMap(Transformer transformer, std::optional<Reprojection> reprojection, const Grid& view,
             double width, double height, double round, std::string descriptor)
      : transformer_(std::move(transformer)),
        reprojection_(std::move(reprojection)),
        view_(view),
        width_(width),
        round_(round),
        descriptor_(std::move(descriptor)) {
    measure(width, height);
  }

  void locate(const Range& rows, const Range& columns, Positions& out) override {
    start(steps_, false, out);
    fill(rows, columns, 0.5, out.x, out.y);
  }

  void add_corners(const Range& rows, const Range& columns, Positions& out) override {
    fill({rows.begin, rows.end + 1}, {columns.begin, columns.end + 1}, 0, out.corner_x,
         out.corner_y);
    out.corner_columns = static_cast<std::size_t>(columns.size() + 1);
  }

  double shrink() const override { return shrink_; }

 private:
  // A square of the lattice: its first row and column, and its side in view cells; the positions
  // of 3 x 3 nodes (corners, halfway, centre), which place its cells, and of the centres of its
  // quarters, where that is checked.
  struct Square {
    std::int64_t row, column, side;
    Point nodes[3][3];
    Point checks[2][2];
  };

  // Positions `part` of a cell from the corners of cells: a lattice of its own.
  void fill(const Range& rows, const Range& columns, double part, std::vector<double>& x,
            std::vector<double>& y) {
    rows_ = rows;
    columns_ = columns;
    part_ = part;
    const auto count = static_cast<std::size_t>(rows.size() * columns.size());
    x.resize(count);
    y.resize(count);
    x_ = x.data();
    y_ = y.data();
    borders_.clear();
    border_rows_.clear();
    border_columns_.clear();
    fill_lattice();
    settle_borders();
  }

  // Exact positions in cells, given by (fractional) row and column.
  void exact(std::span<const double> rows, std::span<const double> columns,
             std::vector<Point>& out) {
    const std::size_t n = rows.size();
    work_x_.resize(n);
    work_y_.resize(n);
    work_z_.assign(n, 0);
    good_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      work_x_[i] = view_.x_edge(columns[i] + part_);
      work_y_[i] = view_.y_edge(rows[i] + part_);
    }
    const GdalErrors errors;
    if (reprojection_) reprojection_->to_image(work_x_, work_y_);
    GDALGenImgProjTransform(transformer_.get(), TRUE, static_cast<int>(n), work_x_.data(),
                            work_y_.data(), work_z_.data(), good_.data());
    errors.refuse_loss(descriptor_);  // of heights
    out.assign(n, Point{});
    for (std::size_t i = 0; i < n; ++i) {
      if (good_[i] && std::isfinite(work_x_[i]) && std::isfinite(work_y_[i])) {
        out[i] = {turned(work_x_[i]), work_y_[i]};
      }
    }
  }

  // Longitudes come out on one side of the seam or the other, not always on the image's.
  double turned(double x) const {
    if (round_ == 0 || (x + kTie >= 0 && x + kTie < width_)) return x;
    const double back = x - round_ * std::floor((x + kTie) / round_);
    return back + kTie < width_ ? back : back - round_;
  }

  // All squares that the window touches, evaluated in one go.
  void fill_lattice() {
    const std::int64_t first_row = floor_to(rows_.begin, kSpacing);
    const std::int64_t first_column = floor_to(columns_.begin, kSpacing);
    evaluate(first_row, first_column, kSpacing, (rows_.end - first_row + kSpacing - 1) / kSpacing,
             (columns_.end - first_column + kSpacing - 1) / kSpacing);
  }

  // Evaluates `down` x `across` squares of one side, then fills them. A square's nodes are two
  // steps apart and shared with its neighbours; its checks lie in the odd places between.
  void evaluate(std::int64_t first_row, std::int64_t first_column, std::int64_t side,
                std::int64_t down, std::int64_t across) {
    std::vector<double> rows;
    std::vector<double> columns;
    const double step = static_cast<double>(side) / 4;
    for (std::int64_t i = 0; i <= 4 * down; ++i) {
      for (std::int64_t j = i % 2; j <= 4 * across; j += 2) {
        rows.push_back(static_cast<double>(first_row) + static_cast<double>(i) * step);
        columns.push_back(static_cast<double>(first_column) + static_cast<double>(j) * step);
      }
    }
    std::vector<Point> points;
    exact(rows, columns, points);
    // Even rows hold 2 * across + 1 nodes, odd ones 2 * across checks.
    const auto at = [&](std::int64_t i, std::int64_t j) {
      return points[static_cast<std::size_t>(i / 2 * (4 * across + 1) + i % 2 * (2 * across + 1) +
                                             j / 2)];
    };
    for (std::int64_t i = 0; i < down; ++i) {
      for (std::int64_t j = 0; j < across; ++j) {
        Square s{first_row + i * side, first_column + j * side, side, {}, {}};
        for (std::int64_t k = 0; k < 9; ++k)
          s.nodes[k / 3][k % 3] = at(4 * i + k / 3 * 2, 4 * j + k % 3 * 2);
        for (std::int64_t k = 0; k < 4; ++k) {
          s.checks[k / 2][k % 2] = at(4 * i + 1 + k / 2 * 2, 4 * j + 1 + k % 2 * 2);
        }
        fill(s);
      }
    }
  }

  // Fills one square from its nodes, or divides it where its checks say that they err.
  void fill(const Square& s) {
    if (s.row >= rows_.end || s.column >= columns_.end || s.row + s.side <= rows_.begin ||
        s.column + s.side <= columns_.begin) {
      return;
    }
    if (s.side == 2) {
      for (int k = 0; k < 4; ++k) put(s.row + k / 2, s.column + k % 2, s.nodes[k / 2][k % 2]);
    } else if (holds(s)) {
      interpolate(s);
    } else {
      evaluate(s.row, s.column, s.side / 2, 2, 2);
    }
  }

  static bool holds(const Square& s) {
    for (int i = 0; i < 2; ++i) {
      const Curve row = row_at(s, 0.25 + 0.5 * i);
      for (int j = 0; j < 2; ++j) {
        if (!near(row.at(0.25 + 0.5 * j), s.checks[i][j])) return false;
      }
    }
    return true;
  }

  // The row that lies `v` of the side below the first: parabolas through the nodes.
  static Curve row_at(const Square& s, double v) {
    const double first = (2 * v - 1) * (v - 1);
    const double second = 4 * v * (1 - v);
    const double third = v * (2 * v - 1);
    const auto column = [&](int j) {
      return Point{first * s.nodes[0][j].x + second * s.nodes[1][j].x + third * s.nodes[2][j].x,
                   first * s.nodes[0][j].y + second * s.nodes[1][j].y + third * s.nodes[2][j].y};
    };
    const Point a = column(0), b = column(1), c = column(2);
    return {a,
            {4 * b.x - 3 * a.x - c.x, 4 * b.y - 3 * a.y - c.y},
            {2 * (a.x - 2 * b.x + c.x), 2 * (a.y - 2 * b.y + c.y)}};
  }

  // Direct formulas of the index, so that a cell's position is the same in every window.
  void interpolate(const Square& s) {
    const Range rows = intersect(rows_, Range{s.row, s.row + s.side});
    const Range columns = intersect(columns_, Range{s.column, s.column + s.side});
    const double scale = 1.0 / static_cast<double>(s.side);
    const auto count = static_cast<int>(columns.size());
    const auto first = static_cast<int>(columns.begin - s.column);
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const Curve line = row_at(s, static_cast<double>(row - s.row) * scale);
      double* x = x_ + index(row, columns.begin);
      double* y = y_ + index(row, columns.begin);
      if (follow(line, first, count, scale, x, y)) find_borders(row, columns);
    }
  }

  // Notes the positions of a row that nearly lie on a border between source cells.
  void find_borders(std::int64_t row, const Range& columns) {
    for (std::int64_t column = columns.begin; column < columns.end; ++column) {
      const std::size_t i = index(row, column);
      if (!close(x_[i]) && !close(y_[i])) continue;
      borders_.push_back(i);
      border_rows_.push_back(static_cast<double>(row));
      border_columns_.push_back(static_cast<double>(column));
    }
  }

  // Evaluates them exactly.
  void settle_borders() {
    if (borders_.empty()) return;
    std::vector<Point> points;
    exact(border_rows_, border_columns_, points);
    for (std::size_t k = 0; k < borders_.size(); ++k) {
      x_[borders_[k]] = points[k].x;
      y_[borders_[k]] = points[k].y;
    }
  }

  void put(std::int64_t row, std::int64_t column, const Point& point) {
    if (!rows_.contains(row) || !columns_.contains(column)) return;
    x_[index(row, column)] = point.x;
    y_[index(row, column)] = point.y;
  }

  std::size_t index(std::int64_t row, std::int64_t column) const {
    return static_cast<std::size_t>((row - rows_.begin) * columns_.size() + column -
                                    columns_.begin);
  }

  static std::int64_t floor_to(std::int64_t value, std::int64_t step) {
    return value - ((value % step) + step) % step;
  }

  // Positions of the image in view cells: x = column, y = row. NaN where there is none.
  std::vector<Vertex> in_view(const std::vector<Vertex>& places) const {
    std::vector<double> x;
    std::vector<double> y;
    for (const Vertex& place : places) {
      x.push_back(place.x);
      y.push_back(place.y);
    }
    std::vector<double> z(x.size(), 0);
    std::vector<int> good(x.size(), 0);
    const GdalErrors errors;
    GDALGenImgProjTransform(transformer_.get(), FALSE, static_cast<int>(x.size()), x.data(),
                            y.data(), z.data(), good.data());
    errors.refuse_loss(descriptor_);  // of heights
    if (reprojection_) reprojection_->to_view(x, y);
    std::vector<Vertex> out(x.size(), {std::nan(""), std::nan("")});
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (good[i]) out[i] = {view_.column(x[i]), view_.row(y[i])};
    }
    return out;
  }

  // Places of the view in the image.
  std::vector<Vertex> in_image(const std::vector<Vertex>& cells) {
    std::vector<double> rows;
    std::vector<double> columns;
    for (const Vertex& cell : cells) {
      rows.push_back(cell.y);
      columns.push_back(cell.x);
    }
    part_ = 0;
    std::vector<Point> points;
    exact(rows, columns, points);
    std::vector<Vertex> out;
    for (const Point& point : points) out.push_back({point.x, point.y});
    return out;
  }

  // The steps at the centre of the part that lies in the view, from those of the view from one
  // source cell to the next.
  void measure(double width, double height) {
    const Vertex c = centre_of_part(
        {width, height, round_, static_cast<double>(view_.width), static_cast<double>(view_.height),
         [&](const std::vector<Vertex>& places) { return in_view(places); },
         [&](const std::vector<Vertex>& cells) { return in_image(cells); }});
    const std::vector<Vertex> at =
        in_view({c, {c.x + 1, c.y}, {c.x, c.y + 1}, {c.x - 1, c.y}, {c.x, c.y - 1}});
    // To the next cell, or from the one before where a seam of the view's CRS lies between.
    const auto step = [&](std::size_t next, std::size_t before) {
      const Vertex ahead{at[next].x - at[0].x, at[next].y - at[0].y};
      const Vertex behind{at[0].x - at[before].x, at[0].y - at[before].y};
      constexpr double kJump = 4;
      const double length = std::hypot(behind.x, behind.y);
      const bool jumps = !(std::hypot(ahead.x, ahead.y) <= kJump * length);
      return jumps && std::isfinite(length) ? behind : ahead;
    };
    const Vertex column = step(1, 3);
    const Vertex row = step(2, 4);
    if (!std::isfinite(column.x + column.y + row.x + row.y)) return;
    shrink_ = 1 / std::max({std::hypot(column.x, column.y), std::hypot(row.x, row.y),
                            std::numeric_limits<double>::min()});
    const double det = column.x * row.y - row.x * column.y;
    if (det == 0) return;
    steps_ = {row.y / det, -row.x / det, -column.y / det, column.x / det};
  }

  Transformer transformer_;
  std::optional<Reprojection> reprojection_;
  Grid view_;
  double width_;
  double round_;
  std::string descriptor_;
  double shrink_ = 1;
  Steps steps_;
  // The window being located.
  Range rows_;
  Range columns_;
  double part_ = 0.5;
  double* x_ = nullptr;
  double* y_ = nullptr;
  std::vector<std::size_t> borders_;
  std::vector<double> border_rows_, border_columns_;
  std::vector<double> work_x_, work_y_, work_z_;
  std::vector<int> good_;
};

}  // namespace

void Positions::to_level(double across, double down) {
  if (across == 1 && down == 1) return;
  for (double& v : x) v /= across;
  for (double& v : y) v /= down;
  for (double& v : corner_x) v /= across;
  for (double& v : corner_y) v /= down;
  scale_x /= across;
  scale_y /= down;
}

void GeoMap::start(const Steps& s, bool separable, Positions& out) {
  out.separable = separable;
  out.corner_x.clear();
  out.corner_y.clear();
  out.scale_x = std::hypot(s.x_across, s.x_down);
  out.scale_y = std::hypot(s.y_across, s.y_down);
  constexpr double kLeast = 0.7;  // of what a cell spans: turned by up to 17 degrees
  out.askew = std::abs(s.x_across + s.x_down) < kLeast * out.scale_x ||
              std::abs(s.y_across + s.y_down) < kLeast * out.scale_y;
}

std::string map_key(GDALDatasetH dataset, const std::string& image_crs, const Grid& view) {
  std::array<double, 6> g{};
  if (GDALGetGeoTransform(dataset, g.data()) != CE_None || image_crs.empty()) return {};
  // GDAL takes this for none and looks for others ways to place the image.
  if (g == std::array<double, 6>{0, 1, 0, 0, 0, 1} || g == std::array<double, 6>{0, 1, 0, 0, 0, -1})
    return {};
  const std::array<double, 12> numbers = {g[0],
                                          g[1],
                                          g[2],
                                          g[3],
                                          g[4],
                                          g[5],
                                          static_cast<double>(GDALGetRasterXSize(dataset)),
                                          static_cast<double>(GDALGetRasterYSize(dataset)),
                                          view.left,
                                          view.top,
                                          view.dx,
                                          view.dy};
  std::string key(sizeof numbers, '\0');
  std::memcpy(key.data(), numbers.data(), sizeof numbers);
  return key + image_crs + '\n' + view.crs;
}

std::unique_ptr<GeoMap> make_geo_map(GDALDatasetH dataset, const std::string& image_crs,
                                     const Grid& view, const std::string& descriptor,
                                     const std::string& given_crs, const Longitudes& longitudes,
                                     const std::vector<std::string>& placing) {
  std::array<double, 6> g{};
  const bool affine = placing.empty() && GDALGetGeoTransform(dataset, g.data()) == CE_None;
  if (affine && same_crs(image_crs, view.crs)) {
    if (const auto map = affine_of(g, view)) return std::make_unique<AffineMap>(*map);
  }
  std::optional<Reprojection> reprojection;
  if (longitudes.middle && is_geographic(image_crs) && !same_crs(image_crs, view.crs)) {
    reprojection.emplace(view.crs, image_crs, *longitudes.middle);
  }
  const std::string target = "DST_SRS=" + crs_wkt(view.crs);
  const std::string source = "SRC_SRS=" + crs_wkt(given_crs);
  std::vector<char*> options;
  if (!reprojection) options.push_back(const_cast<char*>(target.c_str()));
  if (!given_crs.empty()) options.push_back(const_cast<char*>(source.c_str()));
  for (const std::string& option : placing) options.push_back(const_cast<char*>(option.c_str()));
  options.push_back(nullptr);
  const GdalErrors errors;
  const Dataset counting_on = with_points_counting_on(dataset);
  Transformer transformer(GDALCreateGenImgProjTransformer2(
      counting_on ? counting_on.get() : dataset, nullptr, options.data()));
  errors.refuse_loss(descriptor);
  if (!transformer || (affine && image_crs.empty())) {
    const std::string reason = errors.any() ? errors.first() : "it has no CRS";
    throw Error(ErrorCode::kUnreadable, "cannot be placed on a grid in " + view.crs + ": " + reason,
                descriptor);
  }
  auto map = std::make_unique<LatticeMap>(std::move(transformer), std::move(reprojection), view,
                                          GDALGetRasterXSize(dataset), GDALGetRasterYSize(dataset),
                                          static_cast<double>(longitudes.round), descriptor);
  if (placing.empty()) map->set_key(map_key(dataset, image_crs, view));
  return map;
}

}  // namespace cube
