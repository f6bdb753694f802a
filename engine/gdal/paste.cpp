#include "engine/gdal/paste.h"

#include <algorithm>

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

}  // namespace

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
    const bool renamed = own && out.nodata() && static_cast<T>(*own) != missing;
    for (std::size_t i = 0; i < static_cast<std::size_t>(lines.rows.size()); ++i) {
      T* cells = first + i * stride;
      if (renamed) replace<T>(cells, width, static_cast<T>(*own), missing);
      if (!hidden.empty()) hide<T>(cells, hidden.data() + i * width, width, missing);
    }
    return count;
  });
}

}  // namespace cube
