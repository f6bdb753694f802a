#include "engine/turning_grid.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/gdal/crs.h"
#include "engine/gdal/source_window.h"
#include "engine/longitudes.h"

namespace cube {

namespace {

constexpr double kTurn = 360;

std::int64_t columns_round(const Grid& grid) {
  constexpr double kNear = 0.01;
  const double turn = columns_of_turn(grid);
  const double columns = std::nearbyint(turn);
  const bool all = columns >= 1 && columns <= static_cast<double>(grid.width) &&
                   std::abs(turn - columns) <= kNear;
  return all ? static_cast<std::int64_t>(columns) : 0;
}

}  // namespace

TurningGrid::TurningGrid(const Grid& grid, const Grid& target)
    : laid_out_(grid), width_(grid.width), round_(columns_round(grid)) {
  if (round_ == 0) return;
  const bool one_crs = same_crs(grid.crs, target.crs);
  const double left = one_crs ? std::min(target.left, -kTurn / 2) : -kTurn / 2;
  const double right = one_crs ? std::max(target.right(), kTurn / 2) : kTurn / 2;
  // A turn more on both sides, for what kernels reach.
  const double before = std::max(0.0, std::ceil((grid.left - left) / kTurn)) + 1;
  const double after = std::max(0.0, std::ceil((right - grid.right()) / kTurn)) + 1;
  first_ = static_cast<std::int64_t>(before) * round_;
  laid_out_.left -= before * static_cast<double>(round_) * grid.dx;
  laid_out_.width += static_cast<std::int64_t>(before + after) * round_;
}

std::vector<std::pair<Range, std::int64_t>> TurningGrid::runs_of(const Range& columns) const {
  std::vector<std::pair<Range, std::int64_t>> out;
  for_runs(columns.shifted(-first_), width_, round_,
           [&](const Range& run, std::int64_t at) { out.emplace_back(run, at); });
  return out;
}

Range TurningGrid::stored(const Range& columns) const {
  if (round_ == 0 || columns.empty()) return columns;
  const auto runs = runs_of(columns);
  return runs.size() == 1 ? runs.front().first : Range{0, width_};
}

std::vector<Range> TurningGrid::stored_parts(const Range& columns) const {
  if (round_ == 0 || 2 * columns.size() > width_) return {stored(columns)};
  std::vector<Range> out;
  for (const auto& [run, unused] : runs_of(columns)) out.push_back(run);
  return out;
}

BlockPtr TurningGrid::laid_out(const std::vector<BlockPtr>& parts, const Range& columns) const {
  if (round_ == 0) return parts.front();
  const auto there =
      std::ranges::find_if(parts, [](const BlockPtr& part) { return part != nullptr; });
  if (there == parts.end()) return nullptr;
  const Region from = (*there)->region();
  const Region to_region{from.t, from.y, columns};
  const bool all = std::ranges::all_of(parts, [](const BlockPtr& part) { return part != nullptr; });
  Block out =
      all ? Block::unfilled(to_region, (*there)->storage()) : Block(to_region, (*there)->storage());
  dispatch(out.dtype(), [&]<class T>(std::type_identity<T>) {
    const auto to = out.cells<T>();
    std::size_t part = 0;
    for (const auto& [run, at] : runs_of(columns)) {
      const BlockPtr& block = parts[parts.size() > 1 ? part++ : 0];
      if (!block) continue;
      const T* cells = reinterpret_cast<const T*>(block->raw().data());
      for (std::int64_t t = from.t.begin; t < from.t.end; ++t) {
        for (std::int64_t y = from.y.begin; y < from.y.end; ++y) {
          std::memcpy(&to[out.offset(t, y, columns.begin + at)],
                      cells + block->offset(t, y, run.begin),
                      static_cast<std::size_t>(run.size()) * sizeof(T));
        }
      }
    }
  });
  return share(std::move(out));
}

}  // namespace cube
