#include "engine/plan.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/chunk_choice.h"
#include "engine/demand.h"
#include "engine/error.h"
#include "engine/limits.h"
#include "engine/text.h"
#include "engine/tiling.h"

namespace cube {

namespace {

constexpr ChunkShape kDefaultChunk{1, 512, 512};
// Where no source has blocks, smaller chunks than this cost more.
constexpr ChunkShape kLeastChunk{1, 128, 128};
// Program, libraries, PROJ's database, allocator slack.
constexpr std::int64_t kProgramBytes = std::int64_t{72} << 20;
// Open files, transformers and stacks of one worker.
constexpr std::int64_t kWorkerBytes = std::int64_t{8} << 20;
constexpr std::int64_t kCacheShare = 8;  // of the budget, one part
constexpr std::int64_t kMinCache = std::int64_t{8} << 20;
constexpr std::int64_t kMaxCache = std::int64_t{256} << 20;
// A worker that can hold less is given less, as long as that takes no block to be decoded twice.
constexpr std::int64_t kEnoughBytes = std::int64_t{96} << 20;
// Chunks a worker should have, so that none waits long for the last.
constexpr std::int64_t kChunksPerThread = 4;
// The same for chunks of several short slices, whose costs differ more: some have no image.
constexpr std::int64_t kLongChunksPerThread = 16;
// The last chunks are computed in parts, so that all workers end at about the same time.
constexpr std::int64_t kPartsPerThread = 2;
constexpr std::int64_t kPartRows = 64;  // at least
// Chunks looked at to find the dearest one when a shape is chosen.
constexpr std::int64_t kProbes = 64;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t bytes_of(const CubeInfo& info, const Request& request) {
  std::int64_t cell = 0;
  for (const std::size_t band : request.bands) {
    cell += static_cast<std::int64_t>(size_of(info.bands[band].dtype));
  }
  return cell * request.region.cells();
}

bool wants_nothing(const Request& request) {
  return request.region.empty() || request.bands.empty();
}

// The first slices of a request.
Request first_slices(Request request, std::int64_t slices) {
  request.region.t.end = std::min(request.region.t.end, request.region.t.begin + slices);
  return request;
}

// As --memory takes it, not rounded down.
std::string megabytes_text(std::int64_t bytes) {
  constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;
  return std::to_string(ceil_div(bytes, kMegabyte)) + "M";
}

ChunkShape clipped(const ChunkShape& shape, const CubeInfo& info) {
  const auto clip = [](std::int64_t want, std::int64_t size) {
    return std::clamp<std::int64_t>(want, 1, std::max<std::int64_t>(1, size));
  };
  return {clip(shape.t, info.time.size()), clip(shape.y, info.grid.height),
          clip(shape.x, info.grid.width)};
}

// Halves the longest side; false when there is nothing left to halve. Large sides stay multiples
// of what tiles of outputs are made of, so that each tile is written by one chunk.
bool halve(ChunkShape& shape) {
  std::int64_t* side = shape.t > 1 ? &shape.t : shape.y >= shape.x ? &shape.y : &shape.x;
  if (*side == 1) return false;
  const std::int64_t half = ceil_div(*side, 2);
  const std::int64_t step = side == &shape.t ? 1 : half > 256 ? 256 : half > 64 ? 64 : 1;
  *side = ceil_div(half, step) * step;
  return true;
}

// Cells of a slice that a chunk of whole series has at least, where the budget allows it.
constexpr std::int64_t kSeriesCells = std::int64_t{1} << 14;
// And where it does not: below these the series is cut. That saves little, as all of it is needed
// for each part, and takes the work again for each.
constexpr std::int64_t kLeastSeriesCells = std::int64_t{1} << 10;

// The same for chunks of whole series: rows and columns first.
bool halve_series(ChunkShape& shape) {
  if (shape.y * shape.x <= kLeastSeriesCells) return halve(shape);
  ChunkShape slice{1, shape.y, shape.x};
  halve(slice);
  shape.y = slice.y;
  shape.x = slice.x;
  return true;
}

// Halves the longer side in multiples of `least`; false when there is nothing left to halve.
bool halve_blocks(ChunkShape& shape, const ChunkShape& least) {
  const std::int64_t down = ceil_div(shape.y, least.y);
  const std::int64_t across = ceil_div(shape.x, least.x);
  if (down == 1 && across == 1) return false;
  if (across == 1 || (down > 1 && shape.y >= shape.x)) {
    shape.y = ceil_div(down, 2) * least.y;
  } else {
    shape.x = ceil_div(across, 2) * least.x;
  }
  return true;
}

// Several slices in a chunk where a slice is small: the series of a pixel in few chunks, of which
// each thread still has some.
void lengthen(ChunkShape& shape, const CubeInfo& cube, std::int64_t chunks) {
  constexpr std::int64_t kFewCells = std::int64_t{1} << 16;
  if (shape.y < cube.grid.height || shape.x < cube.grid.width) return;
  const std::int64_t most = std::max<std::int64_t>(1, kFewCells / (shape.y * shape.x));
  shape.t = std::max(shape.t, std::min(most, ceil_div(cube.time.size(), chunks)));
}

// One walk over what a request needs, from consumers back to sources. A node that two consumers
// read is counted once, as it is computed once.
class Walk {
 public:
  // `files` is filled when given.
  explicit Walk(const Graph& graph, std::unordered_set<std::string_view>* files = nullptr)
      : graph_(graph), files_(files), seen_(graph.nodes.size()) {}

  std::int64_t read_bytes() const { return read_bytes_; }
  std::int64_t images() const { return images_; }

  // Adds the costs of `request` of `node`; true when its cells are surely all missing.
  bool visit(std::size_t node, const Request& request) {
    if (wants_nothing(request)) return true;
    for (const auto& [known, empty] : seen_[node]) {
      if (known == request) return empty;
    }
    const bool empty = visit_first(node, request);
    seen_[node].emplace_back(request, empty);
    return empty;
  }

 private:
  bool visit_first(std::size_t node, const Request& request) {
    const Graph::Node& n = graph_.nodes[node];
    const Cost cost = n.op->cost(request);
    read_bytes_ += cost.read_bytes;
    images_ += cost.images;
    if (files_) files_->insert(cost.files.begin(), cost.files.end());
    if (n.inputs.empty()) return cost.empty;
    bool empty = n.op->passes_emptiness();
    for (std::size_t i = 0; i < n.inputs.size(); ++i) {
      if (!visit(n.inputs[i], n.op->demand(request, i))) empty = false;
    }
    return empty;
  }

  const Graph& graph_;
  std::unordered_set<std::string_view>* files_;
  std::int64_t read_bytes_ = 0;
  std::int64_t images_ = 0;
  std::vector<std::vector<std::pair<Request, bool>>> seen_;  // of each node, and if it is empty
};

}  // namespace

std::vector<std::size_t> Graph::consumers() const {
  std::vector<std::size_t> counts(nodes.size());
  for (const Node& node : nodes) {
    for (const std::size_t input : node.inputs) ++counts[input];
  }
  return counts;
}

bool Graph::reads_remote() const {
  return std::ranges::any_of(nodes, [](const Node& node) { return node.op->reads_remote(); });
}

std::vector<bool> Graph::takes_series() const {
  std::vector<bool> out;
  for (const Node& node : nodes) {
    const bool below = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [&](std::size_t input) { return out[input]; });
    out.push_back(below || node.op->wants_series());
  }
  return out;
}

Plan::Plan(Graph graph, const PlanOptions& options)
    : graph_(std::move(graph)),
      options_(options),
      threads_(std::max(1, options.threads)),
      consumers_(graph_.consumers()),
      takes_series_(graph_.takes_series()) {
  choose_shape();
  if (chunks() <= limits::kChunks) return;
  throw Error(ErrorCode::kInvalid,
              "the result would be computed in " + std::to_string(chunks()) + " chunks",
              options.chunk ? "--chunk" : "",
              "at most " + std::to_string(limits::kChunks) +
                  "; larger ones, or a part of the cube at a time");
}

// By the command line, else by the first source that says it.
std::optional<ChunkWish> Plan::chunk_asked_for() const {
  // What suits files says nothing about chunks of features.
  const bool fits_files = options_.chunk && std::holds_alternative<FittingChunk>(*options_.chunk);
  if (options_.chunk && !(fits_files && info().grid.features)) return options_.chunk;
  for (const Graph::Node& node : graph_.nodes) {
    // A shape in cells does not either, nor the other way round.
    if (node.op->info().grid.features != info().grid.features) continue;
    if (const auto wish = node.op->preferred_chunk()) return wish;
  }
  return std::nullopt;
}

void Plan::choose_shape() {
  if (options_.fixed_chunk) {
    const auto never = [] { return false; };
    shape_ = *options_.fixed_chunk;
    return fit(never, never);
  }
  const std::optional<ChunkWish> asked = chunk_asked_for();
  const ChunkShape* given = asked ? std::get_if<ChunkShape>(&*asked) : nullptr;
  const auto choice = given ? std::nullopt : choose_chunk(graph_, options_.sink_tile);
  const ChunkShape least = clipped(choice ? choice->least : kLeastChunk, info());
  shape_ = clipped(choice  ? choice->preferred
                   : given ? *given
                           : in_tiles(kDefaultChunk, options_.sink_tile),
                   info());
  const auto wants_smaller = [&] {
    return chunks() < kChunksPerThread * options_.threads || dearest_bytes() > kEnoughBytes;
  };
  while (choice && !asked && wants_smaller() && halve_blocks(shape_, least)) {
  }
  if (!asked) lengthen(shape_, info(), kLongChunksPerThread * options_.threads);
  const bool as_told = options_.chunk && std::holds_alternative<ChunkShape>(*options_.chunk);
  const bool series =
      !as_told && std::any_of(graph_.nodes.begin(), graph_.nodes.end(),
                              [](const Graph::Node& node) { return node.op->wants_series(); });
  if (series) take_series();
  fit(
      [&] {
        if (series) return shape_.y * shape_.x > kSeriesCells && halve_series(shape_);
        if (choice) return halve_blocks(shape_, least);
        return shape_.cells() > least.cells() && halve(shape_);
      },
      [&] { return series ? halve_series(shape_) : halve(shape_); });
}

void Plan::fit(const std::function<bool()>& cut_freely, const std::function<bool()>& cut) {
  while (true) {
    const std::int64_t dearest = dearest_bytes();
    const auto fits = [&] { return dearest * threads_ <= options_.memory_bytes - base_bytes(); };
    if (fits()) return;
    if (!cut_freely()) {
      while (threads_ > 1 && !fits()) --threads_;
      if (fits()) return;
      if (!cut()) break;
    }
    chunk_reduced_ = true;
  }
  throw Error(ErrorCode::kInvalid,
              "a memory budget of " + bytes_text(static_cast<double>(options_.memory_bytes)) +
                  " is too small for this graph" +
                  (options_.fixed_chunk ? " in the chunks that other parts have" : ""),
              "--memory", "it takes " + megabytes_text(least_budget()));
}

// The budget that the shape at hand fits into. Of a larger one the cache takes its share.
std::int64_t Plan::least_budget() const {
  const std::int64_t without_cache = base_bytes() - cache_bytes() + dearest_bytes() * threads_;
  return without_cache + std::clamp(ceil_div(without_cache, kCacheShare - 1), kMinCache, kMaxCache);
}

// All slices in a chunk, and fewer cells of each: chunks of some slices would take whole series for
// each of them.
void Plan::take_series() {
  shape_.t = std::max<std::int64_t>(1, info().time.size());
  const auto wants_smaller = [&] {
    return chunks() < kChunksPerThread * options_.threads || dearest_bytes() > kEnoughBytes;
  };
  while (shape_.y * shape_.x > kSeriesCells && wants_smaller() && halve_series(shape_)) {
  }
}

std::int64_t Plan::dearest_bytes() const {
  const std::int64_t count = chunks();
  std::int64_t dearest = 0;
  for (std::int64_t probe = 0; probe < std::min(kProbes, count); ++probe) {
    const std::int64_t chunk = count <= kProbes ? probe : probe * (count - 1) / (kProbes - 1);
    const Request request = all_bands(info(), region(chunk));
    dearest = std::max(dearest, peak_bytes(graph_.result, request));
  }
  return dearest + options_.sink_bytes_per_write(shape_);
}

std::int64_t Plan::chunks() const { return chunk_counts().cells(); }

ChunkShape Plan::chunk_counts() const { return Tiling{info().extent(), shape_}.counts(); }

Region Plan::region(std::int64_t chunk) const {
  return Tiling{info().extent(), shape_}.region(chunk);
}

std::vector<Request> Plan::parts(std::int64_t chunk, int threads) const {
  const Request whole = all_bands(info(), region(chunk));
  const Range& rows = whole.region.y;
  const std::int64_t most = std::min(kPartsPerThread * threads, rows.size() / kPartRows);
  if (threads == 1 || most < 2 || info().grid.features) return {whole};
  std::vector<Request> parts;
  std::int64_t dearest = 0;
  std::int64_t read_bytes = 0;
  for (std::int64_t i = 0; i < most; ++i) {
    parts.push_back(whole);
    parts.back().region.y = {rows.begin + i * rows.size() / most,
                             rows.begin + (i + 1) * rows.size() / most};
    dearest = std::max(dearest, peak_bytes(graph_.result, parts.back()));
    read_bytes += bytes_read(parts.back());
  }
  // They are put together in a block of the chunk's size.
  const bool fit = bytes_of(info(), whole) + dearest <= peak_bytes(graph_.result, whole);
  const bool few = read_bytes <= bytes_read(whole) / 4 * 5;
  return fit && few ? parts : std::vector{whole};
}

std::int64_t Plan::bytes_read(const Request& request) const {
  Walk walk(graph_);
  walk.visit(graph_.result, request);
  return walk.read_bytes();
}

int Plan::useful(int threads) const {
  const auto in_pieces = [](const Graph::Node& node) {
    const Request all = all_bands(node.op->info(), node.op->info().extent());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const auto pull = node.op->pulls(all, i);
      if (pull && pull->rows > 0) return true;
    }
    return false;
  };
  const std::int64_t count = chunks();
  const bool help = std::any_of(graph_.nodes.begin(), graph_.nodes.end(), in_pieces) ||
                    (count > 0 && parts(0, threads).size() > 1);
  return help ? threads : static_cast<int>(std::clamp<std::int64_t>(count, 1, threads));
}

std::int64_t Plan::peak_bytes(std::size_t node, const Request& request) const {
  return peak_bytes(node, request, request.region.t.size());
}

// The same when the cells are asked for in requests of `slices` slices, one after the other.
std::int64_t Plan::peak_bytes(std::size_t node, Request request, std::int64_t slices) const {
  if (wants_nothing(request)) return 0;
  const Graph::Node& n = graph_.nodes[node];
  const CubeInfo& made = n.op->info();
  const bool shared = consumers_[node] > 1;  // the blocks are kept for the next consumer
  if (n.op->wants_series()) {  // made once, for all that is pulled, by whichever consumer
    if (shared) request.region.t = made.extent().t;
    slices = request.region.t.size();
  }
  const std::int64_t all = request.region.t.size();
  const std::int64_t held = shared && slices < all ? filled_slices(node, request) * slices : slices;
  const Request part = first_slices(request, slices);
  std::int64_t sum = bytes_of(made, first_slices(request, held)) +
                     n.op->cost(n.inputs.empty() ? request : part).scratch_bytes;
  for (std::size_t i = 0; i < n.inputs.size(); ++i) {
    const std::size_t input = n.inputs[i];
    const Request wanted = n.op->demand(request, i);
    std::int64_t at_a_time = wanted.region.t.size();
    if (const auto pull =
            takes_series_[input] ? n.op->pulls_series(request, i) : n.op->pulls(request, i)) {
      if (pull->rows > 0) {
        sum += pull->scratch_bytes + dearest_piece(input, wanted, *pull);
        continue;
      }
      at_a_time = std::min(at_a_time, pull->slices);
      // Kept blocks may have one filled slice only.
      const std::int64_t kept =
          pull->kept == 0 ? 0 : std::min(pull->kept, filled_slices(input, wanted) * at_a_time);
      sum += bytes_of(graph_.nodes[input].op->info(), first_slices(wanted, kept));
    } else if (wanted.region.t == request.region.t) {
      at_a_time = slices;
    }
    sum += peak_bytes(input, wanted, at_a_time);
  }
  return sum;
}

// The most that one of the pieces takes in which `wanted` is pulled, of pieces spread over it.
std::int64_t Plan::dearest_piece(std::size_t node, const Request& wanted,
                                 const PullPlan& pull) const {
  if (wants_nothing(wanted)) return 0;
  constexpr std::int64_t kPieces = 16;
  const Region& all = wanted.region;
  const ChunkShape counts = {ceil_div(all.t.size(), pull.slices), ceil_div(all.y.size(), pull.rows),
                             ceil_div(all.x.size(), pull.columns)};
  const std::int64_t count = counts.cells();
  std::int64_t dearest = 0;
  for (std::int64_t probe = 0; probe < std::min(kPieces, count); ++probe) {
    const std::int64_t piece = count <= kPieces ? probe : probe * (count - 1) / (kPieces - 1);
    const std::int64_t t = all.t.begin + piece / counts.x / counts.y * pull.slices;
    const std::int64_t y = all.y.begin + piece / counts.x % counts.y * pull.rows;
    const std::int64_t x = all.x.begin + piece % counts.x * pull.columns;
    const Region region = {{t, t + pull.slices}, {y, y + pull.rows}, {x, x + pull.columns}};
    dearest = std::max(dearest, peak_bytes(node, {intersect(all, region), wanted.bands}));
  }
  return dearest;
}

// How many slices of a request, asked for alone, may come as something else than null.
std::int64_t Plan::filled_slices(std::size_t node, const Request& request) const {
  if (wants_nothing(request)) return 0;
  const Graph::Node& n = graph_.nodes[node];
  const std::int64_t all = request.region.t.size();
  if (n.inputs.empty()) return std::min(all, n.op->cost(request).filled_slices.value_or(all));
  if (!n.op->passes_emptiness()) return all;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < n.inputs.size(); ++i) {
    const Request wanted = n.op->demand(request, i);
    if (wanted.region.t != request.region.t) return all;
    sum += filled_slices(n.inputs[i], wanted);
  }
  return std::min(all, sum);
}

Plan::ChunkCost Plan::cost(std::int64_t chunk) const {
  const Request request = all_bands(info(), region(chunk));
  Walk walk(graph_);
  const bool empty = walk.visit(graph_.result, request);
  return {walk.read_bytes(), walk.images(), empty ? 0 : bytes_of(info(), request)};
}

std::int64_t Plan::cache_bytes() const {
  return std::clamp(options_.memory_bytes / kCacheShare, kMinCache, kMaxCache);
}

std::int64_t Plan::base_bytes() const {
  std::int64_t bytes =
      kProgramBytes + kWorkerBytes * threads_ + cache_bytes() + options_.sink_resident_bytes;
  for (const Graph::Node& node : graph_.nodes) bytes += node.op->resident_bytes();
  return bytes;
}

Plan::Estimate Plan::estimate() const {
  Estimate out;
  out.chunks = chunks();
  std::int64_t dearest = 0;
  for (std::int64_t chunk = 0; chunk < out.chunks; ++chunk) {
    const Request request = all_bands(info(), region(chunk));
    Walk walk(graph_);
    if (walk.visit(graph_.result, request)) ++out.empty_chunks;
    out.read_bytes += walk.read_bytes();
    dearest = std::max(dearest, peak_bytes(graph_.result, request));
  }
  std::unordered_set<std::string_view> files;
  Walk whole(graph_, &files);
  const Request everything = all_bands(info(), info().extent());
  whole.visit(graph_.result, everything);
  out.files = static_cast<std::int64_t>(files.size());
  for (const Graph::Node& node : graph_.nodes) {
    out.images += static_cast<std::int64_t>(node.op->source_names().size());
  }
  out.result_bytes = bytes_of(info(), everything);
  out.peak_bytes =
      base_bytes() + useful(threads_) * (dearest + options_.sink_bytes_per_write(shape_));
  return out;
}

}  // namespace cube
