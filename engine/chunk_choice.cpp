#include "engine/chunk_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/demand.h"

namespace cube {

namespace {

constexpr std::int64_t kSide = 1024;        // cells of a chunk's side, of result or source
constexpr std::int64_t kMostSide = 2048;    // where blocks ask for it
constexpr std::int64_t kLeastSide = 256;    // smaller chunks cost more than they give
constexpr std::int64_t kTileMultiple = 16;  // sides that make whole tiles of a TIFF
constexpr std::int64_t kStripCells = std::int64_t{1} << 21;  // of a chunk of whole rows

// What each node has to give for a region of the result.
std::vector<Request> demanded_for(const Graph& graph, const Region& region) {
  return demanded(graph, graph.result, all_bands(graph.info(), region));
}

// One axis of the result: what all sources ask of a chunk's side, in cells of the result.
struct Side {
  std::int64_t size = 0;  // of the result
  std::int64_t tile = 1;  // of the output
  std::int64_t unit = 1;  // sides are multiples of this
  double rate = 1;        // most source cells a result cell takes, at least 1
  bool whole = false;     // blocks run through from one end to the other

  std::int64_t most() const { return at_least_one(static_cast<double>(kMostSide) / rate); }

  // Blocks of `block` cells of the source, which a result cell takes `step` of. `through`: a block
  // runs from one end of the source to the other and is not large.
  void add(std::int64_t block, bool through, double step) {
    if (!(step > 0)) return;
    rate = std::max(rate, step);
    const double cells = static_cast<double>(block) / step;
    if (through && cells > static_cast<double>(most())) whole = true;
    const double near = std::round(cells);
    if (near < 1 || std::abs(cells - near) > 1e-6 * cells) return;
    const std::int64_t both = std::lcm(unit, static_cast<std::int64_t>(near));
    unit = both <= most() ? both : std::max(unit, static_cast<std::int64_t>(near));
  }

  // Multiples of these make whole blocks and, if it can be, whole tiles of the output.
  std::int64_t step() const {
    for (const std::int64_t tiles : {tile > 1 ? tile : kTileMultiple, kTileMultiple}) {
      const std::int64_t both = std::lcm(unit, tiles);
      if (both <= most()) return both;
    }
    return unit <= most() ? unit : cut(unit);
  }

  std::int64_t multiple(double cells) const {
    const std::int64_t count = at_least_one(cells / static_cast<double>(step()));
    return std::min(count * step(), std::max(most(), step()));
  }

 private:
  static std::int64_t at_least_one(double value) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(value));
  }
  // A part of a side that is too long.
  std::int64_t cut(std::int64_t side) const {
    const std::int64_t parts = (side + most() - 1) / most();
    return side % parts == 0 ? side / parts : most();
  }
};

Range middle(std::int64_t size, std::int64_t part) {
  return {(size - part) / 2, (size - part) / 2 + part};
}

// The most slices that a source stores together and the result has one for each of.
std::int64_t stored_slices(const Graph& graph, const Region& region) {
  const auto few = demanded_for(graph, {{0, 1}, region.y, region.x});
  const auto all = demanded_for(graph, region);
  std::int64_t most = 1;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto blocks = graph.nodes[i].op->stored_blocks();
    if (!blocks || all[i].region.empty()) continue;
    const std::int64_t more = all[i].region.t.size() - few[i].region.t.size();
    if (more == region.t.size() - 1) most = std::max(most, blocks->shape.t);
  }
  return std::min(most, region.t.size());
}

// How much a source's demand grows with a region of the result.
double growth(const Range& large, const Range& small, std::int64_t cells) {
  return static_cast<double>(large.size() - small.size()) / static_cast<double>(cells);
}

}  // namespace

ChunkShape in_tiles(const ChunkShape& shape, const ChunkShape& tile) {
  const auto whole = [](std::int64_t side, std::int64_t of) {
    const std::int64_t tiles = (side + of - 1) / of * of;
    return tiles <= kMostSide ? tiles : side;
  };
  return {shape.t, whole(shape.y, tile.y), whole(shape.x, tile.x)};
}

std::optional<ChunkChoice> choose_chunk(const Graph& graph, const ChunkShape& tile) {
  const CubeInfo& result = graph.info();
  Side y{.size = result.grid.height, .tile = tile.y};
  Side x{.size = result.grid.width, .tile = tile.x};
  if (y.size == 0 || x.size == 0 || result.time.size() == 0) return std::nullopt;
  const std::int64_t rows = std::min(kMostSide, y.size);
  const std::int64_t columns = std::min(kMostSide, x.size);
  const auto probe = [&](std::int64_t height, std::int64_t width) {
    return demanded_for(graph, {{0, 1}, middle(y.size, height), middle(x.size, width)});
  };
  const auto large = probe(rows, columns);
  const auto small = probe(rows / 2, columns / 2);
  bool any = false;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto blocks = graph.nodes[i].op->stored_blocks();
    if (!blocks || large[i].region.empty()) continue;
    any = true;
    const Grid& source = graph.nodes[i].op->info().grid;
    const ChunkShape& block = blocks->shape;
    const bool small_block = block.y * block.x <= 2 * kStripCells;
    y.add(block.y, false, growth(large[i].region.y, small[i].region.y, rows - rows / 2));
    x.add(block.x, small_block && block.x >= source.width,
          growth(large[i].region.x, small[i].region.x, columns - columns / 2));
  }
  if (!any) return std::nullopt;
  const auto side = [](const Side& s, double cells) { return s.multiple(cells / s.rate); };
  ChunkChoice choice{{1, side(y, kSide), side(x, kSide)},
                     {1, side(y, kLeastSide), side(x, kLeastSide)}};
  choice.preferred.t = choice.least.t =
      stored_slices(graph, {{0, result.time.size()}, middle(y.size, 1), middle(x.size, 1)});
  if (x.whole) {
    choice.preferred.x = choice.least.x = x.size;
    const double cells_in_row = static_cast<double>(x.size) * y.rate * x.rate;
    choice.preferred.y = y.multiple(static_cast<double>(kStripCells) / cells_in_row);
    choice.least.y = std::min(y.step(), choice.preferred.y);
  }
  return choice;
}

ChunkShape best_chunk(const Graph& graph, const ChunkShape& tile) {
  const Region extent = graph.info().extent();
  const auto choice = choose_chunk(graph, tile);
  const ChunkShape shape = choice ? choice->preferred : ChunkShape{1, 512, 512};
  const auto clip = [](std::int64_t side, const Range& all) {
    return std::clamp<std::int64_t>(side, 1, std::max<std::int64_t>(1, all.size()));
  };
  return {clip(shape.t, extent.t), clip(shape.y, extent.y), clip(shape.x, extent.x)};
}

}  // namespace cube
