#include <nlohmann/json.hpp>
#include <set>

#include "graphs/document.h"
#include "graphs/json_text.h"
#include "graphs/json_writer.h"
#include "graphs/resolve.h"

namespace cube {

namespace {

using Json = nlohmann::ordered_json;

// Names for the nodes that several others read: the user's, else "cube1", "cube2", ...; "" for
// nodes that stand inline. Two nodes never share a name, as a document's names are unique.
std::vector<std::string> shared_names(const ResolvedGraph& graph) {
  std::vector<int> readers(graph.nodes.size());
  std::set<std::string> taken;
  for (const ResolvedNode& node : graph.nodes) {
    for (const std::size_t input : node.inputs) ++readers[input];
    taken.insert(node.name);
  }
  std::vector<std::string> names(graph.nodes.size());
  int number = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (readers[i] < 2) continue;
    names[i] = graph.nodes[i].name;
    while (names[i].empty()) {
      const std::string name = "cube" + std::to_string(++number);
      if (!taken.contains(name)) names[i] = name;
    }
  }
  return names;
}

// `inputs` are the JSON of the node's inputs.
Json node_json(const ResolvedNode& node, std::vector<Json> inputs,
               const std::filesystem::path& folder) {
  Json json = Json::object();
  json["cube_type"] = node.type->id;
  json.update(JsonWriter(folder).write(*node.params));
  auto next = inputs.begin();
  for (std::size_t i = 0; i < node.type->inputs.size(); ++i) {
    const InputKey& key = node.type->inputs[i];
    if (key.or_file && node.per_input[i] == 0) continue;
    if (!key.many) {
      json[key.name] = std::move(*next++);
      continue;
    }
    Json list = Json::array();
    for (std::size_t k = 0; k < node.per_input[i]; ++k) list.push_back(std::move(*next++));
    json[key.name] = std::move(list);
  }
  return json;
}

std::string text_of(const ResolvedGraph& graph, const std::filesystem::path& folder) {
  const std::vector<std::string> names = shared_names(graph);
  Json cubes = Json::object();
  std::vector<Json> inline_nodes(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    std::vector<Json> inputs;
    for (const std::size_t input : graph.nodes[i].inputs) {
      inputs.push_back(names[input].empty() ? std::move(inline_nodes[input]) : Json(names[input]));
    }
    Json json = node_json(graph.nodes[i], std::move(inputs), folder);
    (names[i].empty() ? inline_nodes[i] : cubes[names[i]]) = std::move(json);
  }
  Json top = std::move(inline_nodes[graph.result]);
  if (!cubes.empty()) {
    top = Json{{"version", 1}, {"cubes", std::move(cubes)}, {"result", std::move(top)}};
  }
  return top.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string canonical_text(const Document& document, const Registry& registry,
                           const std::filesystem::path& folder) {
  return text_of(resolve(document, registry, SavedCubes::kKeep), folder);
}

std::string whole_text(const Document& document, const Registry& registry,
                       const std::filesystem::path& folder) {
  return text_of(resolve(document, registry, SavedCubes::kFollow), folder);
}

}  // namespace cube
