#include "catalog/stac_json.h"

#include <cmath>

#include "engine/text.h"

namespace cube {

namespace {

using json = nlohmann::ordered_json;

}  // namespace

const json& null_json() {
  static const json kNull;
  return kNull;
}

const json& member(const json& object, const char* key) {
  if (!object.is_object()) return null_json();
  const auto at = object.find(key);
  return at == object.end() ? null_json() : *at;
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

const json& first_of(std::initializer_list<const json*> places, const char* key) {
  for (const json* place : places) {
    const json& found = member(*place, key);
    if (!found.is_null()) return found;
  }
  return null_json();
}

std::optional<double> number_of(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return parse_number(lower(value.get<std::string>()));
  return std::nullopt;
}

std::optional<std::vector<double>> numbers_of(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<double> out;
  for (const json& element : value) {
    const auto number = number_of(element);
    if (!number || !std::isfinite(*number)) return std::nullopt;
    out.push_back(*number);
  }
  return out;
}

}  // namespace cube
