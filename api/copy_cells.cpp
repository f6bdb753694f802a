#include "api/copy_cells.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/text.h"

namespace cube {

namespace {

// Rows of a block, as they are stored or as numbers, one after the other.
class RowCopier {
 public:
  RowCopier(DType stored, const CellsOut& out) : as_stored_(stored == out.dtype), out_(out) {}

  // A row of `block` to the cells of `out` from `at` on.
  void copy(const Block& block, std::int64_t t, std::int64_t y, std::size_t at) {
    const std::size_t size = size_of(out_.dtype);
    if (as_stored_) {
      const auto n = static_cast<std::size_t>(block.region().x.size());
      const std::size_t from = block.offset(t, y, block.region().x.begin);
      std::memcpy(&out_.cells[at * size], &block.raw()[from * size], n * size);
      return;
    }
    const std::span<const double> row = block.row(t, y, scratch_);
    dispatch(out_.dtype, [&]<class T>(std::type_identity<T>) {
      if constexpr (std::is_floating_point_v<T>) {
        std::byte* cell = &out_.cells[at * size];
        for (const double value : row) {
          const auto number = static_cast<T>(value);
          std::memcpy(cell, &number, size);
          cell += size;
        }
      }
    });
  }

 private:
  bool as_stored_;
  const CellsOut& out_;
  std::vector<double> scratch_;
};

}  // namespace

void check_out(const CellsOut& out, const BandInfo& band, const Region& region) {
  if (out.dtype != band.dtype && !is_float(out.dtype)) {
    throw Error(ErrorCode::kInvalid,
                "cells of " + std::string(name(band.dtype)) + " are not given as " +
                    std::string(name(out.dtype)),
                "band '" + band.name + "'", "its own type, float32 or float64");
  }
  const std::size_t bytes = static_cast<std::size_t>(region.cells()) * size_of(out.dtype);
  if (out.cells.size() != bytes) {
    throw Error(ErrorCode::kInvalid,
                "there is room for " + counted(out.cells.size(), "byte") + ", and " +
                    counted(region.cells(), "cell") + " take " + std::to_string(bytes),
                "band '" + band.name + "'");
  }
}

void copy_cells(const Block* block, const BandInfo& band, const Region& piece, const Region& whole,
                const CellsOut& out) {
  if (piece.empty()) return;
  RowCopier copier(band.dtype, out);
  const Block missing({{0, 1}, {0, 1}, piece.x}, band.storage());
  for (std::int64_t t = piece.t.begin; t < piece.t.end; ++t) {
    for (std::int64_t y = piece.y.begin; y < piece.y.end; ++y) {
      const std::int64_t row = (t - whole.t.begin) * whole.y.size() + (y - whole.y.begin);
      const std::int64_t at = row * whole.x.size() + (piece.x.begin - whole.x.begin);
      if (block) {
        copier.copy(*block, t, y, static_cast<std::size_t>(at));
      } else {
        copier.copy(missing, 0, 0, static_cast<std::size_t>(at));
      }
    }
  }
}

}  // namespace cube
