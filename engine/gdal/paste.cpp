#include "engine/gdal/paste.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "engine/multiversion.h"

namespace cube {

namespace {

// The lines inside the image, if each is the one after the line before it.
struct Lines {
  std::int64_t first = 0;  // of those located
  Range source;            // counted from the first line of the footprint
};

std::optional<Lines> lines_of(const std::vector<std::int32_t>& places) {
  const auto inner = [](std::int32_t place) { return place >= 0; };
  const auto begin = std::ranges::find_if(places, inner);
  const auto end = std::find_if_not(begin, places.end(), inner);
  if (begin == end || std::any_of(end, places.end(), inner)) return std::nullopt;
  const auto skips = [](std::int32_t a, std::int32_t b) { return b != a + 1; };
  if (std::adjacent_find(begin, end, skips) != end) return std::nullopt;
  return Lines{begin - places.begin(), {*begin, *begin + (end - begin)}};
}

template <class T>
CUBE_MULTIVERSION void replace(T* cells, std::size_t n, T nodata, T missing) {
  for (std::size_t k = 0; k < n; ++k) cells[k] = cells[k] == nodata ? missing : cells[k];
}

template <class T>
CUBE_MULTIVERSION void hide(T* cells, const std::uint8_t* hidden, std::size_t n, T missing) {
  for (std::size_t k = 0; k < n; ++k) cells[k] = hidden[k] ? missing : cells[k];
}

// To float32, which has no nodata value of its own.
template <class T>
CUBE_MULTIVERSION void widen(const T* cells, std::size_t n, bool has_nodata, T nodata,
                             float* __restrict out) {
  for (std::size_t k = 0; k < n; ++k) {
    const bool none = has_nodata & (cells[k] == nodata);
    out[k] = none ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(cells[k]);
  }
}

template <class T>
void put_row(const T* cells, std::size_t n, std::optional<double> nodata, float* out) {
  widen<T>(cells, n, nodata.has_value(), static_cast<T>(nodata.value_or(0)), out);
}

// The nodata value of `cells` becomes `missing`.
template <class T>
void rename(T* cells, std::size_t n, std::optional<double> nodata, T missing) {
  if (!nodata || static_cast<T>(*nodata) == missing) return;
  replace<T>(cells, n, static_cast<T>(*nodata), missing);
}

}  // namespace

bool pastes(DType from, const Storage& to) {
  return from == to.dtype || (to.dtype == DType::kFloat32 && size_of(from) <= 2);
}

void paste_window(const SourceWindow& window, std::int64_t row, std::int64_t column, Block& out) {
  const auto width = static_cast<std::size_t>(window.columns.size());
  const auto put = [&]<class T, class Out>(const T* cells, std::size_t i, Out* to) {
    if constexpr (std::is_same_v<T, Out>) {
      std::memcpy(to, cells, width * sizeof(T));
      if (out.nodata()) rename<T>(to, width, window.nodata, static_cast<T>(*out.nodata()));
    } else {
      put_row<T>(cells, width, window.nodata, to);
    }
    if (window.hidden.empty()) return;
    hide<Out>(to, window.hidden.data() + i * width, width,
              static_cast<Out>(out.nodata().value_or(0)));
  };
  dispatch(window.dtype, [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(window.rows.size()); ++i) {
      const T* cells = window.as<T>() + i * width;
      const std::size_t first =
          out.offset(out.region().t.begin, row + static_cast<std::int64_t>(i), column);
      if (window.dtype == out.dtype()) {
        put(cells, i, out.cells<T>().data() + first);
      } else if constexpr (sizeof(T) <= 2) {
        put(cells, i, out.cells<float>().data() + first);
      }
    }
  });
}

bool is_paste(const Positions& at, Resampling method) {
  // A read on a grid that is off by less than this is a paste. In source cells: it leaves out 1e-5
  // of the difference between neighbours.
  constexpr double kPasteShift = 1e-5;
  if (!at.separable || at.x.empty() || at.y.empty()) return false;
  const double step_x = at.x.size() > 1 ? at.x[1] - at.x[0] : 1;
  const double step_y = at.y.size() > 1 ? at.y[1] - at.y[0] : 1;
  const auto whole = [](double v) { return std::abs(v - std::nearbyint(v)) < kPasteShift; };
  if (method == Resampling::kNearest) return whole(step_x) && whole(step_y);
  if (method == Resampling::kCubicSpline) return false;
  const auto unit = [](double v) { return std::abs(v - 1) < kPasteShift; };
  return unit(at.scale_x) && unit(at.scale_y) && unit(step_x) && unit(step_y) &&
         whole(at.x[0] - 0.5) && whole(at.y[0] - 0.5);
}

std::optional<Paste> paste_of(const Stencil& stencil) {
  if (!stencil.separable || stencil.method != Resampling::kNearest) return std::nullopt;
  const auto rows = lines_of(stencil.rows);
  const auto columns = lines_of(stencil.columns);
  if (!rows || !columns) return std::nullopt;
  return Paste{rows->source.shifted(stencil.under.rows.begin),
               columns->source.shifted(stencil.under.columns.begin), rows->first, columns->first};
}

std::int64_t read_paste(const SourceBand& source, const Paste& lines, std::optional<double> nodata,
                        std::span<const std::uint8_t> hidden, std::int64_t row, std::int64_t column,
                        Block& out) {
  return dispatch(out.dtype(), [&]<class T>(std::type_identity<T>) {
    const auto width = static_cast<std::size_t>(lines.columns.size());
    const auto stride = static_cast<std::size_t>(out.region().x.size());
    T* first = &out.cells<T>()[out.offset(out.region().t.begin, row, column)];
    const std::int64_t count = read_cells(source, lines.rows, lines.columns, out.dtype(), hidden,
                                          reinterpret_cast<std::byte*>(first), stride * sizeof(T));
    const T missing = static_cast<T>(out.nodata().value_or(0));
    const std::optional<double> own = nodata_of(source.band, out.dtype(), nodata);
    for (std::size_t i = 0; i < static_cast<std::size_t>(lines.rows.size()); ++i) {
      T* cells = first + i * stride;
      if (out.nodata()) rename<T>(cells, width, own, missing);
      if (!hidden.empty()) hide<T>(cells, hidden.data() + i * width, width, missing);
    }
    return count;
  });
}

}  // namespace cube
