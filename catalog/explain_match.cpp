#include "catalog/explain_match.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "catalog/pattern.h"

namespace cube {

namespace {

constexpr std::size_t kLongestName = 1024;    // std::regex recurses once a character
constexpr std::size_t kLongestPattern = 200;  // of which each beginning is compiled

// What closes the groups and sets that are open at the end of a part of a pattern; nullopt where
// it breaks off within an escape or a repetition.
std::optional<std::string> closing(std::string_view part) {
  int groups = 0;
  bool set = false;
  bool repetition = false;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const char c = part[i];
    if (c == '\\') {
      if (++i == part.size()) return std::nullopt;
    } else if (set) {
      set = c != ']';
    } else if (c == '[') {
      set = true;
    } else if (c == '{' || c == '}') {
      repetition = c == '{';
    } else if (c == '(' || c == ')') {
      groups += c == '(' ? 1 : -1;
    }
  }
  if (set || repetition || groups < 0) return std::nullopt;
  return std::string(static_cast<std::size_t>(groups), ')');
}

std::string shortened(const std::string& text) {
  constexpr std::size_t kShown = 40;
  return text.size() <= kShown ? text : text.substr(0, kShown) + "...";
}

}  // namespace

ExplainMatch::ExplainMatch(const CollectionFormat& format) {
  const auto document = nlohmann::json::parse(format.json(), nullptr, false);
  const auto pattern_of = [](const nlohmann::json& node) {
    return node.is_object() && node.contains("pattern") && node["pattern"].is_string()
               ? node["pattern"].get<std::string>()
               : std::string();
  };
  if (!document.is_object()) return;
  add("pattern", pattern_of(document), in_order_);
  for (const char* key : {"images", "datetime"}) {
    if (document.contains(key)) {
      add(std::string(key) + ".pattern", pattern_of(document[key]), in_order_);
    }
  }
  if (!document.contains("bands")) return;
  for (const auto& [name, band] : document["bands"].items()) {
    add("band pattern of " + name, pattern_of(band), bands_);
  }
}

void ExplainMatch::add(const std::string& name, const std::string& text,
                       std::vector<Pattern>& out) {
  if (!text.empty()) out.push_back({name, text, {}});
}

bool ExplainMatch::matches(Pattern& pattern, const std::string& path, std::string& found,
                           Failure& failure) {
  if (pattern.beginnings.empty()) {
    for (std::size_t size = pattern.text.size(); size > 0; --size) {
      const std::string part = pattern.text.substr(0, size);
      const auto rest = closing(part);
      if (!rest) continue;
      try {
        pattern.beginnings.emplace_back(size, std::regex(part + *rest));
      } catch (const std::regex_error&) {  // breaks off where it cannot
      }
    }
  }
  if (pattern.beginnings.empty()) return false;
  std::smatch groups;
  if (pattern.beginnings.front().first == pattern.text.size() &&
      std::regex_match(path, groups, pattern.beginnings.front().second)) {
    found = groups.size() > 1 && groups[1].matched ? groups[1].str() : "";
    return true;
  }
  for (const auto& [size, regex] : pattern.beginnings) {
    if (!std::regex_search(path, groups, regex, std::regex_constants::match_continuous)) continue;
    failure = {static_cast<std::size_t>(groups.length(0)), size};
    return false;
  }
  failure = {};
  return false;
}

std::string ExplainMatch::failed(const Pattern& pattern, const std::string& path,
                                 const Failure& failure) {
  const std::string rest = path.substr(std::min(failure.at, path.size()));
  const std::string wanted = pattern.text.substr(failure.used);
  return pattern.name + " '" + pattern.text + "' fails at character " +
         std::to_string(failure.at + 1) +
         (rest.empty() ? ", where the name ends" : ", at '" + shortened(rest) + "'") +
         (wanted.empty() ? " (it ends there)" : " (it wants '" + shortened(wanted) + "')");
}

std::string ExplainMatch::reason(const std::string& path) {
  if (path.size() > kLongestName) return {};
  std::string out;
  std::string found;
  Failure failure;
  const auto slow = [&](const Pattern& pattern) {
    return pattern.text.size() > kLongestPattern || !tries_few_ways(pattern.text, path.size());
  };
  if (std::ranges::any_of(in_order_, slow) || std::ranges::any_of(bands_, slow)) return {};
  for (Pattern& pattern : in_order_) {
    if (!out.empty()) out += "; ";
    if (!matches(pattern, path, found, failure)) return out + failed(pattern, path, failure);
    out += pattern.name + " matches" + (found.empty() ? "" : " ('" + found + "')");
  }
  const Pattern* furthest = nullptr;
  Failure best;
  for (Pattern& pattern : bands_) {
    if (matches(pattern, path, found, failure)) return {};  // it is the time that cannot be read
    if (!furthest || failure.used > best.used) {
      furthest = &pattern;
      best = failure;
    }
  }
  if (furthest) out += (out.empty() ? "" : "; ") + failed(*furthest, path, best);
  return out;
}

}  // namespace cube
