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

namespace {

using Schema = nlohmann::ordered_json;

Schema required(std::initializer_list<const char*> keys) {
  Schema list = Schema::array();
  for (const char* key : keys) list.push_back(key);
  return {{"required", list}};
}

Schema either(Schema a, Schema b) { return Schema::array({std::move(a), std::move(b)}); }

// All of `wanted` and none of `others`.
Schema only(std::initializer_list<const char*> wanted, std::initializer_list<const char*> others) {
  Schema any = Schema::array();
  for (const char* key : others) any.push_back(required({key}));
  Schema out = required(wanted);
  out["not"] = {{"anyOf", std::move(any)}};
  return out;
}

void drop_required(Schema& schema, const std::string& key) {
  Schema kept = Schema::array();
  for (const Schema& each : schema.at("required")) {
    if (each != key) kept.push_back(each);
  }
  schema["required"] = std::move(kept);
}

void allow_tile(Schema& view) {
  if (view.contains("anyOf")) {
    for (Schema& each : view.at("anyOf")) allow_tile(each);
  }
  if (!view.contains("properties") || !view.at("properties").contains("space")) return;
  const Schema number = {{"type", "integer"}};
  view["properties"]["tile"] = {{"type", "object"},
                                {"properties", {{"x", number}, {"y", number}, {"z", number}}},
                                {"required", {"x", "y", "z"}},
                                {"description", "As gdalcubes wrote before space had a tile."}};
  drop_required(view, "space");
  view["anyOf"] = either(only({"space"}, {"tile"}), only({"tile"}, {"space"}));
}

}  // namespace

void add_older_forms(const std::string& id, Schema& schema) {
  Schema& properties = schema.at("properties");
  if (properties.contains("view")) allow_tile(properties.at("view"));
  if (id == "stream") properties["file_streaming"] = {{"type", "boolean"}};
  if (id == "reduce_time") {
    properties["nthreads"] = {{"type", "integer"}};
    const Schema older = {{"properties", {{"cube_type", {{"const", "reduce"}}}}}};
    schema["anyOf"] = either({{"not", required({"nthreads"})}}, older);
  }
  if (id == "join_bands") {
    for (const char* cube : {"A", "B"}) {
      properties[cube] = {{"$ref", "#/$defs/cube"}};
      properties[std::string("prefix_") + cube] = {{"type", "string"}};
    }
    drop_required(schema, "in_cubes");
    schema["anyOf"] = either(only({"in_cubes"}, {"A", "B", "prefix_A", "prefix_B"}),
                             only({"A", "B"}, {"in_cubes"}));
  }
}

}  // namespace cube
