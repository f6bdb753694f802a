#include "tests/schema_check.h"

#include <algorithm>
#include <functional>
#include <map>
#include <regex>

namespace cube::test {

namespace {

using nlohmann::json;

// What a keyword is checked in.
struct Context {
  const json& value;
  const json& schema;
  const json& root;
  const std::string& pointer;
};

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  return type == "number" && value.is_number();
}

bool is_one_of(const json& list, const json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string any_of(const Context& c, const json& options) {
  std::string reasons;
  for (const json& option : options) {
    const std::string error = schema_error(c.value, option, c.root, c.pointer);
    if (error.empty()) return {};
    reasons += error + "; ";
  }
  return c.pointer + " anyOf (" + reasons + ")";
}

std::string members(const Context& c) {
  if (!c.value.is_object()) return {};
  const json& known = c.schema.value("properties", json::object());
  for (const auto& [key, value] : c.value.items()) {
    const std::string place = c.pointer + "/" + key;
    if (known.contains(key)) {
      const std::string error = schema_error(value, known.at(key), c.root, place);
      if (!error.empty()) return error;
    } else if (c.schema.contains("additionalProperties")) {
      const json& other = c.schema.at("additionalProperties");
      if (other == false) return place + " additionalProperties";
      const std::string error = schema_error(value, other, c.root, place);
      if (!error.empty()) return error;
    }
  }
  return {};
}

std::string items(const Context& c) {
  if (!c.value.is_array()) return {};
  for (std::size_t i = 0; i < c.value.size(); ++i) {
    const json& item =
        c.schema.contains("prefixItems") ? c.schema.at("prefixItems").at(i) : c.schema.at("items");
    const std::string error =
        schema_error(c.value[i], item, c.root, c.pointer + "/" + std::to_string(i));
    if (!error.empty()) return error;
  }
  return {};
}

std::string check_keyword(const std::string& keyword, const json& k, const Context& c) {
  const auto offence = [&](bool good) {
    return good ? std::string() : c.pointer + " " + keyword + " " + k.dump();
  };
  if (keyword == "$ref") {
    const json::json_pointer target(k.get<std::string>().substr(1));
    return schema_error(c.value, c.root.at(target), c.root, c.pointer);
  }
  if (keyword == "type") {
    return offence(k.is_array() ? std::any_of(k.begin(), k.end(),
                                              [&](const json& t) { return has_type(c.value, t); })
                                : has_type(c.value, k));
  }
  if (keyword == "const") return offence(c.value == k);
  if (keyword == "enum") return offence(is_one_of(k, c.value));
  if (keyword == "anyOf") return any_of(c, k);
  if (keyword == "not") return offence(!schema_error(c.value, k, c.root, c.pointer).empty());
  if (keyword == "required") {
    return offence(
        std::all_of(k.begin(), k.end(), [&](const json& key) { return c.value.contains(key); }));
  }
  if (keyword == "minItems") return offence(c.value.size() >= k.get<std::size_t>());
  if (keyword == "maxItems") return offence(c.value.size() <= k.get<std::size_t>());
  if (keyword == "pattern") {
    return offence(!c.value.is_string() ||
                   std::regex_search(c.value.get<std::string>(), std::regex(k.get<std::string>())));
  }
  if (keyword == "properties" || keyword == "additionalProperties") return members(c);
  if (keyword == "items" || keyword == "prefixItems") return items(c);
  static const std::vector<std::string> kPlain = {"$schema", "$defs", "title", "description",
                                                  "default"};
  if (std::find(kPlain.begin(), kPlain.end(), keyword) != kPlain.end()) return {};
  if (keyword != "allOf") return c.pointer + " unknown keyword " + keyword;
  for (const json& each : k) {
    const std::string error = schema_error(c.value, each, c.root, c.pointer);
    if (!error.empty()) return error;
  }
  return {};
}

}  // namespace

std::string schema_error(const json& value, const json& schema, const json& root,
                         const std::string& pointer) {
  // Sizes and types first: items beyond maxItems have no schema.
  static const std::vector<std::string> kFirst = {"type", "minItems", "maxItems"};
  const Context context{value, schema, root, pointer};
  for (const std::string& keyword : kFirst) {
    if (!schema.contains(keyword)) continue;
    const std::string error = check_keyword(keyword, schema.at(keyword), context);
    if (!error.empty()) return error;
  }
  for (const auto& [keyword, k] : schema.items()) {
    const std::string error = check_keyword(keyword, k, context);
    if (!error.empty()) return error;
  }
  return {};
}

}  // namespace cube::test
