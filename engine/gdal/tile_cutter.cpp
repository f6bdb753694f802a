#include "engine/gdal/tile_cutter.h"

#include <algorithm>
#include <cstring>

namespace cube {

namespace {

// Puts `count` values of `cell` bytes `stride` bytes apart.
void scatter(const std::byte* in, std::byte* out, std::int64_t count, std::size_t cell,
             std::size_t stride) {
  const auto move = [&]<std::size_t kCell>(std::integral_constant<std::size_t, kCell>) {
    for (std::int64_t i = 0; i < count; ++i, in += kCell, out += stride) {
      std::memcpy(out, in, kCell);
    }
  };
  switch (cell) {
    case 1:
      return move(std::integral_constant<std::size_t, 1>{});
    case 2:
      return move(std::integral_constant<std::size_t, 2>{});
    case 4:
      return move(std::integral_constant<std::size_t, 4>{});
    default:
      return move(std::integral_constant<std::size_t, 8>{});
  }
}

}  // namespace

std::vector<std::byte> missing_cell(const Storage& storage) {
  std::vector<std::byte> cell(size_of(storage.dtype));
  dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
    const auto value = static_cast<T>(storage.nodata.value_or(0));
    std::memcpy(cell.data(), &value, sizeof value);
  });
  return cell;
}

void fill_cells(std::span<std::byte> cells, std::span<const std::byte> value) {
  if (cells.empty()) return;
  std::copy(value.begin(), value.end(), cells.begin());
  // What is filled already is the source: it doubles each time.
  for (std::size_t done = value.size(); done < cells.size();) {
    const std::size_t more = std::min(done, cells.size() - done);
    std::memcpy(cells.data() + done, cells.data(), more);
    done += more;
  }
}

bool all_equal(std::span<const std::byte> cells, std::span<const std::byte> value) {
  if (cells.size() < value.size() || !std::equal(value.begin(), value.end(), cells.begin())) {
    return false;
  }
  // Each cell equals the one before it.
  return std::memcmp(cells.data(), cells.data() + value.size(), cells.size() - value.size()) == 0;
}

TileCutter::TileCutter(const CubeInfo& info, const TileLayout& layout)
    : slices_(info.time.size()), layout_(layout), missing_(missing_cell(layout.storage)) {
  for (const BandInfo& band : info.bands) from_.push_back(band.storage());
}

bool TileCutter::fits(const ChunkShape& tiling) const {
  const auto whole = [](std::int64_t chunk, std::int64_t tile, std::int64_t image) {
    return chunk % tile == 0 || chunk >= image;
  };
  return whole(tiling.x, layout_.tile_width, layout_.width) &&
         whole(tiling.y, layout_.tile_height, layout_.height) &&
         (layout_.samples == 1 || tiling.t >= slices_);
}

TileCutter::Source TileCutter::source(std::int64_t plane, std::int64_t sample) const {
  const std::int64_t band = layout_.planes > 1 ? plane : sample;
  return {static_cast<std::size_t>(band / slices_), band % slices_};
}

void TileCutter::copy_rows(std::span<const std::byte> first_row, std::int64_t row_cells,
                           const Storage& from, std::int64_t rows, std::int64_t columns,
                           std::int64_t sample, Buffers& buffers) const {
  const std::size_t from_cell = size_of(from.dtype);
  const std::size_t cell = missing_.size();
  const std::size_t stride = cell * static_cast<std::size_t>(layout_.samples);
  const bool plain = same_cells(from, layout_.storage);
  buffers.row.resize(static_cast<std::size_t>(columns) * cell);
  for (std::int64_t y = 0; y < rows; ++y) {
    std::span<const std::byte> row =
        first_row.subspan(static_cast<std::size_t>(y * row_cells) * from_cell,
                          static_cast<std::size_t>(columns) * from_cell);
    if (!plain) {
      convert_cells(row, from, layout_.storage, buffers.row);
      row = buffers.row;
    }
    std::byte* out = buffers.tile.data() +
                     static_cast<std::size_t>(y * layout_.tile_width) * stride +
                     static_cast<std::size_t>(sample) * cell;
    if (layout_.samples == 1) {
      std::memcpy(out, row.data(), row.size());
    } else {
      scatter(row.data(), out, columns, cell, stride);
    }
  }
}

std::span<const std::byte> TileCutter::cut(const Piece& piece, std::int64_t plane, std::int64_t ty,
                                           std::int64_t tx, Buffers& buffers) const {
  const Region& region = piece.region;
  const Range y = intersect({ty * layout_.tile_height, (ty + 1) * layout_.tile_height}, region.y);
  const Range x = intersect({tx * layout_.tile_width, (tx + 1) * layout_.tile_width}, region.x);
  const bool whole = y.size() == layout_.tile_height && x.size() == layout_.tile_width;
  const auto tile_bytes = static_cast<std::size_t>(layout_.tile_bytes());
  bool filled = false;
  for (std::int64_t sample = 0; sample < layout_.samples; ++sample) {
    const Source from = source(plane, sample);
    const std::span<const std::byte> cells = piece.bands[from.band];
    if (cells.empty()) continue;
    const Storage& storage = from_[from.band];
    const std::int64_t first =
        ((from.slice - region.t.begin) * region.y.size() + y.begin - region.y.begin) *
            region.x.size() +
        x.begin - region.x.begin;
    const auto rows = cells.subspan(static_cast<std::size_t>(first) * size_of(storage.dtype));
    if (layout_.samples == 1 && whole && region.x == x && same_cells(storage, layout_.storage)) {
      const auto tile = rows.first(tile_bytes);
      return all_equal(tile, missing_) ? std::span<const std::byte>{} : tile;
    }
    if (!filled) {
      buffers.tile.resize(tile_bytes);
      if (!whole || layout_.samples > 1) fill_cells(buffers.tile, missing_);
      filled = true;
    }
    copy_rows(rows, region.x.size(), storage, y.size(), x.size(), sample, buffers);
  }
  if (!filled || all_equal(buffers.tile, missing_)) return {};
  return buffers.tile;
}

}  // namespace cube
