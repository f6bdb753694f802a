#include "engine/padding.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

std::int64_t modulo(std::int64_t i, std::int64_t n) { return (i % n + n) % n; }

}  // namespace

Padding::Mode Padding::parse(std::string_view name, std::string_view where) {
  static const std::vector<std::string> kNames = {"constant", "replicate", "reflect",
                                                  "reflect_pixel", "wrap"};
  if (const auto found = find_name(kNames, name)) return static_cast<Mode>(*found);
  throw Error(ErrorCode::kInvalid, "there is no padding '" + std::string(name) + "'",
              std::string(where), suggest(kNames, name));
}

std::optional<std::int64_t> Padding::source(std::int64_t i, std::int64_t n) const {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case Mode::kReplicate:
      return i < 0 ? 0 : n - 1;
    case Mode::kReflect: {
      const std::int64_t place = modulo(i, 2 * n);
      return place < n ? place : 2 * n - 1 - place;
    }
    case Mode::kReflectPixel: {
      if (n == 1) return 0;
      const std::int64_t place = modulo(i, 2 * n - 2);
      return place < n ? place : 2 * n - 2 - place;
    }
    case Mode::kWrap:
      return modulo(i, n);
    default:
      return std::nullopt;
  }
}

Range Padding::needed(const Range& wanted, std::int64_t n) const {
  Range out = intersect(wanted, Range{0, n});
  if (mode == Mode::kConstant) return out;
  const auto take = [&](std::int64_t i) {
    const std::int64_t at = *source(i, n);
    out = {std::min(out.begin, at), std::max(out.end, at + 1)};
  };
  for (std::int64_t i = wanted.begin; i < 0; ++i) take(i);
  for (std::int64_t i = n; i < wanted.end; ++i) take(i);
  return out;
}

void PaddedSlice::fill(const Block* block, std::int64_t t, const Range& rows, const Range& columns,
                       const Padding& padding, std::int64_t height, std::int64_t width) {
  rows_ = rows;
  columns_ = columns;
  const auto n = static_cast<std::size_t>(columns.size());
  cells_.resize(static_cast<std::size_t>(rows.size()) * n);
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    const auto out = std::span(cells_).subspan(static_cast<std::size_t>(y - rows.begin) * n, n);
    const auto from = padding.source(y, height);
    if (!from) {
      std::fill(out.begin(), out.end(), padding.fill);
    } else if (block) {
      fill_row(block->row(t, *from, scratch_), block->region().x, padding, width, out);
    } else {
      fill_row({}, {}, padding, width, out);
    }
  }
}

// `source` are the cells of columns `there`; none: all are missing.
void PaddedSlice::fill_row(std::span<const double> source, const Range& there,
                           const Padding& padding, std::int64_t width,
                           std::span<double> out) const {
  const Range inside = intersect(columns_, Range{0, width});
  const auto at = out.begin() + (inside.begin - columns_.begin);
  if (source.empty()) {
    std::fill_n(at, inside.size(), kMissing);
  } else {
    std::copy_n(source.begin() + (inside.begin - there.begin), inside.size(), at);
  }
  const auto place = [&](std::int64_t x) {
    const auto from = padding.source(x, width);
    out[static_cast<std::size_t>(x - columns_.begin)] =
        !from            ? padding.fill
        : source.empty() ? kMissing
                         : source[static_cast<std::size_t>(*from - there.begin)];
  };
  for (std::int64_t x = columns_.begin; x < inside.begin; ++x) place(x);
  for (std::int64_t x = inside.end; x < columns_.end; ++x) place(x);
}

}  // namespace cube
