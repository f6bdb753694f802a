#include "engine/block_reads.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "engine/chunk_choice.h"
#include "engine/chunk_queue.h"
#include "engine/demand.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kMostTouches = 100000;  // 20 ms
// Below this a note would be an annoyance: edges of windows that overlap.
constexpr double kWorthTelling = 1.5;
// As BlockCache::suits() and read_blocks() of source_window.cpp have it.
constexpr std::int64_t kLeastShared = 8;
constexpr std::int64_t kSmallPart = 64;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Blocks that are kept, the last used first, as BlockCache and GDAL keep them.
class KeptBlocks {
 public:
  // `least`: so many are kept, however large.
  explicit KeptBlocks(std::int64_t bytes, std::size_t least = 0) : bytes_(bytes), least_(least) {}

  // The first `bytes` bytes of a block are wanted. True when they have to be decoded.
  bool touch(std::uint64_t block, std::int64_t bytes, std::int64_t whole) {
    const auto found = places_.find(block);
    if (found == places_.end()) {
      put(block, bytes);
      return true;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    if (entries_.front().bytes >= bytes) return false;
    drop(found->second);
    put(block, whole);
    return true;
  }

 private:
  struct Entry {
    std::uint64_t block;
    std::int64_t bytes;
  };

  void put(std::uint64_t block, std::int64_t bytes) {
    entries_.push_front({block, bytes});
    places_[block] = entries_.begin();
    held_ += bytes;
    while (held_ > bytes_ && entries_.size() > least_) drop(std::prev(entries_.end()));
  }
  void drop(std::list<Entry>::iterator entry) {
    held_ -= entry->bytes;
    places_.erase(entry->block);
    entries_.erase(entry);
  }

  std::int64_t bytes_;
  std::size_t least_;
  std::int64_t held_ = 0;
  std::list<Entry> entries_;
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> places_;
};

// A source and what has been decoded of it.
struct Source {
  BlockReads reads;
  ChunkShape counts;         // of blocks
  std::uint64_t first = 0;   // number of its first block, among those of all sources
  std::uint64_t blocks = 0;  // of all bands
  std::unordered_set<std::uint64_t> seen;
  std::map<int, KeptBlocks> own;  // of its kernels, by worker
};

std::vector<Source> sources_of(const Graph& graph, int workers) {
  std::vector<Source> out;
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto stored = graph.nodes[i].op->stored_blocks();
    if (!stored) continue;
    const CubeInfo& info = graph.nodes[i].op->info();
    const ChunkShape& block = stored->shape;
    Source source;
    source.reads = {.node = i, .blocks = *stored};
    source.counts = {ceil_div(info.time.size(), block.t), ceil_div(info.grid.height, block.y),
                     ceil_div(info.grid.width, block.x)};
    source.first = first;
    source.blocks = info.bands.size() * static_cast<std::uint64_t>(source.counts.cells());
    first += source.blocks * static_cast<std::uint64_t>(workers);
    out.push_back(std::move(source));
  }
  return out;
}

// Follows requests of sources.
class Follower {
 public:
  Follower(const Graph& graph, const BlockKeeping& keeping)
      : graph_(graph),
        keeping_(keeping),
        sources_(sources_of(graph, keeping.workers)),
        shared_(keeping.shared_bytes),
        gdal_(keeping.gdal_bytes, 1) {}

  std::int64_t touches() const { return touches_; }
  bool has_sources() const { return !sources_.empty(); }

  void chunk(const Region& region, int worker) {
    const auto wanted = demanded(graph_, graph_.result, all_bands(graph_.info(), region));
    for (Source& source : sources_) {
      const Operator& op = *graph_.nodes[source.reads.node].op;
      const Request& request = wanted[source.reads.node];
      if (request.region.empty() || op.cost(request).empty) continue;
      for (const std::size_t band : request.bands) {
        touch_band(source, op.info(), band, request.region, worker);
      }
    }
    ++touches_;  // a chunk without any takes time, too
  }

  std::vector<BlockReads> take() {
    std::vector<BlockReads> out;
    for (Source& source : sources_) {
      source.reads.distinct = static_cast<std::int64_t>(source.seen.size());
      out.push_back(source.reads);
    }
    return out;
  }

 private:
  void touch_band(Source& source, const CubeInfo& info, std::size_t band, const Region& region,
                  int worker) {
    const StoredBlocks& stored = source.reads.blocks;
    const ChunkShape& size = stored.shape;
    const std::int64_t cell = stored.cell_bytes > 0
                                  ? stored.cell_bytes
                                  : static_cast<std::int64_t>(size_of(info.bands[band].dtype));
    const std::int64_t group = static_cast<std::int64_t>(band) / stored.bands;
    for (std::int64_t t = region.t.begin / size.t; t * size.t < region.t.end; ++t) {
      for (std::int64_t y = region.y.begin / size.y; y * size.y < region.y.end; ++y) {
        const Range rows = intersect(region.y, {y * size.y, (y + 1) * size.y});
        for (std::int64_t x = region.x.begin / size.x; x * size.x < region.x.end; ++x) {
          const Range columns = intersect(region.x, {x * size.x, (x + 1) * size.x});
          const bool few =
              stored.in_part && rows.size() * columns.size() * kSmallPart <= size.y * size.x;
          const std::int64_t row_bytes = size.t * size.x * cell * stored.bands;
          const ChunkShape& counts = source.counts;
          touch(source, ((group * counts.t + t) * counts.y + y) * counts.x + x,
                (few ? rows.end - y * size.y : size.y) * row_bytes, size.y * row_bytes, worker);
        }
      }
    }
  }

  void touch(Source& source, std::int64_t block, std::int64_t bytes, std::int64_t whole,
             int worker) {
    const auto place = static_cast<std::uint64_t>(block);
    source.seen.insert(place);
    const StoredBlocks& stored = source.reads.blocks;
    const std::uint64_t mine = source.first + static_cast<std::uint64_t>(worker) * source.blocks;
    const bool shared =
        stored.kept == StoredBlocks::Kept::kForAll && whole * kLeastShared <= keeping_.shared_bytes;
    const bool decoded = stored.kept_bytes ? own(source, worker).touch(place, whole, whole)
                         : shared          ? shared_.touch(source.first + place, bytes, whole)
                                           : gdal_.touch(mine + place, whole, whole);
    source.reads.decoded += decoded ? 1 : 0;
    ++touches_;
  }

  KeptBlocks& own(Source& source, int worker) const {
    const std::int64_t bytes = keeping_.kernels_keep ? *source.reads.blocks.kept_bytes : 0;
    return source.own.try_emplace(worker, bytes).first->second;
  }

  const Graph& graph_;
  BlockKeeping keeping_;
  std::vector<Source> sources_;
  KeptBlocks shared_;
  KeptBlocks gdal_;
  std::int64_t touches_ = 0;
};

std::string shape_text(const ChunkShape& shape, const char* between, bool slices = true) {
  std::string out = slices ? std::to_string(shape.t) + between : "";
  return out + std::to_string(shape.y) + between + std::to_string(shape.x);
}

std::string times_text(double times) { return number_text(std::round(times * 10) / 10) + " times"; }

// The source whose blocks are decoded most often, of those whose blocks are known for certain.
std::optional<BlockReads> worst(const std::vector<BlockReads>& all) {
  std::optional<BlockReads> out;
  for (const BlockReads& one : all) {
    if (one.blocks.kept == StoredBlocks::Kept::kUnknown) continue;
    if (!out || one.times() > out->times()) out = one;
  }
  return out;
}

bool is_worth_telling(const std::optional<BlockReads>& reads) {
  return reads && reads->times() >= kWorthTelling;
}

// How a plan can be changed so that blocks are decoded once; "" where nothing is found.
std::string remedy(const Plan& plan) {
  const auto helps = [](const Plan& other) { return !is_worth_telling(worst(block_reads(other))); };
  PlanOptions options = plan.options();
  options.chunk = FittingChunk{};
  const Plan fitting(plan.graph(), options);
  if (helps(fitting)) {
    return "; --chunk auto (" + shape_text(fitting.chunk_shape(), ",") + ") avoids that";
  }
  constexpr std::int64_t kKeepsMost = std::int64_t{2} << 30;  // more keeps no more blocks
  options.chunk = plan.chunk_shape();
  while (options.memory_bytes < kKeepsMost) {
    options.memory_bytes = std::min(2 * options.memory_bytes, kKeepsMost);
    if (!helps(Plan(plan.graph(), options))) continue;
    return "; with --memory " + std::to_string(options.memory_bytes >> 20) + "M they would be kept";
  }
  return {};
}

}  // namespace

std::vector<BlockReads> block_reads(const Graph& graph, const ChunkShape& shape,
                                    const BlockKeeping& keeping) {
  const CubeInfo& cube = graph.info();
  Follower follower(graph, keeping);
  if (!follower.has_sources() || cube.extent().empty()) return {};
  const ChunkShape counts{ceil_div(cube.time.size(), shape.t), ceil_div(cube.grid.height, shape.y),
                          ceil_div(cube.grid.width, shape.x)};
  ChunkQueue queue(counts, keeping.workers);
  while (queue.left() > 0 && follower.touches() < kMostTouches) {
    for (int worker = 0; worker < keeping.workers; ++worker) {
      const auto chunk = queue.next(worker);
      if (!chunk) break;
      const std::int64_t x = *chunk % counts.x * shape.x;
      const std::int64_t y = *chunk / counts.x % counts.y * shape.y;
      const std::int64_t t = *chunk / counts.x / counts.y * shape.t;
      follower.chunk(
          intersect(cube.extent(), {{t, t + shape.t}, {y, y + shape.y}, {x, x + shape.x}}), worker);
    }
  }
  return follower.take();
}

std::vector<BlockReads> block_reads(const Plan& plan) {
  // The program gives half of it to each; see Plan::cache_bytes().
  const std::int64_t half = plan.cache_bytes() / 2;
  return block_reads(
      plan.graph(), plan.chunk_shape(),
      {.workers = plan.useful(plan.threads()), .shared_bytes = half, .gdal_bytes = half});
}

std::optional<Note> block_reads_note(const Plan& plan) {
  const auto reads = worst(block_reads(plan));
  if (!is_worth_telling(reads)) return std::nullopt;
  const ChunkShape& block = reads->blocks.shape;
  return Note{plan.graph().nodes[reads->node].where,
              "each block of the files is decoded about " + times_text(reads->times()) +
                  ": chunks of " + shape_text(plan.chunk_shape(), ",") + " cut their blocks of " +
                  shape_text(block, " x ", block.t > 1) + remedy(plan)};
}

std::string chunk_text(const Graph& graph) {
  if (graph.info().extent().empty() || !choose_chunk(graph)) return {};
  const ChunkShape shape = best_chunk(graph);
  std::int64_t widest = 0;
  for (const BandInfo& band : graph.info().bands) {
    widest = std::max(widest, static_cast<std::int64_t>(size_of(band.dtype)));
  }
  const auto reads = block_reads(graph, shape, {.kernels_keep = false});
  const bool whole = std::ranges::all_of(reads, [](const auto& r) { return r.times() <= 1; });
  return "chunk   " + shape_text(shape, " x ") + " (t, y, x), " +
         bytes_text(static_cast<double>(shape.cells() * widest)) + " a band: " +
         (whole ? "whole blocks" : "parts of blocks, which are too large or do not fit") + "\n";
}

}  // namespace cube
