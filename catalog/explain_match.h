// ExplainMatch: where a name stops being of a format, for people who write formats.
//
// A pattern fails where the longest beginning of it that still matches ends in the name: found by
// trying its beginnings, from the longest, with the groups that are open closed.
// Thread rule: one a thread; keeps the beginnings of patterns that it has made.
#pragma once

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "catalog/formats.h"

namespace cube {

class ExplainMatch {
 public:
  explicit ExplainMatch(const CollectionFormat& format);

  // What each pattern makes of a path that is not of the format, in the order in which they are
  // asked, until one fails: "images.pattern matches ('S2A'); band pattern of B04 '.+_B04\.tif'
  // fails at character 57, at '5.tif' (it wants '4\.tif')". Of the bands, the one that comes
  // furthest.
  std::string reason(const std::string& path);

 private:
  struct Pattern {
    std::string name;  // "images.pattern"
    std::string text;
    std::vector<std::pair<std::size_t, std::regex>> beginnings;  // longest first, when made
  };
  struct Failure {
    std::size_t at = 0;    // characters of the path that match
    std::size_t used = 0;  // of the pattern
  };
  void add(const std::string& name, const std::string& text, std::vector<Pattern>& out);
  // "" and the captured text when it matches, else where it fails.
  bool matches(Pattern& pattern, const std::string& path, std::string& found, Failure& failure);
  static std::string failed(const Pattern& pattern, const std::string& path,
                            const Failure& failure);

  std::vector<Pattern> in_order_;  // overall, image, time
  std::vector<Pattern> bands_;
};

}  // namespace cube
