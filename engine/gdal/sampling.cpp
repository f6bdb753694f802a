#include "engine/gdal/sampling.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

// NaN compares false. The operators without branches let loops vectorise.
bool inside(double position, double size) {
  return (position + kTie >= 0) & (position + kTie < size);
}

// The source cell that holds a position. REQUIRES: inside().
std::int32_t cell_at(double position) { return static_cast<std::int32_t>(position + kTie); }

struct Extent {
  double low = INFINITY;
  double high = -INFINITY;

  void add(double position, bool in) {
    low = std::min(low, in ? position : INFINITY);
    high = std::max(high, in ? position : -INFINITY);
  }
  bool empty() const { return low > high; }
  // The cells that hold the positions, and `reach` more on each side.
  Range cells(std::int64_t reach) const {
    return {cell_at(low) - reach, cell_at(high) + 1 + reach};
  }
  // The same, clipped to the image.
  Range cells(std::int64_t reach, std::int64_t size) const {
    return intersect(cells(reach), Range{0, size});
  }
};

Extent extent_of(const std::vector<double>& positions, std::int64_t size) {
  Extent extent;
  for (const double position : positions) {
    extent.add(position, inside(position, static_cast<double>(size)));
  }
  return extent;
}

// The source cells that hold the centres, along one axis of a separable stencil.
std::vector<std::int32_t> place_axis(const std::vector<double>& positions, const Range& under,
                                     std::int64_t size) {
  std::vector<std::int32_t> cells(positions.size(), Stencil::kOutside);
  const auto first = static_cast<std::int32_t>(under.begin);
  for (std::size_t k = 0; k < cells.size(); ++k) {
    if (inside(positions[k], static_cast<double>(size))) cells[k] = cell_at(positions[k]) - first;
  }
  return cells;
}

bool are_adjacent(const std::vector<std::int32_t>& cells) {
  std::int32_t before = Stencil::kOutside;
  bool ended = false;
  for (const std::int32_t cell : cells) {
    if (cell < 0) {
      ended = before >= 0;
    } else if (ended || (before >= 0 && cell != before + 1)) {
      return false;
    } else {
      before = cell;
    }
  }
  return true;
}

// Where an image lies round a footprint, for the loops below.
struct Frame {
  double width, height;
  double first_between, last_between;  // columns whose centres a position can lie between
  std::int32_t first_row, first_column, stride, round;
};

Frame frame_of(const Footprint& under, const ImageSize& size) {
  const auto width = static_cast<double>(size.width);
  return {width,
          static_cast<double>(size.height),
          size.round > 0 ? -1.0 : 0.0,
          size.round > 0 ? width : width - 1,
          static_cast<std::int32_t>(under.rows.begin),
          static_cast<std::int32_t>(under.columns.begin),
          static_cast<std::int32_t>(under.columns.size()),
          static_cast<std::int32_t>(size.round)};
}

CUBE_MULTIVERSION
void place_nearest(const Frame& frame, const double* x, const double* y, std::size_t n,
                   std::int32_t* cells) {
  const Frame f = frame;
  for (std::size_t i = 0; i < n; ++i) {
    const bool in = inside(x[i], f.width) & inside(y[i], f.height);
    const std::int32_t row = cell_at(in ? y[i] : 0) - f.first_row;
    const std::int32_t column = cell_at(in ? x[i] : 0) - f.first_column;
    const std::int32_t turned = column + (column < 0 ? f.round : 0);
    cells[i] = in ? row * f.stride + turned : Stencil::kOutside;
  }
}

// Replaces positions by the way from centre to centre where all four cells are inside.
CUBE_MULTIVERSION
void place_bilinear(const Frame& frame, double* x, double* y, std::size_t n, std::int32_t* cells) {
  const Frame f = frame;
  for (std::size_t i = 0; i < n; ++i) {
    const double from_x = x[i] - 0.5;
    const double from_y = y[i] - 0.5;
    const bool in = inside(x[i], f.width) & inside(y[i], f.height);
    const bool inner = in & (from_x >= f.first_between) & (from_y >= 0) &
                       (from_x < f.last_between) & (from_y < f.height - 1);
    const auto toward_zero = static_cast<std::int32_t>(inner ? from_x : 0);
    const bool before = inner & (from_x < static_cast<double>(toward_zero));
    const std::int32_t column = toward_zero - static_cast<std::int32_t>(before);
    const auto row = static_cast<std::int32_t>(inner ? from_y : 0);
    const std::int32_t from_first = column - f.first_column;
    const std::int32_t turned = from_first + (from_first < 0 ? f.round : 0);
    cells[i] = inner ? (row - f.first_row) * f.stride + turned
               : in  ? Stencil::kEdge
                     : Stencil::kOutside;
    x[i] = inner ? from_x - static_cast<double>(column) : x[i];
    y[i] = inner ? from_y - static_cast<double>(row) : y[i];
  }
}

// Least and largest position of those inside, `kLanes` side by side.
constexpr std::size_t kLanes = 8;
struct Lanes {
  double low[kLanes], high[kLanes];
};

CUBE_MULTIVERSION
void extend(const double* x, const double* y, std::size_t groups, double width, double height,
            Lanes& across, Lanes& down) {
  for (std::size_t i = 0; i < groups; ++i) {
    for (std::size_t j = 0; j < kLanes; ++j) {
      const double px = x[i * kLanes + j];
      const double py = y[i * kLanes + j];
      const bool in = inside(px, width) & inside(py, height);
      const double low_x = in ? px : INFINITY, high_x = in ? px : -INFINITY;
      const double low_y = in ? py : INFINITY, high_y = in ? py : -INFINITY;
      across.low[j] = low_x < across.low[j] ? low_x : across.low[j];
      across.high[j] = high_x > across.high[j] ? high_x : across.high[j];
      down.low[j] = low_y < down.low[j] ? low_y : down.low[j];
      down.high[j] = high_y > down.high[j] ? high_y : down.high[j];
    }
  }
}

// The same for positions that are not separable.
void extent_of(const Positions& at, double height, double width, Extent& across, Extent& down) {
  Lanes x, y;
  for (Lanes* lanes : {&x, &y}) {
    std::fill(std::begin(lanes->low), std::end(lanes->low), INFINITY);
    std::fill(std::begin(lanes->high), std::end(lanes->high), -INFINITY);
  }
  const std::size_t groups = at.x.size() / kLanes;
  extend(at.x.data(), at.y.data(), groups, width, height, x, y);
  const auto join = [](const Lanes& lanes, Extent& extent) {
    extent.low = *std::min_element(std::begin(lanes.low), std::end(lanes.low));
    extent.high = *std::max_element(std::begin(lanes.high), std::end(lanes.high));
  };
  join(x, across);
  join(y, down);
  for (std::size_t i = groups * kLanes; i < at.x.size(); ++i) {
    const bool in = inside(at.x[i], width) & inside(at.y[i], height);
    across.add(at.x[i], in);
    down.add(at.y[i], in);
  }
}

// The columns that positions need of an image that goes round the world: those of the view that
// lie on both sides of its seam are joined across it rather than across the whole image.
Range columns_round(const Positions& at, const ImageSize& size, std::int64_t reach) {
  const auto width = static_cast<double>(size.width);
  const auto height = static_cast<double>(size.height);
  Extent west, east;  // of the image's middle
  for (std::size_t i = 0; i < at.x.size(); ++i) {
    const bool in = inside(at.x[i], width) & inside(at.y[i], height);
    (at.x[i] < width / 2 ? west : east).add(at.x[i], in);
  }
  if (west.empty()) return east.cells(reach);
  if (east.empty()) return west.cells(reach);
  const Range straight{west.cells(reach).begin, east.cells(reach).end};
  const Range turned{east.cells(reach).begin, west.cells(reach).end + size.round};
  return turned.size() < straight.size() ? turned : straight;
}

// A row of cells at `offsets`; those outside are left as they are.
template <class T, class Out>
void take(const SourceWindow& window, std::span<const std::int32_t> offsets, Out missing,
          Out* out) {
  const T* cells = window.as<T>();
  const bool has_nodata = window.nodata.has_value();
  const T nodata = has_nodata ? static_cast<T>(*window.nodata) : T{};
  for (std::size_t k = 0; k < offsets.size(); ++k) {
    const std::int32_t offset = offsets[k];
    const T cell = cells[std::max(0, offset)];
    const bool none = (offset < 0) | (has_nodata & (cell == nodata));
    out[k] = none ? missing : static_cast<Out>(cell);
  }
  if (window.hidden.empty()) return;
  for (std::size_t k = 0; k < offsets.size(); ++k) {
    if (offsets[k] >= 0 && window.hidden[static_cast<std::size_t>(offsets[k])]) out[k] = missing;
  }
}

// The same where the offsets inside are n, n + 1, ...
template <class T>
void paste(const SourceWindow& window, std::span<const std::int32_t> offsets, T missing, T* out) {
  const auto inner = [](std::int32_t offset) { return offset >= 0; };
  const auto begin = std::find_if(offsets.begin(), offsets.end(), inner);
  const auto end = std::find_if_not(begin, offsets.end(), inner);
  if (begin == end) return;
  out += begin - offsets.begin();
  const auto n = static_cast<std::size_t>(end - begin);
  const T* cells = window.as<T>() + *begin;
  std::memcpy(out, cells, n * sizeof(T));
  if (window.nodata && static_cast<T>(*window.nodata) != missing) {
    const T nodata = static_cast<T>(*window.nodata);
    for (std::size_t k = 0; k < n; ++k) out[k] = out[k] == nodata ? missing : out[k];
  }
  if (window.hidden.empty()) return;
  const std::uint8_t* hidden = window.hidden.data() + *begin;
  for (std::size_t k = 0; k < n; ++k) out[k] = hidden[k] ? missing : out[k];
}

// Whether no cell of a window is infinite.
bool is_finite(const SourceWindow& window) {
  if (!is_float(window.dtype)) return true;
  return dispatch(window.dtype, [&]<class T>(std::type_identity<T>) {
    const T* cells = window.as<T>();
    bool infinite = false;
    for (std::size_t i = 0; i < window.size(); ++i) {
      if constexpr (std::is_floating_point_v<T>) {
        infinite |= std::abs(cells[i]) == std::numeric_limits<T>::infinity();
      }
    }
    return !infinite;
  });
}

}  // namespace

Footprint footprint_of(const Positions& at, const ImageSize& size, Resampling method) {
  if (is_area_method(method)) return area_footprint(at, size);
  Extent across, down;
  if (at.separable) {
    across = extent_of(at.x, size.width);
    down = extent_of(at.y, size.height);
  } else {
    extent_of(at, static_cast<double>(size.height), static_cast<double>(size.width), across, down);
  }
  if (across.empty() || down.empty()) return {};
  const auto reach = [&](double scale) -> std::int64_t {
    if (method == Resampling::kNearest) return 0;
    return tap_count(method, kernel_scale(method, scale)) / 2;
  };
  const Range rows = down.cells(reach(at.scale_y), size.height);
  const std::int64_t reach_x = reach(at.scale_x);
  if (size.round == 0) return {rows, across.cells(reach_x, size.width)};
  if (at.separable) return {rows, across.cells(reach_x)};
  return {rows, columns_round(at, size, reach_x)};
}

Stencil make_stencil(Positions&& at, const Footprint& under, const ImageSize& size,
                     Resampling method) {
  const bool nearest = method == Resampling::kNearest;
  Stencil s;
  s.under = under;
  s.method = method;
  s.separable = at.separable;
  s.scale_x = at.scale_x;
  s.scale_y = at.scale_y;
  s.askew = at.askew;
  s.round = size.round;
  s.x = std::move(at.x);
  s.y = std::move(at.y);
  s.corner_x = std::move(at.corner_x);
  s.corner_y = std::move(at.corner_y);
  if (s.separable) {
    s.columns = place_axis(s.x, under.columns, size.width);
    s.rows = place_axis(s.y, under.rows, size.height);
    s.adjacent = nearest && are_adjacent(s.columns);
    if (is_weighted_sum(method)) {
      s.across = make_area_taps(s.corner_x, s.x, under.columns);
      s.down = make_area_taps(s.corner_y, s.y, under.rows);
    }
    if (nearest || is_area_method(method)) return s;
    s.across = make_taps(s.x, under.columns, method, s.scale_x);
    s.down = make_taps(s.y, under.rows, method, s.scale_y);
    return s;
  }
  s.cells.resize(s.x.size());
  const Frame frame = frame_of(under, size);
  if (method == Resampling::kBilinear) {
    place_bilinear(frame, s.x.data(), s.y.data(), s.x.size(), s.cells.data());
  } else {
    place_nearest(frame, s.x.data(), s.y.data(), s.x.size(), s.cells.data());
  }
  if (nearest) s.x = s.y = {};
  return s;
}

void locate(GeoMap& map, const Range& rows, const Range& columns, Resampling method,
            Positions& out) {
  map.locate(rows, columns, out);
  if (is_area_method(method)) map.add_corners(rows, columns, out);
}

void fill_outside(double value, const Stencil& stencil, const Range& rows, const Range& columns,
                  Block& out) {
  const auto width = static_cast<std::size_t>(columns.size());
  const auto outside = [&](std::size_t row, std::size_t column) {
    if (!stencil.separable) return stencil.cells[row * width + column] == Stencil::kOutside;
    return stencil.rows[row] == Stencil::kOutside || stencil.columns[column] == Stencil::kOutside;
  };
  dispatch(out.dtype(), [&]<class T>(std::type_identity<T>) {
    const std::span<T> cells = out.cells<T>();
    for (std::int64_t t = out.region().t.begin; t < out.region().t.end; ++t) {
      for (std::int64_t y = rows.begin; y < rows.end; ++y) {
        const auto row = static_cast<std::size_t>(y - rows.begin);
        T* first = cells.data() + out.offset(t, y, columns.begin);
        for (std::size_t k = 0; k < width; ++k) {
          if (outside(row, k)) first[k] = cell_cast<T>(value);
        }
      }
    }
  });
}

void Sampler::sample(const SourceWindow& window, const Stencil& stencil, const Range& rows,
                     const Range& columns, Block& out) {
  if (stencil.method == Resampling::kNearest) return nearest(window, stencil, rows, columns, out);
  const bool by_lines =
      stencil.separable &&
      (is_weighted_sum(stencil.method) ? is_finite(window) : !is_area_method(stencil.method));
  if (by_lines) return separable_.run(window, stencil, rows, columns, out);
  if (held_for_ != stencil.method) {  // one copy of the window is held, not one a method
    values_ = {};
    area_ = {};
    bilinear_ = {};
    held_for_ = stencil.method;
  }
  if (is_area_method(stencil.method)) return area_.run(window, stencil, rows, columns, out);
  general(window, stencil, rows, columns, out);
}

void Sampler::nearest(const SourceWindow& window, const Stencil& stencil, const Range& rows,
                      const Range& columns, Block& out) {
  const auto width = static_cast<std::size_t>(columns.size());
  const auto stride = static_cast<std::int32_t>(window.columns.size());
  offsets_.resize(width);
  row_.resize(width);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto i = static_cast<std::size_t>(row - rows.begin);
    std::span<const std::int32_t> offsets;
    if (stencil.separable) {
      if (stencil.rows[i] < 0) continue;
      const std::int32_t first = stencil.rows[i] * stride;
      for (std::size_t k = 0; k < width; ++k) {
        const std::int32_t column = stencil.columns[k];
        offsets_[k] = column < 0 ? column : first + column;
      }
      offsets = offsets_;
    } else {
      offsets = {stencil.cells.data() + i * width, width};
    }
    dispatch(window.dtype, [&]<class T>(std::type_identity<T>) {
      if (window.dtype != out.dtype()) {
        take<T, double>(window, offsets, kMissing, row_.data());
        store_row(stencil, row, columns.begin, row_, out);
        return;
      }
      const T missing = static_cast<T>(out.nodata().value_or(0));
      T* to = out.cells<T>().data() + out.offset(0, row, columns.begin);
      if (stencil.adjacent) {
        paste<T>(window, offsets, missing, to);
      } else {
        take<T, T>(window, offsets, missing, to);
      }
    });
  }
}

void Sampler::general(const SourceWindow& window, const Stencil& stencil, const Range& rows,
                      const Range& columns, Block& out) {
  const bool is_bilinear = stencil.method == Resampling::kBilinear;
  if (is_bilinear) {
    bilinear_.begin(window, stencil.round);
  } else {
    to_doubles(window, values_);
  }
  const auto width = static_cast<std::size_t>(columns.size());
  row_.resize(width);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const auto i = static_cast<std::size_t>(row - rows.begin);
    if (is_bilinear) {
      bilinear_.run(stencil, i * width, row_);
    } else {
      general_.run(values_, stencil, i * width, row_);
    }
    store_row(stencil, row, columns.begin, row_, out);
  }
}

}  // namespace cube
