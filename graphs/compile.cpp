#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/limits.h"
#include "engine/text.h"
#include "graphs/document.h"
#include "graphs/json_text.h"
#include "graphs/json_writer.h"
#include "graphs/resolve.h"

namespace cube {

namespace {

// True when `where` of an operator's error is a place in its node, not a file name.
bool is_place(const std::string& where, const ResolvedNode& node) {
  if (where.empty()) return true;
  const std::size_t end = where.find('/', 1);
  const std::string key = where.substr(1, end == std::string::npos ? end : end - 1);
  if (where[0] != '/') return false;
  const auto params = JsonWriter().write(*node.params);
  const auto& inputs = node.type->inputs;
  return params.contains(key) || std::any_of(inputs.begin(), inputs.end(),
                                             [&](const InputKey& i) { return i.name == key; });
}

Error placed(const Error& error, const ResolvedNode& node) {
  if (!is_place(error.where(), node)) return error.within(node.where + ": ");
  return placed_in(
      node, Error(error.code(), error.message(), node.moved.of(error.where()), error.hint()));
}

// What operators make of operators: bands of joined bands of joined bands, crops of crops.
void check_size(const CubeInfo& info) {
  const auto reject = [](const std::string& has, std::int64_t most) {
    throw Error(ErrorCode::kInvalid, "the cube has " + has, "", "at most " + std::to_string(most));
  };
  const auto bands = static_cast<std::int64_t>(info.bands.size());
  if (bands > limits::kBands) reject(counted(bands, "band"), limits::kBands);
  for (const BandInfo& band : info.bands) {
    if (band.name.size() <= limits::kNameBytes) continue;
    reject("a band whose name is " + counted(band.name.size(), "byte") + " long",
           static_cast<std::int64_t>(limits::kNameBytes));
  }
  if (info.time.size() > limits::kSlices) {
    reject(counted(info.time.size(), "slice"), limits::kSlices);
  }
  const Grid& grid = info.grid;
  if (std::max(grid.width, grid.height) > limits::kCellsAside) {
    reject(std::to_string(std::max(grid.width, grid.height)) + " cells on one side",
           limits::kCellsAside);
  }
  // No product of the two overflows, nor of the three once that of the two is small enough.
  const std::int64_t slice = grid.width * grid.height;
  const std::int64_t slices = std::max<std::int64_t>(1, info.time.size());
  if (slice > limits::kCells / slices) reject("too many cells", limits::kCells);
}

// The parameters that differ from their defaults.
std::string arguments_of(const ResolvedNode& node) {
  const auto presets = JsonWriter().write(*node.type->params());
  const auto all = JsonWriter().write(*node.params);
  nlohmann::ordered_json given = nlohmann::ordered_json::object();
  for (const auto& [key, value] : all.items()) {
    if (!presets.contains(key) || presets[key] != value) given[key] = value;
  }
  return given.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// As with errors, what is about a node as a whole says which operator it is.
Note placed(const Note& note, const ResolvedNode& node) {
  if (note.where.empty()) return {node.where, node.type->id + ": " + note.text};
  return {node.where + node.moved.of(note.where), note.text};
}

}  // namespace

Graph compile(const Document& document, const Registry& registry, const Resources& resources) {
  const ResolvedGraph resolved = resolve(document, registry, SavedCubes::kFollow);
  Graph graph;
  graph.result = resolved.result;
  for (const ResolvedNode& node : resolved.nodes) {
    std::vector<CubeInfo> infos;
    for (const std::size_t input : node.inputs) infos.push_back(graph.nodes[input].op->info());
    try {
      auto op = node.type->make(*node.params, infos, resources);
      check_size(op->info());
      for (const Note& note : op->notes()) graph.notes.push_back(placed(note, node));
      graph.nodes.push_back(
          {node.type->id, node.where, std::move(op), node.inputs, arguments_of(node)});
    } catch (const Error& error) {
      throw placed(error, node);
    }
  }
  return graph;
}

}  // namespace cube
