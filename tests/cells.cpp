#include "tests/cells.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "engine/run.h"
#include "engine/text.h"
#include "tests/memory_sink.h"

namespace cube::test {

namespace {

std::size_t offset_in(const Region& extent, std::int64_t t, std::int64_t y, std::int64_t x) {
  return static_cast<std::size_t>(((t - extent.t.begin) * extent.y.size() + (y - extent.y.begin)) *
                                      extent.x.size() +
                                  (x - extent.x.begin));
}

// Copies the rows of a block into the cells of a whole band.
void copy_rows(const Block& block, const Region& extent, std::vector<double>& cells) {
  std::vector<double> scratch;
  const Region& region = block.region();
  for (auto t = region.t.begin; t < region.t.end; ++t) {
    for (auto y = region.y.begin; y < region.y.end; ++y) {
      const auto row = block.row(t, y, scratch);
      const std::size_t at = offset_in(extent, t, y, region.x.begin);
      std::copy(row.begin(), row.end(), cells.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
}

std::vector<double> all_missing(const Region& region) {
  return std::vector<double>(static_cast<std::size_t>(region.cells()),
                             std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

std::vector<ChunkShape> chunk_shapes(const CubeInfo& info) {
  return {{std::max<std::int64_t>(1, info.time.size()), std::max<std::int64_t>(1, info.grid.height),
           std::max<std::int64_t>(1, info.grid.width)},
          {1, 1, 1},
          {2, 3, 5}};
}

std::vector<Region> tiles(const Region& extent, const ChunkShape& shape) {
  std::vector<Region> regions;
  for (auto t = extent.t.begin; t < extent.t.end; t += shape.t) {
    for (auto y = extent.y.begin; y < extent.y.end; y += shape.y) {
      for (auto x = extent.x.begin; x < extent.x.end; x += shape.x) {
        regions.push_back(
            intersect(extent, Region{{t, t + shape.t}, {y, y + shape.y}, {x, x + shape.x}}));
      }
    }
  }
  return regions;
}

std::vector<double> cells_of(const Chunk& chunk, std::size_t band) {
  std::vector<double> cells = all_missing(chunk.region);
  if (chunk.bands[band]) copy_rows(*chunk.bands[band], chunk.region, cells);
  return cells;
}

std::vector<std::vector<double>> computed(const Graph& graph, const Resources& resources,
                                          const ChunkShape& shape) {
  const Region extent = graph.info().extent();
  std::vector<std::size_t> bands(graph.info().bands.size());
  for (std::size_t i = 0; i < bands.size(); ++i) bands[i] = i;
  std::vector<std::vector<double>> cells(bands.size(), all_missing(extent));
  for (const Region& region : tiles(extent, shape)) {
    const Chunk chunk = compute(graph, resources, {region, bands});
    for (std::size_t i = 0; i < bands.size(); ++i) {
      if (chunk.bands.at(i)) copy_rows(*chunk.bands[i], extent, cells[i]);
    }
  }
  return cells;
}

std::vector<std::vector<double>> computed_by_run(const Graph& graph, const Resources& resources,
                                                 int threads) {
  PlanOptions options;
  options.threads = threads;
  options.chunk = ChunkShape{1, 2, 3};
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<MemorySink>(graph.info()));
  RunOptions run_options;
  run_options.threads = threads;
  const Report report = run(Plan(graph, options), resources, sinks, {}, run_options);
  if (!report.ok()) throw std::logic_error("the run failed");
  std::vector<std::vector<double>> cells;
  for (const Block& block : static_cast<MemorySink&>(*sinks[0]).bands()) {
    const Chunk chunk{block.region(), {std::make_shared<const Block>(block)}};
    cells.push_back(cells_of(chunk, 0));
  }
  return cells;
}

std::string difference(const std::vector<std::vector<double>>& a,
                       const std::vector<std::vector<double>>& b) {
  for (std::size_t band = 0; band < a.size(); ++band) {
    for (std::size_t i = 0; i < a[band].size(); ++i) {
      const double x = a[band][i];
      const double y = b.at(band).at(i);
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      return "band " + std::to_string(band) + ", cell " + std::to_string(i) + ": " +
             number_text(x) + " and " + number_text(y);
    }
  }
  return {};
}

}  // namespace cube::test
