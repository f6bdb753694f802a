#include "riding.h"

#include <algorithm>
#include <set>
#include <utility>

namespace cube::python {

namespace {

using Taken = std::set<std::pair<std::size_t, std::size_t>>;  // input, band of it

Taken taken_for(const Graph& graph, std::size_t band) {
  const Graph::Node& last = graph.nodes[graph.result];
  Taken taken;
  for (std::size_t input = 0; input < last.inputs.size(); ++input) {
    const Request request = last.op->demand({graph.info().extent(), {band}}, input);
    for (const std::size_t one : request.bands) taken.emplace(input, one);
  }
  if (last.inputs.empty()) taken.emplace(0, band);
  return taken;
}

}  // namespace

std::vector<std::vector<std::size_t>> riding_bands(const Graph& graph) {
  std::vector<Taken> taken;
  for (std::size_t band = 0; band < graph.info().bands.size(); ++band) {
    taken.push_back(taken_for(graph, band));
  }
  std::vector<std::vector<std::size_t>> riding(taken.size());
  for (std::size_t a = 0; a < taken.size(); ++a) {
    for (std::size_t b = 0; b < taken.size(); ++b) {
      if (std::ranges::includes(taken[a], taken[b])) riding[a].push_back(b);
    }
  }
  return riding;
}

}  // namespace cube::python
