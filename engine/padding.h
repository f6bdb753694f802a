// Padding: what stands beyond the edges of a cube for windows that reach there.
//
// The modes are those of openEO's apply_kernel: for a row abcd, reading on to the left of it,
//   replicate      aaa|abcd   numpy.pad's edge
//   reflect        cba|abcd   symmetric
//   reflect_pixel  dcb|abcd   reflect
//   wrap           bcd|abcd   wrap
//   constant       one value, or missing
//
// Thread rule: a value; PaddedSlice belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/block.h"
#include "engine/missing.h"

namespace cube {

struct Padding {
  enum class Mode : std::uint8_t { kConstant, kReplicate, kReflect, kReflectPixel, kWrap };

  Mode mode = Mode::kConstant;
  double fill = kMissing;  // of kConstant

  // Throws Error(kInvalid) with `where` for an unknown name; case is ignored.
  static Mode parse(std::string_view name, std::string_view where);

  // The cell of an axis of n cells that stands at position i, which may lie outside; nullopt: fill.
  std::optional<std::int64_t> source(std::int64_t i, std::int64_t n) const;

  // The cells of an axis of n that positions `wanted`, of which some lie inside, are taken from:
  // one range, which with kWrap goes from one end to the other where positions lie beyond an end.
  Range needed(const Range& wanted, std::int64_t n) const;
};

// One slice of a band over rows and columns that may go beyond the cube, as doubles.
class PaddedSlice {
 public:
  // Fills all cells. `block` null means missing inside the cube, whose rows and columns are
  // `height` and `width`. REQUIRES: block covers what needed() says.
  void fill(const Block* block, std::int64_t t, const Range& rows, const Range& columns,
            const Padding& padding, std::int64_t height, std::int64_t width);

  const Range& rows() const { return rows_; }
  const Range& columns() const { return columns_; }
  std::span<const double> row(std::int64_t y) const {
    const auto n = static_cast<std::size_t>(columns_.size());
    return std::span(cells_).subspan(static_cast<std::size_t>(y - rows_.begin) * n, n);
  }

  static std::int64_t bytes(const Range& rows, const Range& columns) {
    return (rows.size() + 1) * columns.size() * static_cast<std::int64_t>(sizeof(double));
  }

 private:
  void fill_row(std::span<const double> source, const Range& there, const Padding& padding,
                std::int64_t width, std::span<double> out) const;

  Range rows_;
  Range columns_;
  std::vector<double> cells_;
  std::vector<double> scratch_;
};

}  // namespace cube
