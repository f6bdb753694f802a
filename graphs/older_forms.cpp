#include "graphs/older_forms.h"

#include "engine/command_code.h"
#include "engine/text.h"

namespace cube {

namespace {

using nlohmann::json;

bool joins_two(const json& node) {
  return node.contains("A") && node.contains("B") && !node.contains("in_cubes");
}

void join_two(CurrentForm& form) {
  json& node = form.node;
  json cubes = json::array();
  json prefixes = json::array();
  for (const std::string cube : {"A", "B"}) {
    const std::string index = pointer_step(cubes.size());
    const std::string prefix = "prefix_" + cube;
    form.moved.pairs.emplace_back("/in_cubes" + index, "/" + cube);
    form.moved.pairs.emplace_back("/prefixes" + index, "/" + prefix);
    cubes.push_back(node.at(cube));
    prefixes.push_back(node.value(prefix, json(cube)));
    node.erase(cube);
    node.erase(prefix);
  }
  node["in_cubes"] = std::move(cubes);
  if (!node.contains("prefixes")) node["prefixes"] = std::move(prefixes);
}

bool says_file_streaming(const json& node) {
  return node.contains("file_streaming") && node.at("file_streaming").is_boolean();
}

// The files that commands are given today become their standard input and output.
void stream_by_pipes(CurrentForm& form) {
  json& node = form.node;
  const bool files = node.at("file_streaming").get<bool>();
  node.erase("file_streaming");
  if (files || !node.contains("command") || !node.at("command").is_string()) return;
  node["command"] = with_pipes(node.at("command").get<std::string>());
}

// "x,y,z" of a view's tile; "" where it has none of the older form.
std::string older_tile(const json& node) {
  const auto view = node.find("view");
  if (view == node.end() || !view->is_object() || view->contains("space")) return {};
  const auto tile = view->find("tile");
  if (tile == view->end() || !tile->is_object()) return {};
  std::string out;
  for (const char* key : {"x", "y", "z"}) {
    if (!tile->contains(key) || !tile->at(key).is_number_integer()) return {};
    out += (out.empty() ? "" : ",") + tile->at(key).dump();
  }
  return out;
}

void view_of_tile(CurrentForm& form, const std::string& tile) {
  json& view = form.node.at("view");
  view.erase("tile");
  view["space"] = json{{"tile", tile}};
  form.moved.pairs.emplace_back("/view/space/tile", "/view/tile");
}

}  // namespace

std::optional<CurrentForm> current_form(const json& node) {
  const auto type = node.find("cube_type");
  if (type == node.end() || !type->is_string()) return std::nullopt;
  const auto& id = type->get_ref<const std::string&>();
  const bool joins = id == "join_bands" && joins_two(node);
  const bool streams = id == "stream" && says_file_streaming(node);
  const bool reduces = id == "reduce" && node.contains("nthreads");
  const std::string tile = older_tile(node);
  if (!joins && !streams && !reduces && tile.empty()) return std::nullopt;
  CurrentForm form{node, {}};
  if (joins) join_two(form);
  if (streams) stream_by_pipes(form);
  if (reduces) form.node.erase("nthreads");
  if (!tile.empty()) view_of_tile(form, tile);
  return form;
}

}  // namespace cube
