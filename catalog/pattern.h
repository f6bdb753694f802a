// Pattern: a regular expression (ECMAScript) that matches a whole path, in a time that is bounded.
//
// Both may come from others: a format from a catalog, a path from an archive. std::regex tries one
// way after another, which for "(a+)+b" is 2^n of them, and n^k for k times ".*". Where the ways
// that a path can be matched are too many, all are gone at the same time instead (Thompson's
// construction, libstdc++'s __polynomial), which takes longer for what is harmless and never long.
//
// Thread rule: immutable once made.
#pragma once

#include <memory>
#include <optional>
#include <regex>
#include <string>

namespace cube {

class Pattern {
 public:
  // Paths that are longer match nothing: std::regex recurses once a character.
  static constexpr std::size_t kLongestPath = 4096;

  Pattern() = default;  // matches the empty path
  // Throws Error(kInvalid) at `where` for what is no regular expression, is too long, or refers
  // back to its groups, for which no bound is known.
  Pattern(std::string text, const std::string& where);

  const std::string& text() const { return text_; }
  // The text that everything it matches ends with: "_B4.TIF" of ".+_B4\.TIF". Comparing it first
  // spares most of the bands' regular expressions, which cost microseconds each.
  const std::string& suffix() const { return suffix_; }

  // The first captured group, or all of `path` where there is none; nullopt when it does not match.
  std::optional<std::string> match(const std::string& path) const;
  // The same, "" too where no group is captured.
  std::string captured(const std::string& path) const;

 private:
  bool matches(const std::string& path, std::smatch& groups) const;

  std::string text_;
  std::string suffix_;
  std::regex quick_;
  std::shared_ptr<const std::regex> steady_;  // null: not needed whatever the path
  bool nested_ = false;                       // repetitions of repetitions: exponentially many ways
  double repetitions_ = 0;  // "*", "+", "{2,5}": as many ways each as the path is long
  double choices_ = 0;      // log2 of the ways that "?" and "|" leave
};

// Whether std::regex surely comes to an end soon with a path of that length.
bool tries_few_ways(const std::string& pattern, std::size_t path);

// The text that everything a regular expression matches ends with; "" where that is not plain.
std::string literal_suffix(const std::string& pattern);

}  // namespace cube
