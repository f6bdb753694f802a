#include "related.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "engine/demand.h"

namespace cube::python {

namespace {

// What computing one band reads: "node/band" and "node:file".
std::set<std::string> read_for(const Graph& graph, const Region& region, std::size_t band) {
  std::set<std::string> read;
  const std::vector<Request> requests = demanded(graph, graph.result, {region, {band}});
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Request& request = requests[i];
    if (!graph.nodes[i].inputs.empty() || request.region.empty()) continue;
    const std::string node = std::to_string(i);
    for (const std::size_t source : request.bands) read.insert(node + "/" + std::to_string(source));
    for (const std::string_view file : graph.nodes[i].op->cost(request).files) {
      read.insert(node + ":" + std::string(file));
    }
  }
  return read;
}

bool share(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::ranges::any_of(a, [&](const std::string& item) { return b.contains(item); });
}

}  // namespace

std::vector<std::vector<std::size_t>> related_bands(const Cube& cube) {
  const std::size_t count = cube.info().bands.size();
  const Region middle = cube.plan().region(cube.plan().chunks() / 2);
  std::vector<std::set<std::string>> read;
  for (std::size_t band = 0; band < count; ++band) {
    read.push_back(read_for(cube.graph(), middle, band));
  }
  std::vector<std::vector<std::size_t>> related(count);
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b < count; ++b) {
      if (a == b || share(read[a], read[b])) related[a].push_back(b);
    }
  }
  return related;
}

}  // namespace cube::python
