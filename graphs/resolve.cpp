#include "graphs/resolve.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/limits.h"
#include "engine/text.h"
#include "graphs/document_json.h"
#include "graphs/json_reader.h"
#include "graphs/json_text.h"
#include "graphs/json_writer.h"
#include "graphs/older_forms.h"

namespace cube {

namespace {

using nlohmann::json;

// One document on the way: the top one, or that of a saved cube.
struct Source {
  Document document;
  std::string prefix;  // of pointers: "" or "FILE#"
  const json* cubes = nullptr;
  std::map<std::string, std::size_t> done = {};  // named cubes that are resolved
  std::vector<std::string> open = {};            // named cubes being resolved
};

struct Place {
  const json& value;
  std::string pointer;  // with the source's prefix
  std::string name;     // under "cubes"
};

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, unused] : object.items()) keys.push_back(key);
  return keys;
}

class Resolver {
 public:
  Resolver(const Registry& registry, SavedCubes saved) : registry_(registry), saved_(saved) {}

  ResolvedGraph run(const Document& document) {
    Source source{document.with_parameters({}), ""};
    graph_.result = resolve_document(source);
    return std::move(graph_);
  }

 private:
  // The result of a document in either form.
  std::size_t resolve_document(Source& source) {
    const json& top = json_of(source.document);
    const std::string root = source.prefix;
    if (!top.is_object()) {
      throw invalid("expected an object, found " + found(top), root,
                    "a cube node has a \"cube_type\"");
    }
    if (top.contains("cube_type")) return resolve_cube(source, {top, root, ""});
    check_keys(top, root);
    if (top.contains("version") && top.at("version") != 1) {
      throw invalid("expected version 1, found " + found(top.at("version")), root + "/version");
    }
    if (top.contains("cubes")) {
      source.cubes = &top.at("cubes");
      if (!source.cubes->is_object()) {
        throw invalid("expected an object of names and cubes, found " + found(*source.cubes),
                      root + "/cubes");
      }
    }
    if (!top.contains("result")) {
      throw no_result(root);
    }
    const std::size_t result = resolve_cube(source, {top.at("result"), root + "/result", ""});
    check_unused(source);
    return result;
  }

  // Named cubes that the result does not need are resolved too, so that a slip in them is told, and
  // then forgotten: they are no part of the graph.
  void check_unused(Source& source) {
    if (!source.cubes || source.done.size() == source.cubes->size()) return;
    const auto nodes = graph_.nodes;
    const auto index = index_;
    for (const std::string& name : keys_of(*source.cubes)) {
      resolve_name(source, name, source.prefix + "/cubes" + pointer_step(name));
    }
    graph_.nodes = nodes;
    index_ = index;
  }

  static Error no_result(const std::string& root) {
    return invalid(
        "the document has neither \"cube_type\" nor \"result\"", root,
        "a cube node has a \"cube_type\"; in a document of named cubes \"result\" names or "
        "holds the one to compute");
  }

  static void check_keys(const json& top, const std::string& root) {
    static const std::vector<std::string> kKnown = {"version", "parameters", "cubes",
                                                    "result",  "outputs",    "cube_type"};
    for (const std::string& key : keys_of(top)) {
      if (is_annotation(key) || std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) {
        continue;
      }
      const bool is_document = top.contains("result") || top.contains("cubes");
      if (!is_document && !nearest_name(kKnown, key)) throw no_result(root);
      throw invalid("a document has no '" + key + "'", root + pointer_step(key),
                    suggest(kKnown, key));
    }
  }

  // A cube: an inline node or the name of one.
  std::size_t resolve_cube(Source& source, const Place& place) {
    if (place.value.is_string()) {
      return resolve_name(source, place.value.get_ref<const std::string&>(), place.pointer);
    }
    if (!place.value.is_object()) {
      throw invalid("expected a cube, found " + found(place.value), place.pointer,
                    "an object with a \"cube_type\", or the name of one under \"cubes\"");
    }
    if (depth_ >= kMaxNesting) {
      throw invalid("the cubes are nested more than " + std::to_string(kMaxNesting) + " deep",
                    place.pointer);
    }
    ++depth_;
    const std::size_t node = resolve_node(source, place);
    --depth_;
    return node;
  }

  std::size_t resolve_name(Source& source, const std::string& name, const std::string& pointer) {
    if (const auto done = source.done.find(name); done != source.done.end()) return done->second;
    if (!source.cubes || !source.cubes->contains(name)) {
      throw Error(ErrorCode::kNotFound, "there is no cube named '" + name + "'", pointer,
                  source.cubes && !source.cubes->empty() ? suggest(keys_of(*source.cubes), name)
                                                         : "named cubes stand under \"cubes\"");
    }
    const auto open = std::find(source.open.begin(), source.open.end(), name);
    if (open != source.open.end()) {
      std::vector<std::string> chain(open, source.open.end());
      chain.push_back(name);
      throw invalid("the cubes refer to each other in a circle: " + join(chain, " -> "), pointer);
    }
    source.open.push_back(name);
    const std::size_t node = resolve_cube(
        source, {source.cubes->at(name), source.prefix + "/cubes" + pointer_step(name), name});
    source.open.pop_back();
    source.done[name] = node;
    return node;
  }

  std::size_t resolve_node(Source& source, const Place& place) {
    const auto current = current_form(place.value);
    if (!current) return resolve_node(source, place, {});
    return resolve_node(source, {current->node, place.pointer, place.name}, current->moved);
  }

  // `older` says where parts of the node stand in the document, if not where they stand in it.
  std::size_t resolve_node(Source& source, const Place& place, const MovedPlaces& older) {
    if (++resolved_ > limits::kCubes) {
      throw invalid("the graph has more than " + std::to_string(limits::kCubes) + " cubes",
                    place.pointer, "those of a saved cube count each time that it is named");
    }
    ResolvedNode node{&type_of(place), nullptr, {}, {}, place.pointer, place.name};
    std::vector<std::string> other_keys = {"cube_type"};
    json arguments = place.value;
    for (const InputKey& input : node.type->inputs) {
      if (!input.or_file) {
        other_keys.push_back(input.name);
      } else if (names_cube(source, arguments, input)) {
        arguments.erase(input.name);
      }
    }
    node.params = node.type->params();
    try {
      JsonReader reader(arguments, source.document.base());
      reader.read(*node.params, other_keys);
      node.moved = older;
      for (const auto& [declared, given] : reader.moved().pairs) {
        node.moved.pairs.emplace_back(declared, older.of(given));
      }
    } catch (const Error& error) {
      throw placed_in(node,
                      Error(error.code(), error.message(), older.of(error.where()), error.hint()));
    }
    if (node.type->id == "saved" && saved_ == SavedCubes::kFollow) {
      return resolve_saved(*node.params, place.pointer);
    }
    for (const InputKey& input : node.type->inputs) {
      resolve_input(source, place, older, input, node);
    }
    return add(std::move(node));
  }

  const OperatorType& type_of(const Place& place) const {
    const auto entry = place.value.find("cube_type");
    if (entry == place.value.end()) {
      throw invalid("a cube needs a \"cube_type\"", place.pointer, "cube ops lists them");
    }
    if (!entry->is_string()) {
      throw invalid("expected a text, found " + found(*entry), place.pointer + "/cube_type");
    }
    const auto& id = entry->get_ref<const std::string&>();
    if (const OperatorType* type = registry_.find(id)) return *type;
    std::vector<std::string> known;
    for (const OperatorType& type : registry_.types()) {
      known.push_back(type.id);
      known.insert(known.end(), type.aliases.begin(), type.aliases.end());
    }
    throw Error(ErrorCode::kNotFound, "there is no cube_type '" + id + "'",
                place.pointer + "/cube_type", suggest(known, id));
  }

  // Whether an input that may also be a file is a cube.
  static bool names_cube(const Source& source, const json& node, const InputKey& input) {
    const auto given = node.find(input.name);
    if (given == node.end()) return false;
    if (!given->is_string()) return given->is_object();
    return source.cubes && source.cubes->contains(given->get_ref<const std::string&>());
  }

  void resolve_input(Source& source, const Place& place, const MovedPlaces& older,
                     const InputKey& input, ResolvedNode& node) {
    if (input.or_file && !names_cube(source, place.value, input)) {
      node.per_input.push_back(0);
      return;
    }
    const auto given = place.value.find(input.name);
    const std::string pointer = place.pointer + pointer_step(input.name);
    if (given == place.value.end()) {
      throw placed_in(node, invalid("the input '" + input.name + "' is missing", "", input.help));
    }
    const std::size_t before = node.inputs.size();
    if (!input.many) {
      node.inputs.push_back(resolve_cube(source, {*given, pointer, ""}));
    } else if (!given->is_array() || given->empty()) {
      throw invalid("expected a list of cubes, found " + found(*given), pointer);
    } else {
      for (std::size_t i = 0; i < given->size(); ++i) {
        const std::string step = older.of(pointer_step(input.name) + pointer_step(i));
        node.inputs.push_back(resolve_cube(source, {(*given)[i], place.pointer + step, ""}));
      }
    }
    node.per_input.push_back(node.inputs.size() - before);
  }

  std::size_t resolve_saved(const AnyParams& params, const std::string& pointer) {
    const std::string& file = saved_file(params);
    const std::string name = std::filesystem::weakly_canonical(file).string();
    const auto open = std::find(open_files_.begin(), open_files_.end(), name);
    if (open != open_files_.end()) {
      std::vector<std::string> chain(open, open_files_.end());
      chain.push_back(name);
      throw invalid("the saved cubes refer to each other in a circle: " + join(chain, " -> "),
                    pointer + "/file");
    }
    open_files_.push_back(name);
    Source inner{load_saved(file, saved_arguments(params), pointer), file + "#"};
    const std::size_t node = resolve_document(inner);
    open_files_.pop_back();
    return node;
  }

  static Document load_saved(const std::string& file,
                             const std::map<std::string, std::string>& parameters,
                             const std::string& pointer) {
    const auto with_place = [&](const Error& error) {
      return error.code() == ErrorCode::kInvalid ? error : error.within(pointer + "/file: ");
    };
    try {
      const Document document = Document::load(file);
      try {
        return document.with_parameters(parameters);
      } catch (const Error& error) {
        throw error.within(file + "#");
      }
    } catch (const Error& error) {
      throw with_place(error);
    }
  }

  // The node, or the one that is the same already.
  std::size_t add(ResolvedNode node) {
    std::string key = node.type->id + JsonWriter().write(*node.params).dump();
    for (const std::size_t input : node.inputs) key.append(",").append(std::to_string(input));
    for (const std::size_t count : node.per_input) key.append("/").append(std::to_string(count));
    const auto [place, is_new] = index_.try_emplace(std::move(key), graph_.nodes.size());
    if (is_new) {
      graph_.nodes.push_back(std::move(node));
    } else if (graph_.nodes[place->second].name.empty()) {
      graph_.nodes[place->second].name = node.name;
    }
    return place->second;
  }

  const Registry& registry_;
  SavedCubes saved_;
  ResolvedGraph graph_;
  std::map<std::string, std::size_t> index_;  // canonical text of a node -> node
  std::vector<std::string> open_files_;       // saved cubes being resolved
  int depth_ = 0;
  std::size_t resolved_ = 0;  // nodes, those that are the same too
};

}  // namespace

Error placed_in(const ResolvedNode& node, const Error& error) {
  if (!error.where().empty()) return error.within(node.where);
  return Error(error.code(), node.type->id + ": " + error.message(), node.where, error.hint());
}

ResolvedGraph resolve(const Document& document, const Registry& registry, SavedCubes saved) {
  return Resolver(registry, saved).run(document);
}

}  // namespace cube
