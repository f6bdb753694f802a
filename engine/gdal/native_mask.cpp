#include "engine/gdal/native_mask.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/mask_rule.h"

namespace cube {

namespace {

// Cells of a mask band that are looked at in one go.
constexpr std::int64_t kMaxCells = std::int64_t{1} << 20;

using Transform = std::array<double, 6>;

Transform geotransform(const OpenImage& image) {
  Transform g{};
  if (GDALGetGeoTransform(image.dataset(), g.data()) == CE_None) return g;
  throw Error(ErrorCode::kUnreadable, "has no geotransform, so that masks cannot be placed",
              image.descriptor(), "use \"mask_stage\": \"target\"");
}

// x = a[0] + a[1] column + a[2] row, y = a[3] + a[4] column + a[5] row: cells of one image in
// another of the same CRS.
Transform between(const Transform& from, const Transform& to) {
  const double det = to[1] * to[5] - to[2] * to[4];
  const auto column = [&](double x, double y) { return (to[5] * x - to[2] * y) / det; };
  const auto row = [&](double x, double y) { return (to[1] * y - to[4] * x) / det; };
  const double x = from[0] - to[0];
  const double y = from[3] - to[3];
  return {column(x, y), column(from[1], from[4]), column(from[2], from[5]),
          row(x, y),    row(from[1], from[4]),    row(from[2], from[5])};
}

// A mask band at the resolution that is read.
struct MaskBand {
  GDALRasterBandH band;
  std::int64_t width, height;
  double shrink_x, shrink_y;  // full-resolution cells a cell
};

MaskBand choose_level(GDALRasterBandH full, double cell_x, double cell_y) {
  const auto level = [&](GDALRasterBandH band) {
    const auto width = static_cast<double>(GDALGetRasterBandXSize(band));
    const auto height = static_cast<double>(GDALGetRasterBandYSize(band));
    return MaskBand{band, static_cast<std::int64_t>(width), static_cast<std::int64_t>(height),
                    GDALGetRasterBandXSize(full) / width, GDALGetRasterBandYSize(full) / height};
  };
  constexpr double kSlack = 1.001;
  MaskBand best = level(full);
  for (int i = 0; i < GDALGetOverviewCount(full); ++i) {
    const MaskBand next = level(GDALGetOverview(full, i));
    const bool fine = next.shrink_x <= cell_x * kSlack && next.shrink_y <= cell_y * kSlack;
    if (fine && next.width < best.width) best = next;
  }
  return best;
}

// Grows ones by `reach` cells along each axis, one axis after the other.
void dilate(std::vector<std::uint8_t>& cells, std::int64_t height, std::int64_t width,
            std::int64_t reach) {
  const auto grow = [&](std::int64_t lines, std::int64_t length, std::int64_t line_step,
                        std::int64_t step) {
    std::vector<std::uint8_t> line(static_cast<std::size_t>(length));
    for (std::int64_t l = 0; l < lines; ++l) {
      std::fill(line.begin(), line.end(), std::uint8_t{0});
      for (std::int64_t i = 0; i < length; ++i) {
        if (!cells[static_cast<std::size_t>(l * line_step + i * step)]) continue;
        const auto first = static_cast<std::size_t>(std::max<std::int64_t>(0, i - reach));
        const auto last = static_cast<std::size_t>(std::min(length, i + reach + 1));
        std::fill(line.begin() + static_cast<std::ptrdiff_t>(first),
                  line.begin() + static_cast<std::ptrdiff_t>(last), std::uint8_t{1});
      }
      for (std::int64_t i = 0; i < length; ++i) {
        cells[static_cast<std::size_t>(l * line_step + i * step)] =
            line[static_cast<std::size_t>(i)];
      }
    }
  };
  grow(height, width, width, 1);
  grow(width, height, 1, width);
}

// The layer over one piece of the window.
class Hider {
 public:
  Hider(SourceWindow& window, const Transform& to_mask, const MaskBand& mask,
        const NativeMask::Layer& layer)
      : window_(window), to_mask_(to_mask), mask_(mask), layer_(layer) {
    const double shrink = std::max(1.0, std::min(mask.shrink_x, mask.shrink_y));
    reach_ = static_cast<std::int64_t>(std::ceil(static_cast<double>(layer.rule.dilate) / shrink));
  }

  // Halves the rows until the part of the mask band under them is small enough.
  void run(const Range& rows) {
    Range mask_rows;
    Range mask_columns;
    under(rows, mask_rows, mask_columns);
    const bool large = mask_rows.size() * mask_columns.size() > kMaxCells;
    if (large && rows.size() > 1) {
      const std::int64_t half = rows.begin + rows.size() / 2;
      run({rows.begin, half});
      run({half, rows.end});
      return;
    }
    read_mask(mask_rows, mask_columns);
    apply(rows, mask_rows, mask_columns);
  }

 private:
  double mask_x(double row, double column) const {
    return to_mask_[0] + to_mask_[1] * (column + 0.5) + to_mask_[2] * (row + 0.5);
  }
  double mask_y(double row, double column) const {
    return to_mask_[3] + to_mask_[4] * (column + 0.5) + to_mask_[5] * (row + 0.5);
  }

  // The mask's cells under some rows of the window, with the reach of the dilation.
  void under(const Range& rows, Range& mask_rows, Range& mask_columns) const {
    constexpr double kFar = std::numeric_limits<double>::infinity();
    double left = kFar, right = -kFar, top = kFar, bottom = -kFar;
    for (const std::int64_t row : {rows.begin, rows.end - 1}) {
      for (const std::int64_t column : {window_.columns.begin, window_.columns.end - 1}) {
        const double x = mask_x(static_cast<double>(row), static_cast<double>(column));
        const double y = mask_y(static_cast<double>(row), static_cast<double>(column));
        left = std::min(left, x);
        right = std::max(right, x);
        top = std::min(top, y);
        bottom = std::max(bottom, y);
      }
    }
    const auto range = [&](double low, double high, std::int64_t size) {
      const auto limit = static_cast<double>(size + reach_);
      const auto first = static_cast<std::int64_t>(std::floor(std::clamp(low, -limit, limit)));
      const auto last = static_cast<std::int64_t>(std::floor(std::clamp(high, -limit, limit)));
      return intersect(Range{first - reach_, last + 2 + reach_}, Range{0, size});
    };
    mask_rows = range(top, bottom, mask_.height);
    mask_columns = range(left, right, mask_.width);
  }

  void read_mask(const Range& rows, const Range& columns) {
    hidden_.assign(static_cast<std::size_t>(rows.size() * columns.size()), 0);
    if (hidden_.empty()) return;
    SourceWindow cells;
    read_window(mask_.band, rows, columns, layer_.band.nodata, layer_.band.descriptor, cells);
    to_doubles(cells, values_);
    const MaskTest test(layer_.rule);
    for (std::size_t i = 0; i < hidden_.size(); ++i) hidden_[i] = test.hides(values_[i]);
    if (reach_ > 0) dilate(hidden_, rows.size(), columns.size(), reach_);
  }

  void apply(const Range& rows, const Range& mask_rows, const Range& mask_columns) {
    auto i = static_cast<std::size_t>((rows.begin - window_.rows.begin) * window_.columns.size());
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      for (std::int64_t column = window_.columns.begin; column < window_.columns.end;
           ++column, ++i) {
        const double x = mask_x(static_cast<double>(row), static_cast<double>(column));
        const double y = mask_y(static_cast<double>(row), static_cast<double>(column));
        const auto mx = static_cast<std::int64_t>(std::floor(x + kTie));
        const auto my = static_cast<std::int64_t>(std::floor(y + kTie));
        if (!mask_columns.contains(mx) || !mask_rows.contains(my)) {
          window_.hidden[i] |= static_cast<std::uint8_t>(layer_.rule.invert);
          continue;
        }
        window_.hidden[i] |= hidden_[static_cast<std::size_t>(
            (my - mask_rows.begin) * mask_columns.size() + mx - mask_columns.begin)];
      }
    }
  }

  SourceWindow& window_;
  const Transform& to_mask_;
  const MaskBand& mask_;
  const NativeMask::Layer& layer_;
  std::int64_t reach_ = 0;
  std::vector<std::uint8_t> hidden_;
  std::vector<double> values_;
};

}  // namespace

void hide_cells(SourceWindow& window, OpenImage& image, double scale_y, double scale_x,
                const NativeMask::Layer& layer, DatasetPool& pool) {
  Transform own = geotransform(image);
  const std::string& crs = image.crs();
  for (const int i : {1, 4}) own[static_cast<std::size_t>(i)] *= scale_x;
  for (const int i : {2, 5}) own[static_cast<std::size_t>(i)] *= scale_y;
  OpenImage& mask = pool.open(layer.band.descriptor);
  if (!same_crs(crs, mask.crs())) {
    throw Error(ErrorCode::kUnreadable,
                "is in another CRS than the image it masks: " + mask.crs() + " and " + crs,
                layer.band.descriptor);
  }
  const Transform theirs = geotransform(mask);
  Transform to_mask = between(own, theirs);
  const MaskBand level =
      choose_level(mask.band(layer.band.band), std::hypot(to_mask[1], to_mask[4]),
                   std::hypot(to_mask[2], to_mask[5]));
  for (std::size_t i = 0; i < 3; ++i) {
    to_mask[i] /= level.shrink_x;
    to_mask[i + 3] /= level.shrink_y;
  }
  if (window.hidden.empty()) window.hidden.assign(window.size(), 0);
  Hider(window, to_mask, level, layer).run(window.rows);
}

}  // namespace cube
