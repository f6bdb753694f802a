#include "catalog/pattern.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/limits.h"

namespace cube {

namespace {

// Ways to match that std::regex may try, each in 50 ns.
constexpr double kMostWays = 1e6;

bool is_literal(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '/';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What of a regular expression makes for many ways to match.
struct Ways {
  bool nested = false;
  bool refers_back = false;
  double repetitions = 0;
  double choices = 0;
};

// Walks over a regular expression, well-formed or not.
class WayCounter {
 public:
  explicit WayCounter(const std::string& text) : text_(text) {}

  Ways count() {
    groups_.emplace_back();
    while (at_ < text_.size()) step();
    return out_;
  }

 private:
  // A group that is open, or the atom before the place.
  struct Group {
    bool varies = false;  // can match texts of several lengths, or one text in several ways
  };

  void step() {
    const char c = text_[at_++];
    switch (c) {
      case '\\':
        escape();
        break;
      case '[':
        skip_class();
        atom_ = {};
        break;
      case '(':
        groups_.emplace_back();
        if (at_ < text_.size() && text_[at_] == '?') at_ = std::min(at_ + 2, text_.size());
        break;
      case ')':
        atom_ = groups_.back();
        if (groups_.size() > 1) groups_.pop_back();
        groups_.back().varies = groups_.back().varies || atom_.varies;
        break;
      case '|':
      case '?':
        out_.choices += 1;
        groups_.back().varies = true;
        break;
      case '*':
      case '+':
      case '{':
        repetition(c);
        break;
      default:
        atom_ = {};
    }
  }

  void escape() {
    if (at_ < text_.size() && text_[at_] >= '1' && text_[at_] <= '9') out_.refers_back = true;
    if (at_ < text_.size()) ++at_;
    atom_ = {};
  }

  void skip_class() {
    for (bool first = true; at_ < text_.size() && (first || text_[at_] != ']'); first = false) {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  void repetition(char sign) {
    bool fixed = false;  // "{3}"
    if (sign == '{') {
      const std::size_t begin = at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      fixed = at_ > begin && at_ < text_.size() && text_[at_] == '}';
      while (at_ < text_.size() && text_[at_] != '}') ++at_;
      at_ = std::min(at_ + 1, text_.size());
    }
    out_.nested = out_.nested || atom_.varies;
    if (!fixed) {
      out_.repetitions += 1;
      groups_.back().varies = true;
    }
    if (at_ < text_.size() && text_[at_] == '?') ++at_;  // as few as will do
    atom_ = {.varies = !fixed};
  }

  const std::string& text_;
  std::size_t at_ = 0;
  std::vector<Group> groups_;
  Group atom_;
  Ways out_;
};

// Ways to cut a text of n characters into k parts, times the choices.
double ways(double n, double k, double choices) {
  return std::exp(k * std::log(n + 1) - std::lgamma(k + 1) + choices * std::log(2.0));
}

std::regex compiled(const std::string& text, std::regex::flag_type more, const std::string& where) {
  try {
    return std::regex(text, std::regex::ECMAScript | more);
  } catch (const std::regex_error& error) {
    throw Error(ErrorCode::kInvalid, "'" + text + "' is not a regular expression: " + error.what(),
                where);
  }
}

}  // namespace

std::string literal_suffix(const std::string& pattern) {
  if (pattern.find('|') != std::string::npos) return {};
  std::string reversed;
  for (std::size_t i = pattern.size(); i-- > 0;) {
    const char c = pattern[i];
    const bool escaped = i > 0 && pattern[i - 1] == '\\';
    if (escaped && (c != '.' || (i > 1 && pattern[i - 2] == '\\'))) return {};
    if (escaped) {
      --i;
    } else if (!is_literal(c)) {
      break;
    }
    reversed += c;
  }
  return {reversed.rbegin(), reversed.rend()};
}

bool tries_few_ways(const std::string& pattern, std::size_t path) {
  const Ways counted = WayCounter(pattern).count();
  return !counted.nested && !counted.refers_back &&
         ways(static_cast<double>(path), counted.repetitions, counted.choices) <= kMostWays;
}

Pattern::Pattern(std::string text, const std::string& where) : text_(std::move(text)) {
  if (text_.size() > limits::kPatternBytes) {
    throw Error(ErrorCode::kInvalid,
                "a pattern of " + std::to_string(text_.size()) + " characters is too long", where,
                "at most " + std::to_string(limits::kPatternBytes));
  }
  const Ways counted = WayCounter(text_).count();
  quick_ = compiled(text_, std::regex::optimize, where);
  if (counted.refers_back) {
    throw Error(ErrorCode::kInvalid, "'" + text_ + "' refers back to a group, which can take ages",
                where, "patterns without \\1, \\2, ...");
  }
  nested_ = counted.nested;
  repetitions_ = counted.repetitions;
  choices_ = counted.choices;
  suffix_ = literal_suffix(text_);
  if (!nested_ && ways(kLongestPath, repetitions_, choices_) <= kMostWays) return;
#ifdef __GLIBCXX__
  steady_ = std::make_shared<const std::regex>(
      compiled(text_, std::regex_constants::__polynomial, where));
#endif
}

bool Pattern::matches(const std::string& path, std::smatch& groups) const {
  if (path.size() > kLongestPath || !path.ends_with(suffix_)) return false;
  const bool many =
      nested_ || ways(static_cast<double>(path.size()), repetitions_, choices_) > kMostWays;
  return std::regex_match(path, groups, steady_ && many ? *steady_ : quick_);
}

std::optional<std::string> Pattern::match(const std::string& path) const {
  std::smatch groups;
  if (!matches(path, groups)) return std::nullopt;
  return groups.size() > 1 && groups[1].matched ? groups[1].str() : groups[0].str();
}

std::string Pattern::captured(const std::string& path) const {
  std::smatch groups;
  if (!matches(path, groups) || groups.size() < 2) return {};
  return groups[1].str();
}

}  // namespace cube
