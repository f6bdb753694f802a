#include "engine/evaluator.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "engine/demand.h"
#include "engine/error.h"
#include "engine/stopwatch.h"
#include "engine/text.h"

namespace cube {

// What one node pulls from.
class Evaluator::NodeInputs final : public Inputs {
 public:
  NodeInputs(Evaluator& evaluator, std::size_t node) : evaluator_(evaluator), node_(node) {}

  Chunk pull(std::size_t i, const Request& request) override {
    evaluator_.check_cancelled();
    return evaluator_.pull(evaluator_.graph_.nodes[node_].inputs[i], request);
  }
  void pull_pieces(std::size_t i, std::span<const Request> pieces,
                   const std::function<void(const Chunk&)>& take) override {
    evaluator_.pull_pieces(evaluator_.graph_.nodes[node_].inputs[i], pieces, take);
  }
  bool takes_series(std::size_t i) const override {
    return evaluator_.takes_series_[evaluator_.graph_.nodes[node_].inputs[i]];
  }
  ImageReader& images() override {
    evaluator_.check_cancelled();
    return evaluator_.images();
  }
  void skipped(SkippedImage image) override {
    evaluator_.check_cancelled();  // who waited for a server may have been told to stop
    evaluator_.skipped_.push_back({without_queries(image.image), without_queries(image.reason)});
  }
  void spent(Stage stage, double seconds) override {
    evaluator_.stats_[node_].stages[stage] += seconds;
    told_ += seconds;
  }
  void decoded(std::int64_t blocks) override { evaluator_.blocks_decoded_ += blocks; }
  double told() const { return told_; }
  bool cancelled() const override { return evaluator_.cancelled_ && evaluator_.cancelled_(); }

 private:
  Evaluator& evaluator_;
  std::size_t node_;
  double told_ = 0;
};

Evaluator::Evaluator(const Graph& graph, const Resources& resources,
                     std::function<bool()> cancelled, PieceBoard* board)
    : graph_(graph),
      resources_(resources),
      cancelled_(std::move(cancelled)),
      board_(board),
      kernels_(graph.nodes.size()),
      takes_series_(graph.takes_series()),
      kept_(graph.nodes.size()),
      stats_(graph.nodes.size()) {
  const std::vector<std::size_t> consumers = graph.consumers();
  for (std::size_t i = 0; i < consumers.size(); ++i) {
    const bool series = graph.nodes[i].op->wants_series();
    shared_.push_back(consumers[i] > 1 || series);
    wants_series_ = wants_series_ || series;
  }
}

Evaluator::~Evaluator() = default;

Chunk Evaluator::evaluate(std::size_t node, const Request& request) {
  if (wants_series_) demanded_ = demanded(graph_, node, request);
  return pull(node, request);
}

Chunk Evaluator::pull(std::size_t node, const Request& request) {
  assert(graph_.nodes[node].op->info().extent().contains(request.region));
  if (request.region.empty() || request.bands.empty()) {
    return {request.region, std::vector<BlockPtr>(request.bands.size())};
  }
  return shared_[node] ? evaluate_shared(node, request) : compute(node, request);
}

void Evaluator::pull_pieces(std::size_t node, std::span<const Request> pieces,
                            const std::function<void(const Chunk&)>& take) {
  if (board_ && pieces.size() > 1) {
    const auto compute = [this](std::size_t n, const Request& r) { return evaluate_piece(n, r); };
    const double waited = board_->pull(node, pieces, compute, take);
    waited_ += waited;
    inner_seconds_ += waited;
    return;
  }
  for (const Request& piece : pieces) take(evaluate_piece(node, piece));
}

Chunk Evaluator::evaluate_parts(std::size_t node, const Region& region,
                                std::span<const Request> parts) {
  if (parts.size() == 1) return evaluate(node, parts[0]);
  std::vector<std::shared_ptr<Block>> joined(parts[0].bands.size());
  pull_pieces(node, parts, [&](const Chunk& part) {
    for (std::size_t i = 0; i < joined.size(); ++i) {
      if (!part.bands[i]) continue;
      if (!joined[i]) joined[i] = std::make_shared<Block>(region, part.bands[i]->storage());
      joined[i]->copy_from(*part.bands[i]);
    }
  });
  return {region, {joined.begin(), joined.end()}};
}

Chunk Evaluator::evaluate_piece(std::size_t node, const Request& request) {
  check_cancelled();
  // Goes back to what was kept and demanded before, also when the piece fails.
  struct Outer {
    explicit Outer(Evaluator& e) : evaluator(e), demanded(e.demanded_) {
      for (const std::vector<Kept>& kept : evaluator.kept_) sizes.push_back(kept.size());
    }
    ~Outer() {
      evaluator.demanded_ = std::move(demanded);
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        std::vector<Kept>& kept = evaluator.kept_[i];
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(sizes[i]), kept.end());
      }
    }
    Evaluator& evaluator;
    std::vector<Request> demanded;
    std::vector<std::size_t> sizes;
  } outer(*this);
  return evaluate(node, request);
}

Chunk Evaluator::compute(std::size_t node, const Request& request) {
  if (!kernels_[node]) kernels_[node] = graph_.nodes[node].op->kernel();
  const double outer_seconds = std::exchange(inner_seconds_, 0);
  const Stopwatch start;
  const ImageReader::Stats before = reader_stats();
  NodeInputs inputs(*this, node);
  Chunk result = kernels_[node]->run(request, inputs);
  assert(result.region == request.region && result.bands.size() == request.bands.size());
  const double seconds = start.seconds();
  NodeStats& stats = stats_[node];
  stats.seconds += seconds - inner_seconds_;
  sort_seconds(node, seconds - inner_seconds_, inputs.told(), before);
  stats.requests += 1;
  stats.cells += request.region.cells() * static_cast<std::int64_t>(request.bands.size());
  inner_seconds_ = outer_seconds + seconds;
  return result;
}

void Evaluator::sort_seconds(std::size_t node, double seconds, double told,
                             const ImageReader::Stats& before) {
  Stages& stages = stats_[node].stages;
  double rest = seconds - told;
  if (graph_.nodes[node].inputs.empty()) {  // else sources below have read
    const ImageReader::Stats now = reader_stats();
    const auto move = [&](Stage stage, double part) {
      stages[stage] += part;
      rest -= part;
    };
    const double decoding = now.seconds_decode - before.seconds_decode;
    move(Stage::kOpen, now.seconds_open - before.seconds_open);
    move(Stage::kDecode, decoding);
    move(Stage::kRead, now.seconds_read - before.seconds_read - decoding);
    move(Stage::kWarp, now.seconds_warp - before.seconds_warp);
  }
  stages[graph_.nodes[node].op->stage()] += rest;
}

double Evaluator::accounted() const {
  double sum = waited_;
  for (const NodeStats& stats : stats_) sum += stats.seconds;
  return sum;
}

Request Evaluator::widened(std::size_t node, Request request) const {
  if (!graph_.nodes[node].op->wants_series()) return request;
  const Range& all = demanded_[node].region.t;
  Range& slices = request.region.t;
  slices = {std::min(slices.begin, all.begin), std::max(slices.end, all.end)};
  return request;
}

Chunk Evaluator::evaluate_shared(std::size_t node, const Request& request) {
  Chunk result{request.region, std::vector<BlockPtr>(request.bands.size())};
  Request lacking{widened(node, request).region, {}};
  std::vector<std::size_t> slots;
  for (std::size_t i = 0; i < request.bands.size(); ++i) {
    const Kept* found = nullptr;
    for (const Kept& kept : kept_[node]) {
      if (kept.band == request.bands[i] && kept.region.contains(request.region)) found = &kept;
    }
    if (found) {
      result.bands[i] = crop(found->block, request.region);
    } else {
      lacking.bands.push_back(request.bands[i]);
      slots.push_back(i);
    }
  }
  if (lacking.bands.empty()) return result;
  const Chunk made = compute(node, lacking);
  for (std::size_t k = 0; k < slots.size(); ++k) {
    result.bands[slots[k]] = crop(made.bands[k], request.region);
    kept_[node].push_back({lacking.region, lacking.bands[k], made.bands[k]});
  }
  return result;
}

void Evaluator::forget() {
  for (std::vector<Kept>& kept : kept_) kept.clear();
}

void Evaluator::check_cancelled() const {
  if (cancelled_ && cancelled_()) throw Error(ErrorCode::kCancelled, "stopped");
}

ImageReader& Evaluator::images() {
  if (!reader_) {
    if (!resources_.make_reader) {
      throw Error(ErrorCode::kInternal, "the program gives the engine no image reader");
    }
    reader_ = resources_.make_reader();
  }
  return *reader_;
}

ImageReader::Stats Evaluator::reader_stats() const {
  ImageReader::Stats stats = reader_ ? reader_->stats() : ImageReader::Stats{};
  stats.blocks_decoded += blocks_decoded_;
  return stats;
}

}  // namespace cube
