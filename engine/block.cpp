#include "engine/block.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/missing.h"
#include "engine/multiversion.h"

namespace cube {

namespace {

// Integer cells as doubles, nodata as NaN. The loop has no branch, so that it vectorises.
template <class T>
CUBE_MULTIVERSION void widen(const T* cells, std::size_t n, std::optional<double> nodata,
                             double* out) {
  if (std::is_floating_point_v<T> || !nodata) {
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<double>(cells[i]);
    return;
  }
  const T missing = cell_cast<T>(*nodata);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = cells[i] == missing ? kMissing : static_cast<double>(cells[i]);
  }
}

template <class T>
CUBE_MULTIVERSION void narrow(std::span<const double> values, std::optional<double> nodata,
                              T* cells) {
  if constexpr (std::is_floating_point_v<T>) {
    for (std::size_t i = 0; i < values.size(); ++i) cells[i] = static_cast<T>(values[i]);
  } else {
    const T missing = cell_cast<T>(nodata.value_or(0));
    for (std::size_t i = 0; i < values.size(); ++i) {
      assert(nodata || !std::isnan(values[i]));
      cells[i] = std::isnan(values[i]) ? missing : cell_cast<T>(values[i]);
    }
  }
}

}  // namespace

Block::Block(const Region& region, Storage storage, Unfilled) : region_(region), storage_(storage) {
  data_.resize(static_cast<std::size_t>(region.cells()) * size_of(storage.dtype));
}

Block Block::unfilled(const Region& region, Storage storage) {
  return {region, storage, Unfilled{}};
}

Block Block::relabelled(Block&& block, const Region& region, Storage storage) {
  assert(storage.dtype == block.dtype() && region.cells() == block.region_.cells());
  Block out = std::move(block);
  out.region_ = region;
  out.storage_ = storage;
  return out;
}

Block::Block(const Region& region, Storage storage) : Block(region, storage, Unfilled{}) {
  dispatch(storage.dtype, [&]<class T>(std::type_identity<T>) {
    std::ranges::fill(cells<T>(), static_cast<T>(storage.nodata.value_or(0)));
  });
}

std::size_t Block::offset(std::int64_t t, std::int64_t y, std::int64_t x) const {
  assert(region_.t.contains(t) && region_.y.contains(y));
  return static_cast<std::size_t>(
      ((t - region_.t.begin) * region_.y.size() + (y - region_.y.begin)) * region_.x.size() +
      (x - region_.x.begin));
}

std::span<const double> Block::row(std::int64_t t, std::int64_t y,
                                   std::vector<double>& scratch) const {
  return row(t, y, region_.x, scratch);
}

std::span<const double> Block::row(std::int64_t t, std::int64_t y, const Range& columns,
                                   std::vector<double>& scratch) const {
  assert(region_.x.contains(columns));
  const std::size_t first = offset(t, y, columns.begin);
  const auto count = static_cast<std::size_t>(columns.size());
  if (dtype() == DType::kFloat64) return cells<double>().subspan(first, count);
  scratch.resize(count);
  dispatch(dtype(), [&]<class T>(std::type_identity<T>) {
    widen(cells<T>().data() + first, count, nodata(), scratch.data());
  });
  return scratch;
}

void Block::set_row(std::int64_t t, std::int64_t y, std::span<const double> values) {
  set_row(t, y, region_.x.begin, values);
}

void Block::set_row(std::int64_t t, std::int64_t y, std::int64_t x,
                    std::span<const double> values) {
  assert(region_.x.contains(Range{x, x + static_cast<std::int64_t>(values.size())}));
  const std::size_t first = offset(t, y, x);
  dispatch(dtype(), [&]<class T>(std::type_identity<T>) {
    narrow(values, nodata(), cells<T>().data() + first);
  });
}

void Block::set_row_of_valid(std::int64_t t, std::int64_t y, std::int64_t x,
                             std::span<const double> values) {
  set_row(t, y, x, values);
  if (!nodata() || is_float(dtype())) return;
  const std::size_t first = offset(t, y, x);
  dispatch(dtype(), [&]<class T>(std::type_identity<T>) {
    const T missing = cell_cast<T>(*nodata());
    const bool lowest = missing == std::numeric_limits<T>::lowest();
    const T next = static_cast<T>(lowest ? missing + 1 : missing - 1);
    T* cells_of_row = cells<T>().data() + first;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (cells_of_row[i] == missing && !std::isnan(values[i])) cells_of_row[i] = next;
    }
  });
}

void Block::copy_from(const Block& source) {
  assert(source.dtype() == dtype());
  copy_moved(source, 0, 0, 0);
}

void Block::copy_moved(const Block& source, std::int64_t dt, std::int64_t dy, std::int64_t dx) {
  const Region both = intersect(region_, source.region_.shifted(dt, dy, dx));
  if (both.empty()) return;
  const bool same = source.dtype() == dtype() && (is_float(dtype()) || source.nodata() == nodata());
  const std::size_t cell = size_of(dtype());
  const auto length = static_cast<std::size_t>(both.x.size()) * cell;
  std::vector<double> scratch;
  for (std::int64_t t = both.t.begin; t < both.t.end; ++t) {
    for (std::int64_t y = both.y.begin; y < both.y.end; ++y) {
      if (same) {
        std::memcpy(data_.data() + offset(t, y, both.x.begin) * cell,
                    source.data_.data() + source.offset(t - dt, y - dy, both.x.begin - dx) * cell,
                    length);
      } else {
        set_row(t, y, both.x.begin, source.row(t - dt, y - dy, both.x.shifted(-dx), scratch));
      }
    }
  }
}

bool Block::all_missing() const {
  return dispatch(dtype(), [&]<class T>(std::type_identity<T>) {
    const auto all = cells<T>();
    if constexpr (std::is_floating_point_v<T>) {
      return std::all_of(all.begin(), all.end(), [](T value) { return std::isnan(value); });
    } else {
      if (!nodata()) return all.empty();
      const T missing = cell_cast<T>(*nodata());
      return std::all_of(all.begin(), all.end(), [&](T value) { return value == missing; });
    }
  });
}

BlockPtr share(Block&& block) {
  if (block.all_missing()) return nullptr;
  return std::make_shared<const Block>(std::move(block));
}

BlockPtr crop(const BlockPtr& block, const Region& region) {
  if (!block || block->region() == region) return block;
  assert(block->region().contains(region));
  Block part = Block::unfilled(region, block->storage());
  part.copy_from(*block);
  return share(std::move(part));
}

bool Chunk::empty() const {
  return std::all_of(bands.begin(), bands.end(), [](const BlockPtr& b) { return !b; });
}

std::size_t Chunk::bytes() const {
  std::size_t sum = 0;
  for (const BlockPtr& block : bands) sum += block ? block->bytes() : 0;
  return sum;
}

}  // namespace cube
