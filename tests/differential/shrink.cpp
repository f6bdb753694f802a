#include "tests/differential/shrink.h"

#include <utility>
#include <vector>

#include "engine/stopwatch.h"

namespace cube::fuzz {

namespace {

using Pointer = Json::json_pointer;

// All places in a document, the outermost first.
void add_places(const Json& value, const Pointer& at, std::vector<Pointer>& places) {
  places.push_back(at);
  if (value.is_object()) {
    for (const auto& item : value.items()) add_places(item.value(), at / item.key(), places);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) add_places(value[i], at / i, places);
  }
}

bool is_node(const Json& value) { return value.is_object() && value.contains("cube_type"); }

// Cubes right below a node.
std::vector<Json> inputs_of(const Json& node) {
  std::vector<Json> inputs;
  for (const Json& value : node) {
    if (is_node(value)) inputs.push_back(value);
    if (!value.is_array()) continue;
    for (const Json& item : value) {
      if (is_node(item)) inputs.push_back(item);
    }
  }
  return inputs;
}

// Numbers nearer to zero.
std::vector<Json> smaller(const Json& value) {
  if (value.is_number_integer() && value.get<std::int64_t>() > 1) {
    const std::int64_t number = value;
    return {1, number / 2, number - 1};
  }
  return {};
}

// The document with something less, in all ways there are, the largest steps first.
std::vector<Json> smaller_documents(const Json& document) {
  std::vector<Json> out;
  std::vector<Pointer> places;
  add_places(document, Pointer(), places);
  for (const Pointer& place : places) {
    const Json& value = document.at(place);
    if (is_node(value)) {
      for (const Json& input : inputs_of(value)) {
        out.push_back(document);
        out.back().at(place) = input;
      }
    }
    for (const Json& less : smaller(value)) {
      out.push_back(document);
      out.back().at(place) = less;
    }
    if (place.empty()) continue;
    Json& without = out.emplace_back(document);
    Json& parent = without.at(place.parent_pointer());
    if (parent.is_array()) {
      parent.erase(static_cast<std::size_t>(std::stoul(place.back())));
    } else {
      parent.erase(place.back());
    }
  }
  return out;
}

}  // namespace

Finding shrunk(Finding finding, const Check& check, double seconds) {
  const Stopwatch start;
  const auto simplify = [&](Json Finding::*part) {
    bool any = false;
    for (bool again = true; again && start.seconds() < seconds;) {
      again = false;
      for (Json& document : smaller_documents(finding.*part)) {
        if (start.seconds() >= seconds) break;
        Finding less = finding;
        less.*part = std::move(document);
        less.what = check(less);
        if (less.what.empty()) continue;
        finding = std::move(less);
        again = any = true;
        break;
      }
    }
    return any;
  };
  while (simplify(&Finding::graph) || simplify(&Finding::way)) {
  }
  simplify(&Finding::archive);
  simplify(&Finding::graph);
  return finding;
}

}  // namespace cube::fuzz
