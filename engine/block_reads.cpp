#include "engine/block_reads.h"

#include <algorithm>
#include <list>
#include <unordered_map>
#include <vector>

#include "engine/chunk_choice.h"
#include "engine/demand.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kMostTouches = 100000;  // 20 ms

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The blocks that are kept, the last used first, as BlockCache keeps them.
class KeptBlocks {
 public:
  explicit KeptBlocks(std::int64_t bytes) : bytes_(bytes) {}

  // Counts a block that a chunk touches. True when it has to be decoded.
  bool touch(std::uint64_t block, std::int64_t bytes) {
    const auto found = places_.find(block);
    const bool known = found != places_.end();
    if (known && found->second != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return false;
    }
    distinct_ += known ? 0 : 1;
    ++decoded_;
    entries_.push_front({block, bytes});
    places_[block] = entries_.begin();
    held_ += bytes;
    while (held_ > bytes_) {
      held_ -= entries_.back().bytes;
      places_[entries_.back().block] = entries_.end();  // decoded before, kept no longer
      entries_.pop_back();
    }
    return true;
  }

  double times() const {
    return distinct_ == 0 ? 1 : static_cast<double>(decoded_) / static_cast<double>(distinct_);
  }

 private:
  struct Entry {
    std::uint64_t block;
    std::int64_t bytes;
  };
  std::int64_t bytes_;
  std::int64_t held_ = 0;
  std::int64_t decoded_ = 0;
  std::int64_t distinct_ = 0;
  std::list<Entry> entries_;
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> places_;
};

struct StoredSource {
  std::size_t node;
  ChunkShape blocks;
  ChunkShape counts;  // of blocks
};

std::vector<StoredSource> stored_sources(const Graph& graph) {
  std::vector<StoredSource> out;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto blocks = graph.nodes[i].op->stored_blocks();
    if (!blocks) continue;
    const CubeInfo& info = graph.nodes[i].op->info();
    out.push_back({i,
                   *blocks,
                   {ceil_div(info.time.size(), blocks->t), ceil_div(info.grid.height, blocks->y),
                    ceil_div(info.grid.width, blocks->x)}});
  }
  return out;
}

// Touches the blocks under a request of a source; gives how many there are.
std::int64_t touch_blocks(const StoredSource& source, const CubeInfo& info, const Request& request,
                          KeptBlocks& kept) {
  const Region& region = request.region;
  if (region.empty()) return 0;
  const ChunkShape& size = source.blocks;
  const ChunkShape& counts = source.counts;
  std::int64_t touches = 0;
  for (const std::size_t band : request.bands) {
    const std::int64_t bytes =
        size.cells() * static_cast<std::int64_t>(size_of(info.bands[band].dtype));
    for (std::int64_t t = region.t.begin / size.t; t * size.t < region.t.end; ++t) {
      for (std::int64_t y = region.y.begin / size.y; y * size.y < region.y.end; ++y) {
        for (std::int64_t x = region.x.begin / size.x; x * size.x < region.x.end; ++x) {
          const std::int64_t place =
              ((static_cast<std::int64_t>(band) * counts.t + t) * counts.y + y) * counts.x + x;
          kept.touch(static_cast<std::uint64_t>(place), bytes);
          ++touches;
        }
      }
    }
  }
  return touches;
}

std::string shape_text(const ChunkShape& shape, const char* between) {
  return std::to_string(shape.t) + between + std::to_string(shape.y) + between +
         std::to_string(shape.x);
}

}  // namespace

std::optional<BlockReads> block_reads(const Graph& graph, const ChunkShape& shape,
                                      std::int64_t kept_bytes) {
  const std::vector<StoredSource> sources = stored_sources(graph);
  const CubeInfo& cube = graph.info();
  if (sources.empty() || cube.extent().empty()) return std::nullopt;
  // Blocks of several sources share what is kept.
  std::vector<KeptBlocks> kept(sources.size(),
                               KeptBlocks(kept_bytes / static_cast<std::int64_t>(sources.size())));
  std::int64_t touches = 0;
  const auto follow = [&](const Region& region) {
    const auto wanted = demanded(graph, graph.result, all_bands(cube, region));
    for (std::size_t s = 0; s < sources.size(); ++s) {
      const Operator& op = *graph.nodes[sources[s].node].op;
      const Request& request = wanted[sources[s].node];
      if (request.region.empty() || op.cost(request).empty) continue;
      touches += touch_blocks(sources[s], op.info(), request, kept[s]);
    }
    ++touches;  // a chunk without any takes time, too
  };
  for (std::int64_t t = 0; t < cube.time.size() && touches < kMostTouches; t += shape.t) {
    for (std::int64_t y = 0; y < cube.grid.height && touches < kMostTouches; y += shape.y) {
      for (std::int64_t x = 0; x < cube.grid.width; x += shape.x) {
        follow(intersect(cube.extent(), {{t, t + shape.t}, {y, y + shape.y}, {x, x + shape.x}}));
      }
    }
  }
  BlockReads out{.times = 0};
  for (std::size_t s = 0; s < sources.size(); ++s) {
    if (kept[s].times() <= out.times) continue;
    out = {kept[s].times(), sources[s].blocks, sources[s].node};
  }
  return out;
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

std::string chunk_text(const Graph& graph) {
  const auto sources = stored_sources(graph);
  if (sources.empty() || graph.info().extent().empty()) return {};
  const ChunkShape shape = best_chunk(graph);
  std::int64_t widest = 0;
  for (const BandInfo& band : graph.info().bands) {
    widest = std::max(widest, static_cast<std::int64_t>(size_of(band.dtype)));
  }
  const auto reads = block_reads(graph, shape, 0);
  const bool whole = reads && reads->times <= 1;
  return "chunk   " + shape_text(shape, " x ") + " (t, y, x), " +
         bytes_text(static_cast<double>(shape.cells() * widest)) + " a band: " +
         (whole ? "whole blocks" : "parts of blocks, which are too large or do not fit") + "\n";
}

}  // namespace cube
