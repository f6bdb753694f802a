// FileTimes: the times of files as a list or a pattern of their names says.
// Thread rule: immutable.
#pragma once

#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "engine/raster_files.h"
#include "engine/time_axis.h"

namespace cube {

class FileTimes {
 public:
  // `datetime`: one a file, or empty. `pattern`: a regular expression whose first group, or all of
  // it, is the time in a file's name or else in its path. `format`: how it is written there, as of
  // parse_time(); default ISO 8601. Throws Error at "/datetime", "/datetime_pattern", ...
  FileTimes(std::vector<std::string> datetime, const std::optional<std::string>& pattern,
            std::optional<std::string> format);

  // The time of file `i`; nullopt when only the file itself can tell.
  std::optional<Instant> time_of(std::size_t i, const NamedFile& file) const;

 private:
  Instant given(std::size_t i) const;
  Instant from_name(const NamedFile& file) const;
  std::optional<std::string> found_in(const std::string& text) const;

  std::vector<std::string> datetime_;
  std::string pattern_;
  std::optional<std::string> format_;
  std::optional<std::regex> regex_;
};

}  // namespace cube
