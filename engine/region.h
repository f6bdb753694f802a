// Region: a half-open box of cell indices (t, y, x), the unit in which everything is asked for.
// Thread rule: values.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <string>
#include <variant>

namespace cube {

// Half-open range of indices [begin, end).
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t size() const { return std::max<std::int64_t>(0, end - begin); }
  bool empty() const { return end <= begin; }
  bool contains(std::int64_t i) const { return i >= begin && i < end; }
  bool contains(const Range& other) const {
    return other.empty() || (other.begin >= begin && other.end <= end);
  }
  Range shifted(std::int64_t by) const { return {begin + by, end + by}; }

  friend Range intersect(const Range& a, const Range& b) {
    const Range both{std::max(a.begin, b.begin), std::min(a.end, b.end)};
    return both.empty() ? Range{both.begin, both.begin} : both;
  }
  auto operator<=>(const Range&) const = default;
};

// Calls f(rows, columns) for the two halves of a window, cut across its longer side.
template <class F>
void for_halves(const Range& rows, const Range& columns, F&& f) {
  if (rows.size() >= columns.size()) {
    const std::int64_t half = rows.begin + rows.size() / 2;
    f(Range{rows.begin, half}, columns);
    f(Range{half, rows.end}, columns);
  } else {
    const std::int64_t half = columns.begin + columns.size() / 2;
    f(rows, Range{columns.begin, half});
    f(rows, Range{half, columns.end});
  }
}

// Box of cells: t slices, y rows from the top, x columns from the left.
struct Region {
  Range t;
  Range y;
  Range x;

  std::int64_t cells() const { return t.size() * y.size() * x.size(); }
  bool empty() const { return t.empty() || y.empty() || x.empty(); }
  bool contains(const Region& other) const {
    return t.contains(other.t) && y.contains(other.y) && x.contains(other.x);
  }
  Region shifted(std::int64_t dt, std::int64_t dy, std::int64_t dx) const {
    return {t.shifted(dt), y.shifted(dy), x.shifted(dx)};
  }

  friend Region intersect(const Region& a, const Region& b) {
    return {intersect(a.t, b.t), intersect(a.y, b.y), intersect(a.x, b.x)};
  }
  auto operator<=>(const Region&) const = default;
};

// "t 0:12, y 0:256, x 256:512".
std::string to_text(const Region& region);

// Shape of a chunk in cells.
struct ChunkShape {
  std::int64_t t = 1;
  std::int64_t y = 1;
  std::int64_t x = 1;

  std::int64_t cells() const { return t * y * x; }
  auto operator<=>(const ChunkShape&) const = default;
};

// "1,512,512".
std::string to_text(const ChunkShape& shape);

// The shape that suits the blocks of the files that are read ("auto"; see chunk_choice.h).
struct FittingChunk {
  bool operator==(const FittingChunk&) const = default;
};
// What a user asks of chunks.
using ChunkWish = std::variant<ChunkShape, FittingChunk>;

}  // namespace cube
