#include "engine/zones.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cube {

namespace {

// Cells looked at together of a large zone.
constexpr std::int64_t kPieceCells = std::int64_t{1} << 18;

// The cells of an axis between two coordinates in cells.
Range cells_between(double low, double high, std::int64_t size) {
  if (!(low <= high)) return {};
  const auto cells = static_cast<double>(size);
  return {static_cast<std::int64_t>(std::floor(std::clamp(low, 0.0, cells))),
          static_cast<std::int64_t>(std::ceil(std::clamp(high, 0.0, cells)))};
}

}  // namespace

Zones::Zones(const FeatureTable& table, const Grid& grid, Rule rule, std::string_view where)
    : rule_(rule) {
  const std::string& crs = table.crs.empty() ? grid.crs : table.crs;
  for (const Shape& area : areas_of(table, where)) {
    Zone zone{in_cells(area, crs, grid, where), {}, bounds(area)};
    const Box box = bounds(zone.shape);  // rows run downwards: bottom is the first
    zone.window = {{0, 1},
                   cells_between(box.bottom, box.top, grid.height),
                   cells_between(box.left, box.right, grid.width)};
    if (zone.window.empty()) zone.window = {};
    take_size(zone);
    zones_.push_back(std::move(zone));
  }
}

std::vector<Region> Zones::windows(const Range& zones) const {
  std::vector<Region> out;
  for (std::int64_t zone = zones.begin; zone < zones.end; ++zone) out.push_back(window(zone));
  return out;
}

CellWeights Zones::weights(std::int64_t zone) const {
  const Shape& shape = at(zone).shape;
  const Region& window = at(zone).window;
  if (rule_ == Rule::kCoverage) return CellWeights::coverage(shape, window.y, window.x);
  return CellWeights::whole(shape, window.y, window.x,
                            rule_ == Rule::kCenter ? CellRule::kCenter : CellRule::kTouched);
}

std::int64_t Zones::piece_rows(const Region& window) {
  return std::clamp<std::int64_t>(kPieceCells / std::max<std::int64_t>(1, window.x.size()), 1,
                                  std::max<std::int64_t>(1, window.y.size()));
}

void Zones::take_size(const Zone& zone) {
  for (const Ring& ring : zone.shape.rings) {
    bytes_ += static_cast<std::int64_t>(ring.capacity() * sizeof(Vertex));
  }
  const Region& window = zone.window;
  if (window.empty()) return;
  const auto raise = [](std::int64_t& most, std::int64_t value) { most = std::max(most, value); };
  raise(largest_.weights_bytes, CellWeights::most_bytes(zone.shape, window.y, window.x));
  raise(largest_.columns, window.x.size());
  raise(largest_.rows, piece_rows(window));
  const auto cells = CellWeights::most_counts(zone.shape, window.y, window.x);
  raise(largest_.cells.whole, cells.whole);
  raise(largest_.cells.parts, rule_ == Rule::kCoverage ? cells.parts : 0);
}

}  // namespace cube
