// What a format file says: its objects, with where they stand for messages, and its patterns.
// Thread rule: values.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/pattern.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

// Reads one object of a format file and keeps track of where it stands.
class FormatNode {
 public:
  FormatNode(const nlohmann::json& value, std::string where)
      : value_(&value), where_(std::move(where)) {
    if (!value.is_object()) fail("must be an object", {});
  }

  [[noreturn]] void fail(const std::string& message, const std::string& hint) const {
    throw Error(ErrorCode::kInvalid, message, where_, hint);
  }

  bool has(const char* key) const { return value_->contains(key) && !value_->at(key).is_null(); }
  const nlohmann::json& at(const char* key) const { return value_->at(key); }
  std::string below(const std::string& key) const { return where_ + pointer_step(key); }

  FormatNode child(const char* key) const {
    if (!has(key)) fail("'" + std::string(key) + "' is missing", {});
    return {at(key), below(key)};
  }

  std::string text(const char* key, bool required) const {
    if (!has(key) && !required) return {};
    if (!has(key)) fail("'" + std::string(key) + "' is missing", {});
    if (at(key).is_string()) return at(key).get<std::string>();
    throw Error(ErrorCode::kInvalid, "must be a text", below(key));
  }

  std::optional<double> number(const char* key) const {
    if (!has(key)) return std::nullopt;
    if (at(key).is_number()) return at(key).get<double>();
    throw Error(ErrorCode::kInvalid, "must be a number", below(key));
  }

  std::optional<Pattern> pattern(const char* key, bool required) const {
    if (!has(key) && !required) return std::nullopt;
    return Pattern(text(key, true), below(key));
  }

  // Other keys are somebody's remarks, unless they look like a slip of the pen.
  void check_keys(std::initializer_list<std::string> known) const {
    const std::vector<std::string> names(known);
    for (const auto& [key, unused] : value_->items()) {
      if (std::find(names.begin(), names.end(), key) != names.end()) continue;
      if (const auto near = nearest_name(names, key)) {
        throw Error(ErrorCode::kInvalid, "unknown key", below(key),
                    "did you mean '" + *near + "'?");
      }
    }
  }

  bool flag(const char* key) const {
    if (!has(key)) return false;
    if (at(key).is_boolean()) return at(key).get<bool>();
    throw Error(ErrorCode::kInvalid, "must be true or false", below(key));
  }

  std::vector<std::string> texts(const char* key) const {
    if (!has(key)) return {};
    const nlohmann::json& list = at(key);
    if (list.is_array() && std::all_of(list.begin(), list.end(), [](const nlohmann::json& item) {
          return item.is_string();
        })) {
      return list.get<std::vector<std::string>>();
    }
    throw Error(ErrorCode::kInvalid, "must be a list of texts", below(key));
  }

 private:
  const nlohmann::json* value_;
  std::string where_;
};

// Throws Error(kInvalid) that names line and column.
nlohmann::json parse_format(std::string_view text, std::string_view name);

}  // namespace cube
