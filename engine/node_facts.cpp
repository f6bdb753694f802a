#include "engine/node_facts.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "engine/demand.h"

namespace cube {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

ChunkShape shape_of(const Region& region) {
  return {region.t.size(), region.y.size(), region.x.size()};
}

// How many pieces of a shape a region is cut into.
std::int64_t pieces(const ChunkShape& region, const ChunkShape& piece) {
  return ceil_div(region.t, piece.t) * ceil_div(region.y, piece.y) * ceil_div(region.x, piece.x);
}

ChunkShape smaller(const ChunkShape& a, const ChunkShape& b) {
  return {std::min(a.t, b.t), std::min(a.y, b.y), std::min(a.x, b.x)};
}

// The first piece of a region.
Region first(const Region& region, const ChunkShape& shape) {
  const auto cut = [](const Range& range, std::int64_t size) {
    return Range{range.begin, std::min(range.end, range.begin + size)};
  };
  return {cut(region.t, shape.t), cut(region.y, shape.y), cut(region.x, shape.x)};
}

// Cells that are asked for in pieces.
struct Asked {
  Request all;
  ChunkShape at_a_time;
  std::int64_t requests = 1;

  Request piece() const { return {first(all.region, at_a_time), all.bands}; }
};

// Follows the requests of a chunk back to the sources.
class Tracer {
 public:
  Tracer(const Graph& graph, std::vector<NodeFacts>& facts)
      : graph_(graph),
        facts_(facts),
        consumers_(graph.consumers()),
        takes_series_(graph.takes_series()),
        known_(graph.nodes.size()) {}

  void visit(std::size_t node, Asked asked) {
    if (asked.all.region.empty() || asked.all.bands.empty()) return;
    const Operator& op = *graph_.nodes[node].op;
    if (op.wants_series()) at_once(asked);
    if ((consumers_[node] > 1 || op.wants_series()) && !is_new(node, asked.all)) return;
    count(node, asked);
    for (std::size_t i = 0; i < graph_.nodes[node].inputs.size(); ++i) {
      visit(graph_.nodes[node].inputs[i], pulled(node, asked, i));
    }
  }

 private:
  // Series are made for all slices that are demanded, whoever asks first.
  static void at_once(Asked& asked) {
    const ChunkShape all = shape_of(asked.all.region);
    asked.requests = std::max<std::int64_t>(1, asked.requests / ceil_div(all.t, asked.at_a_time.t));
    asked.at_a_time.t = all.t;
  }

  // False when another consumer has asked for it already; takes those bands off that it has.
  bool is_new(std::size_t node, Request& request) {
    std::vector<Request>& known = known_[node];
    std::erase_if(request.bands, [&](std::size_t band) {
      return std::any_of(known.begin(), known.end(), [&](const Request& other) {
        return other.region.contains(request.region) &&
               std::find(other.bands.begin(), other.bands.end(), band) != other.bands.end();
      });
    });
    if (request.bands.empty()) return false;
    known.push_back(request);
    return true;
  }

  void count(std::size_t node, const Asked& asked) {
    const Operator& op = *graph_.nodes[node].op;
    const Request piece = asked.piece();
    const auto bands = static_cast<std::int64_t>(asked.all.bands.size());
    NodeFacts& facts = facts_[node];
    facts.requests += asked.requests;
    facts.cells += asked.all.region.cells() * bands;
    const ChunkShape shape = shape_of(piece.region);
    if (shape.cells() > facts.request.cells()) facts.request = shape;
    std::int64_t bytes = op.cost(piece).scratch_bytes;
    for (const std::size_t band : asked.all.bands) {
      bytes += static_cast<std::int64_t>(size_of(op.info().bands[band].dtype)) * shape.cells();
    }
    facts.peak_bytes = std::max(facts.peak_bytes, bytes);
    facts.read_bytes += op.cost(asked.all).read_bytes;
  }

  // What the node pulls of its input.
  Asked pulled(std::size_t node, const Asked& asked, std::size_t input) const {
    const Graph::Node& n = graph_.nodes[node];
    const Request piece = asked.piece();
    const Request wanted = n.op->demand(piece, input);
    Asked out{n.op->demand(asked.all, input), shape_of(wanted.region), asked.requests};
    if (wanted.region.empty()) return out;
    const auto pull = takes_series_[n.inputs[input]] ? n.op->pulls_series(piece, input)
                                                     : n.op->pulls(piece, input);
    if (!pull) return out;
    const ChunkShape all = out.at_a_time;
    const ChunkShape most = pull->rows > 0 ? ChunkShape{pull->slices, pull->rows, pull->columns}
                                           : ChunkShape{pull->slices, all.y, all.x};
    out.at_a_time = smaller(all, most);
    out.requests *= pieces(all, out.at_a_time);
    return out;
  }

  const Graph& graph_;
  std::vector<NodeFacts>& facts_;
  std::vector<std::size_t> consumers_;
  std::vector<bool> takes_series_;
  std::vector<std::vector<Request>> known_;  // of nodes whose blocks are kept
};

}  // namespace

NodeKind kind_of(const Graph& graph, std::size_t node) {
  const Graph::Node& n = graph.nodes[node];
  if (n.inputs.empty()) return NodeKind::kSource;
  if (n.inputs.size() > 1) return NodeKind::kMerge;
  const CubeInfo& out = n.op->info();
  const CubeInfo& in = graph.nodes[n.inputs[0]].op->info();
  if (out.time != in.time) return NodeKind::kTime;
  if (!grid_difference(out.grid, in.grid).empty()) return NodeKind::kSpace;
  // A cell in the middle, where no edge is near.
  const Region all = out.extent();
  const auto middle = [](const Range& range) {
    const std::int64_t at = range.begin + range.size() / 2;
    return Range{at, std::min(range.end, at + 1)};
  };
  const Region cell{middle(all.t), middle(all.y), middle(all.x)};
  const Region wanted = n.op->demand(all_bands(out, cell), 0).region;
  if (!wanted.empty() && wanted.t != cell.t) return NodeKind::kTime;
  if (!wanted.empty() && wanted != cell) return NodeKind::kSpace;
  return NodeKind::kPixel;
}

const char* name(NodeKind kind) {
  switch (kind) {
    case NodeKind::kSource:
      return "source";
    case NodeKind::kTime:
      return "time";
    case NodeKind::kSpace:
      return "space";
    case NodeKind::kMerge:
      return "merge";
    case NodeKind::kPixel:
      break;
  }
  return "pixel";
}

std::vector<NodeFacts> node_facts(const Plan& plan) {
  const Graph& graph = plan.graph();
  std::vector<NodeFacts> facts(graph.nodes.size());
  for (std::int64_t chunk = 0; chunk < plan.chunks(); ++chunk) {
    const Request request = all_bands(plan.info(), plan.region(chunk));
    Tracer(graph, facts).visit(graph.result, {request, shape_of(request.region)});
  }
  const auto demands = demanded(graph, graph.result, all_bands(plan.info(), plan.info().extent()));
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const Operator& op = *graph.nodes[i].op;
    facts[i].kind = kind_of(graph, i);
    facts[i].images = static_cast<std::int64_t>(op.source_names().size());
    if (demands[i].region.empty() || demands[i].bands.empty()) continue;
    const Cost cost = op.cost(demands[i]);
    facts[i].files = static_cast<std::int64_t>(
        std::set<std::string_view>(cost.files.begin(), cost.files.end()).size());
  }
  return facts;
}

std::size_t node_at(const Graph& graph, const std::string& where) {
  std::size_t found = graph.result;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::string& node = graph.nodes[i].where;
    const bool inside = where.starts_with(node) &&
                        (where.size() == node.size() || where[node.size()] == '/' || node.empty());
    if (!inside || node.size() < longest) continue;
    found = i;
    longest = node.size();
  }
  return found;
}

}  // namespace cube
