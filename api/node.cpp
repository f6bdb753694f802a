#include "cube/node.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <variant>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

using Json = nlohmann::ordered_json;

struct Value::Content {
  std::variant<Json, std::vector<Value>, Arguments, Node> value;
};

struct Node::Content {
  std::string type;
  Arguments arguments;
  std::string name = {};  // "" = none
};

namespace {

Value::Held held(Value::Content content) {
  return std::make_shared<const Value::Content>(std::move(content));
}

}  // namespace

Value::Held Value::of_null() { return held({Json()}); }
Value::Held Value::of_text(std::string text) { return held({Json(std::move(text))}); }
Value::Held Value::of_truth(bool truth) { return held({Json(truth)}); }
Value::Held Value::of_node(const Node& node) { return held({node}); }
Value::Held Value::of_list(std::vector<Value> list) { return held({std::move(list)}); }

Value::Held Value::of_whole(std::int64_t number, bool in_range) {
  if (!in_range) throw Error(ErrorCode::kInvalid, "a whole number of a graph is too large");
  return held({Json(number)});
}

// JSON cannot write all numbers; documents have texts for those.
Value::Held Value::of_number(double number) {
  return held({std::isfinite(number) ? Json(number) : Json(number_text(number))});
}

Value object(Arguments members) { return Value(held({std::move(members)})); }

Arguments::Arguments(std::initializer_list<Argument> arguments) {
  for (const Argument& argument : arguments) add(argument.key, argument.value);
}

Arguments& Arguments::add(std::string key, Value value) {
  if (std::ranges::find(all_, key, &Argument::key) != all_.end()) {
    throw Error(ErrorCode::kInvalid, "the argument '" + key + "' is given twice");
  }
  all_.push_back({std::move(key), std::move(value)});
  return *this;
}

Node::Node(std::string type, Arguments arguments)
    : content_(std::make_shared<const Content>(Content{std::move(type), std::move(arguments)})) {}

Node Node::then(std::string type, Arguments arguments) const {
  arguments.add("in_cube", *this);
  return Node(std::move(type), std::move(arguments));
}

Node Node::named(std::string name) const {
  Content content = *content_;
  content.name = std::move(name);
  return Node(std::make_shared<const Content>(std::move(content)));
}

namespace {

// Writes a graph with the nodes that are read several times once. A node is known by its content,
// which its copies share.
class DocumentWriter {
 public:
  explicit DocumentWriter(const Node& result) {
    count(result);
    for (const Node::Content* node : order_) {
      if (!node->name.empty()) name(*node, node->name);
    }
    for (const Node::Content* node : order_) {
      if (node->name.empty() && readers_[node] > 1) name(*node, next_name());
    }
  }

  Json write(const Node& result) {
    Json top = reference(result);
    if (names_.empty()) return top;
    return {{"version", 1}, {"cubes", std::move(cubes_)}, {"result", std::move(top)}};
  }

 private:
  // Nodes come into order_ after those they read.
  void count(const Node& node) {
    const Node::Content* content = node.content().get();
    if (++readers_[content] > 1) return;
    for (const Argument& argument : content->arguments.all()) count(argument.value);
    order_.push_back(content);
  }
  void count(const Value& value) {
    const auto& content = value.content().value;
    if (const auto* node = std::get_if<Node>(&content)) count(*node);
    if (const auto* list = std::get_if<std::vector<Value>>(&content)) {
      for (const Value& item : *list) count(item);
    }
    if (const auto* members = std::get_if<Arguments>(&content)) {
      for (const Argument& member : members->all()) count(member.value);
    }
  }

  void name(const Node::Content& node, const std::string& name) {
    if (!taken_.insert(name).second) {
      throw Error(ErrorCode::kInvalid, "two nodes are named '" + name + "'");
    }
    names_[&node] = name;
  }

  std::string next_name() {
    std::string name;
    do {
      name = "cube" + std::to_string(++number_);
    } while (taken_.contains(name));
    return name;
  }

  // The node itself, or its name.
  Json reference(const Node& node) {
    const Node::Content& content = *node.content();
    const auto name = names_.find(&content);
    if (name == names_.end()) return json_of(content);
    if (!cubes_.contains(name->second)) {
      Json json = json_of(content);
      cubes_[name->second] = std::move(json);
    }
    return name->second;
  }

  Json json_of(const Node::Content& node) {
    Json json = {{"cube_type", node.type}};
    for (const Argument& argument : node.arguments.all()) {
      json[argument.key] = json_of(argument.value);
    }
    return json;
  }

  Json json_of(const Value& value) {
    const auto& content = value.content().value;
    if (const auto* node = std::get_if<Node>(&content)) return reference(*node);
    if (const auto* plain = std::get_if<Json>(&content)) return *plain;
    if (const auto* members = std::get_if<Arguments>(&content)) {
      Json json = Json::object();
      for (const Argument& member : members->all()) json[member.key] = json_of(member.value);
      return json;
    }
    Json json = Json::array();
    for (const Value& item : std::get<std::vector<Value>>(content)) json.push_back(json_of(item));
    return json;
  }

  std::map<const Node::Content*, int> readers_;
  std::vector<const Node::Content*> order_;
  std::map<const Node::Content*, std::string> names_;
  std::set<std::string> taken_;
  int number_ = 0;
  Json cubes_ = Json::object();
};

}  // namespace

std::string Node::json() const {
  const Json json = DocumentWriter(*this).write(*this);
  try {
    return json.dump(2) + "\n";
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kInvalid, "a text of the graph is not UTF-8");
  }
}

Document Node::document(const std::filesystem::path& folder) const {
  return Document::parse(json(), folder);
}

}  // namespace cube
