#include "engine/gdal/pyramid.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/multiversion.h"

namespace cube {

namespace {

// The mean of the values among four; missing where there is none. A mean that happens to be the
// missing value of an integer type moves to the next one.
template <class T>
[[gnu::always_inline]] inline T mean(T a, T b, T c, T d, bool gaps, T missing) {
  if constexpr (std::is_floating_point_v<T>) {
    const auto value = [](T v) { return v == v ? static_cast<double>(v) : 0.0; };
    const auto one = [](T v) { return v == v ? 1.0 : 0.0; };
    // Of none, 0 / 0 is missing.
    return static_cast<T>((value(a) + value(b) + value(c) + value(d)) /
                          (one(a) + one(b) + one(c) + one(d)));
  } else {
    const auto value = [&](T v) {
      return gaps && v == missing ? std::int64_t{0} : static_cast<std::int64_t>(v);
    };
    const auto one = [&](T v) { return gaps && v == missing ? 0 : 1; };
    const std::int64_t n = one(a) + one(b) + one(c) + one(d);
    if (n == 0) return missing;
    const std::int64_t sum = value(a) + value(b) + value(c) + value(d);
    // Halves round up, towards plus infinity.
    const std::int64_t twice = 2 * sum + n;
    const std::int64_t floor = twice >= 0 ? twice / (2 * n) : -((-twice + 2 * n - 1) / (2 * n));
    const auto result = static_cast<T>(floor);
    if (!gaps || result != missing) return result;
    return static_cast<T>(missing == std::numeric_limits<T>::max() ? missing - 1 : missing + 1);
  }
}

template <class T>
[[gnu::always_inline]] inline void halve_mean(const T* __restrict in, T* __restrict out,
                                              const TileLayout& layout, bool gaps, T missing) {
  const std::int64_t samples = layout.samples;
  const std::int64_t row = layout.tile_width * samples;
  for (std::int64_t y = 0; y < layout.tile_height / 2; ++y) {
    const T* upper = in + 2 * y * row;
    const T* lower = upper + row;
    T* to = out + y * (row / 2);
    for (std::int64_t x = 0; x < layout.tile_width / 2; ++x) {
      for (std::int64_t s = 0; s < samples; ++s) {
        const std::int64_t i = 2 * x * samples + s;
        to[x * samples + s] =
            mean(upper[i], upper[i + samples], lower[i], lower[i + samples], gaps, missing);
      }
    }
  }
}

void halve_nearest(std::span<const std::byte> tile, const TileLayout& layout, std::size_t cell,
                   std::span<std::byte> out) {
  const auto width = static_cast<std::size_t>(layout.tile_width);
  const auto move = [&]<std::size_t kCell>(std::integral_constant<std::size_t, kCell>) {
    const std::size_t bytes = kCell > 0 ? kCell : cell;
    std::byte* to = out.data();
    for (std::size_t y = 0; y < static_cast<std::size_t>(layout.tile_height); y += 2) {
      const std::byte* from = tile.data() + y * width * bytes;
      for (std::size_t x = 0; x < width; x += 2, from += 2 * bytes, to += bytes) {
        std::memcpy(to, from, bytes);
      }
    }
  };
  switch (cell) {
    case 1:
      return move(std::integral_constant<std::size_t, 1>{});
    case 2:
      return move(std::integral_constant<std::size_t, 2>{});
    case 3:
      return move(std::integral_constant<std::size_t, 3>{});
    case 4:
      return move(std::integral_constant<std::size_t, 4>{});
    default:
      return move(std::integral_constant<std::size_t, 0>{});
  }
}

}  // namespace

void halve_tile(std::span<const std::byte> tile, const TileLayout& layout, OverviewMethod method,
                std::span<std::byte> out) {
  const Storage& storage = layout.storage;
  if (method == OverviewMethod::kNearest) {
    const std::size_t cell = size_of(storage.dtype) * static_cast<std::size_t>(layout.samples);
    return halve_nearest(tile, layout, cell, out);
  }
  dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
    halve_mean(reinterpret_cast<const T*>(tile.data()), reinterpret_cast<T*>(out.data()), layout,
               storage.nodata.has_value(), static_cast<T>(storage.nodata.value_or(0)));
  });
}

std::vector<TileLayout> overview_layouts(const TileLayout& base, std::int64_t most) {
  std::vector<TileLayout> layouts;
  TileLayout next = base;
  while (next.width > most || next.height > most) {
    next.width = std::max<std::int64_t>(1, next.width / 2);
    next.height = std::max<std::int64_t>(1, next.height / 2);
    layouts.push_back(next);
  }
  return layouts;
}

Pyramid::Pyramid(const TileLayout& base, const std::vector<TileLayout>& overviews,
                 OverviewMethod method, PlacedFile& scratch_file)
    : base_(base), method_(method), file_(scratch_file), missing_(missing_cell(base.storage)) {
  const TileLayout* finer = &base_;
  for (const TileLayout& layout : overviews) {
    Level level{layout, std::vector<Tile>(static_cast<std::size_t>(layout.tiles()))};
    for (std::int64_t plane = 0; plane < finer->planes; ++plane) {
      for (std::int64_t y = 0; y < std::min(finer->down(), 2 * layout.down()); ++y) {
        for (std::int64_t x = 0; x < std::min(finer->across(), 2 * layout.across()); ++x) {
          ++level.tiles[layout.index(plane, y / 2, x / 2)].awaited;
        }
      }
    }
    levels_.push_back(std::move(level));
    finer = &layout;
  }
}

std::uint64_t Pyramid::take_slot() {
  if (free_slots_.empty()) return file_.take(static_cast<std::uint64_t>(base_.tile_bytes()));
  const std::uint64_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void Pyramid::add(std::int64_t plane, std::int64_t ty, std::int64_t tx,
                  std::span<const std::byte> cells, Scratch& scratch, const Store& store) {
  climb(0, plane, ty, tx, cells, scratch, store);
}

void Pyramid::climb(std::size_t l, std::int64_t plane, std::int64_t ty, std::int64_t tx,
                    std::span<const std::byte> cells, Scratch& scratch, const Store& store) {
  const auto quarter_bytes = static_cast<std::size_t>(base_.tile_bytes() / 4);
  for (; l < levels_.size(); ++l) {
    const TileLayout& layout = levels_[l].layout;
    const int q = static_cast<int>(ty % 2 * 2 + tx % 2);
    ty /= 2;
    tx /= 2;
    // A last row or column that has no half.
    if (ty >= layout.down() || tx >= layout.across()) return;
    const std::size_t index = layout.index(plane, ty, tx);
    Tile& tile = levels_[l].tiles[index];
    if (!cells.empty()) {
      scratch.quarter.resize(quarter_bytes);
      halve_tile(cells, layout, method_, scratch.quarter);
      std::uint64_t slot = 0;
      {
        const std::lock_guard lock(mutex_);
        if (tile.slot == 0) tile.slot = take_slot();
        slot = tile.slot;
      }
      file_.write(scratch.quarter, slot + static_cast<std::uint64_t>(q) * quarter_bytes);
    }
    Tile done;
    {
      const std::lock_guard lock(mutex_);
      if (!cells.empty()) tile.present = static_cast<std::uint8_t>(tile.present | 1 << q);
      if (--tile.awaited > 0) return;
      done = tile;
    }
    cells = close_tile(l, index, done, scratch, store);
  }
}

std::span<const std::byte> Pyramid::close_tile(std::size_t l, std::size_t index, const Tile& tile,
                                               Scratch& scratch, const Store& store) {
  if (tile.present == 0) return {};
  read_tile(tile, scratch);
  {
    const std::lock_guard lock(mutex_);
    free_slots_.push_back(tile.slot);
  }
  if (all_equal(scratch.tile, missing_)) return {};
  store(l, index, scratch.tile);
  return scratch.tile;
}

void Pyramid::finish(Scratch& scratch, const Store& store) {
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    const TileLayout& layout = levels_[l].layout;
    for (std::int64_t plane = 0; plane < layout.planes; ++plane) {
      for (std::int64_t ty = 0; ty < layout.down(); ++ty) {
        for (std::int64_t tx = 0; tx < layout.across(); ++tx) {
          const std::size_t index = layout.index(plane, ty, tx);
          Tile& tile = levels_[l].tiles[index];
          if (tile.awaited == 0) continue;
          tile.awaited = 0;
          const auto cells = close_tile(l, index, tile, scratch, store);
          climb(l + 1, plane, ty, tx, cells, scratch, store);
        }
      }
    }
  }
}

// Puts the quarters of a tile together.
void Pyramid::read_tile(const Tile& tile, Scratch& scratch) const {
  const auto rows = static_cast<std::size_t>(base_.tile_height);
  const auto row_bytes = static_cast<std::size_t>(base_.tile_bytes()) / rows;
  const std::size_t quarter_bytes = rows * row_bytes / 4;
  scratch.tile.resize(rows * row_bytes);
  scratch.quarter.resize(quarter_bytes);
  for (std::size_t q = 0; q < 4; ++q) {
    if (tile.present & 1 << q) {
      file_.read(scratch.quarter, tile.slot + q * quarter_bytes);
    } else {
      fill_cells(scratch.quarter, missing_);
    }
    std::byte* to = scratch.tile.data() + q / 2 * (rows / 2) * row_bytes + q % 2 * (row_bytes / 2);
    for (std::size_t y = 0; y < rows / 2; ++y) {
      std::memcpy(to + y * row_bytes, scratch.quarter.data() + y * (row_bytes / 2), row_bytes / 2);
    }
  }
}

}  // namespace cube
