#include "engine/file_times.h"

#include <utility>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

// What std::regex, which recurses once a character, is trusted with.
constexpr std::size_t kLongestPath = 4096;

}  // namespace

FileTimes::FileTimes(std::vector<std::string> datetime, const std::optional<std::string>& pattern,
                     std::optional<std::string> format)
    : datetime_(std::move(datetime)), pattern_(pattern.value_or("")), format_(std::move(format)) {
  if (!datetime_.empty() && (pattern || format_)) {
    throw Error(ErrorCode::kInvalid, "'datetime' and a pattern of file names are both given",
                pattern ? "/datetime_pattern" : "/datetime_format", "leave one of them out");
  }
  if (format_ && !pattern) {
    throw Error(ErrorCode::kInvalid, "a format without a pattern", "/datetime_format",
                "\"datetime_pattern\" says where the time stands in a file's name");
  }
  if (!pattern) return;
  try {
    regex_.emplace(pattern_);
  } catch (const std::regex_error& error) {
    throw Error(ErrorCode::kInvalid,
                "'" + pattern_ + "' is not a regular expression: " + error.what(),
                "/datetime_pattern");
  }
}

std::optional<Instant> FileTimes::time_of(std::size_t i, const NamedFile& file) const {
  if (!datetime_.empty()) return given(i);
  if (regex_) return from_name(file);
  return std::nullopt;
}

Instant FileTimes::given(std::size_t i) const {
  if (const auto span = parse_time(datetime_[i])) return span->start;
  throw Error(ErrorCode::kInvalid, "'" + datetime_[i] + "' is no time",
              "/datetime" + pointer_step(i), "such as 2023-06-15 or 2023-06-15T10:50:31");
}

Instant FileTimes::from_name(const NamedFile& file) const {
  const std::string name = file.name.substr(file.name.rfind('/') + 1);
  std::optional<std::string> text = found_in(name);
  if (!text) text = found_in(file.name);
  if (!text) {
    throw Error(ErrorCode::kInvalid, "nothing in '" + name + "' matches the pattern", file.where,
                pattern_);
  }
  if (format_) {
    if (const auto time = parse_time(*text, *format_)) return *time;
    throw Error(ErrorCode::kInvalid,
                "'" + *text + "' of " + name + " is no time of the format '" + *format_ + "'",
                "/datetime_format", "%Y %m %d %j %H %M %S");
  }
  if (const auto span = parse_time(*text)) return span->start;
  throw Error(ErrorCode::kInvalid, "'" + *text + "' of " + name + " is no time",
              "/datetime_pattern", "\"datetime_format\" says how it is written");
}

std::optional<std::string> FileTimes::found_in(const std::string& text) const {
  std::smatch groups;
  if (text.size() > kLongestPath || !std::regex_search(text, groups, *regex_)) return std::nullopt;
  return groups.size() > 1 && groups[1].matched ? groups[1].str() : groups[0].str();
}

}  // namespace cube
