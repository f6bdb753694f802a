#include "engine/demand.h"

#include <algorithm>
#include <numeric>

namespace cube {

namespace {

void unite(Request& sum, const Request& more) {
  if (more.region.empty() || more.bands.empty()) return;
  const auto hull = [](const Range& a, const Range& b) {
    return Range{std::min(a.begin, b.begin), std::max(a.end, b.end)};
  };
  const Region& r = more.region;
  sum.region = sum.region.empty() ? r
                                  : Region{hull(sum.region.t, r.t), hull(sum.region.y, r.y),
                                           hull(sum.region.x, r.x)};
  for (const std::size_t band : more.bands) {
    if (std::find(sum.bands.begin(), sum.bands.end(), band) == sum.bands.end()) {
      sum.bands.push_back(band);
    }
  }
}

}  // namespace

Request all_bands(const CubeInfo& cube, const Region& region) {
  Request request{region, std::vector<std::size_t>(cube.bands.size())};
  std::iota(request.bands.begin(), request.bands.end(), std::size_t{0});
  return request;
}

std::vector<Request> demanded(const Graph& graph, std::size_t node, const Request& request) {
  std::vector<Request> requests(graph.nodes.size());
  requests[node] = request;
  for (std::size_t i = node + 1; i-- > 0;) {  // inputs stand before their consumers
    const Graph::Node& n = graph.nodes[i];
    if (requests[i].region.empty()) continue;
    for (std::size_t k = 0; k < n.inputs.size(); ++k) {
      unite(requests[n.inputs[k]], n.op->demand(requests[i], k));
    }
  }
  return requests;
}

}  // namespace cube
