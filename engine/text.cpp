#include "engine/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace cube {

namespace {

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Optimal string alignment: letters put in, left out, replaced, or swapped with their neighbour.
std::size_t edit_distance(std::string_view left, std::string_view right) {
  const std::string a = lower(left);
  const std::string b = lower(right);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  std::vector<std::size_t> above = row;
  std::vector<std::size_t> two_above = row;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_above.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return row[b.size()];
}

// Where a "://" or a "/vsicurl?" begins; npos = nowhere.
std::size_t begin_of_url(std::string_view text) {
  for (std::size_t at = 0; (at = text.find_first_of(":/", at)) != std::string_view::npos; ++at) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("://") || rest.starts_with("/vsicurl?")) return at;
  }
  return std::string_view::npos;
}

// Where the value of a password ends that `text` begins with: quoted ones have \' or '' for a
// quote.
std::size_t end_of_password(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] == '\'') {
    for (++at; at < text.size() && text[at] != '\''; ++at) {
      if (text[at] == '\\') ++at;
    }
    at = std::min(at + 1, text.size());
  }
  return std::min(text.find_first_of(" \t\n;,&\"'()<>`", at), text.size());
}

// "password=..." of what connections to databases are written as.
std::string without_passwords(std::string_view text) {
  std::string out;
  for (std::size_t equals = 0; (equals = text.find('=')) != std::string_view::npos;) {
    const std::string_view before = text.substr(0, equals);
    const std::string key = lower(before.substr(before.size() - std::min<std::size_t>(8, equals)));
    out += text.substr(0, equals + 1);
    text.remove_prefix(equals + 1);
    if (!key.ends_with("password") && !key.ends_with("pwd")) continue;
    const std::size_t end = end_of_password(text);
    if (end == 0) continue;
    out += "...";
    text.remove_prefix(end);
  }
  return out += text;
}

// Adds what may be shown of a URL, from its "://" or from a "/vsicurl?" on.
void add_url(std::string_view url, std::string& out) {
  constexpr std::string_view kScheme = "://";
  const std::string_view host = url.substr(0, url.find_first_of("/?#", kScheme.size()));
  const std::size_t user = url.starts_with(kScheme) ? host.rfind('@') : std::string_view::npos;
  if (user != std::string_view::npos) {
    out.append(kScheme).append("...");
    url.remove_prefix(user);
  }
  const std::size_t query = url.find('?');
  out += url.substr(0, query);
  if (query == std::string_view::npos) return;
  // What ends a clause is the sentence's, not the URL's.
  const std::size_t last = url.find_last_not_of(".,:;");
  const bool hidden = last == query && url.substr(query).starts_with("?...");
  out.append("?...").append(url.substr(hidden ? query + 4 : last + 1));
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_char);
  return out;
}

std::string without_queries(std::string_view text) {
  const std::string hidden = without_passwords(text);
  text = hidden;
  std::string out;
  while (!text.empty()) {
    const std::size_t begin = begin_of_url(text);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t\n\"'()<>`", begin), text.size());
    out += text.substr(0, begin);
    add_url(text.substr(begin, end - begin), out);
    text.remove_prefix(end);
  }
  return out += text;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    out.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return out;
    begin = end + 1;
  }
}

std::string erase_all(std::string text, std::string_view part) {
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos;) {
    text.erase(at, part.size());
  }
  return text;
}

std::string pointer_step(std::string_view key) {
  std::string step = "/";
  for (const char c : key) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

std::string pointer_step(std::size_t index) {
  return std::string("/").append(std::to_string(index));
}

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), result.ptr);
}

std::string number_text(double value, int digits) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                    std::chars_format::general, digits);
  return std::string(buffer.data(), result.ptr);
}

std::optional<double> parse_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::size_t> find_name(std::span<const std::string> names, std::string_view name) {
  std::optional<std::size_t> folded;
  bool ambiguous = false;
  const std::string wanted = lower(name);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return i;
    if (lower(names[i]) != wanted) continue;
    ambiguous = folded.has_value();
    folded = i;
  }
  return ambiguous ? std::nullopt : folded;
}

std::optional<std::string> nearest_name(std::span<const std::string> known, std::string_view name) {
  constexpr std::size_t kLongest = 100;  // nobody types more
  if (name.size() > kLongest) return std::nullopt;
  const std::size_t limit = std::max<std::size_t>(1, name.size() / 3);
  std::optional<std::string> best;
  std::size_t best_distance = limit + 1;
  for (const std::string& candidate : known) {
    const bool alike =
        candidate.size() <= name.size() + limit && name.size() <= candidate.size() + limit;
    if (!alike) continue;
    const std::size_t distance = edit_distance(candidate, name);
    const bool wholly = distance >= std::max(candidate.size(), name.size());  // nothing is the same
    if (distance < best_distance && !wholly) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggest(std::span<const std::string> known, std::string_view name) {
  if (const auto near = nearest_name(known, name)) return "did you mean '" + *near + "'?";
  if (known.empty()) return {};
  // "reduce" is how reduce_space and reduce_time begin.
  std::vector<std::string> longer;
  for (const std::string& each : known) {
    if (name.size() >= 3 && lower(each).starts_with(lower(name)))
      longer.push_back("'" + each + "'");
  }
  if (!longer.empty()) return "did you mean " + join(longer, " or ") + "?";
  return "one of " + join(known);
}

std::string counted(std::int64_t n, std::string_view one, std::string_view many) {
  std::string out = std::to_string(n) + " ";
  if (n == 1 || many.empty()) out += one;
  if (n != 1) out += many.empty() ? "s" : many;
  return out;
}

std::string range_text(std::int64_t first, std::int64_t last) {
  return first == last ? std::to_string(first)
                       : std::to_string(first) + " to " + std::to_string(last);
}

std::string none_of(const std::string& index, std::int64_t size, std::string_view one) {
  if (size == 1) return index + " is not the only " + std::string(one);
  return index + " is none of the " + counted(size, one);
}

std::string bytes_text(double bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  const double rounded = bytes < 10 && unit > 0 ? std::round(bytes * 10) / 10 : std::round(bytes);
  return number_text(rounded) + " " + kUnits[unit];
}

std::optional<double> parse_bytes(std::string_view text) {
  double factor = 1;
  if (!text.empty() && (text.back() == 'B' || text.back() == 'b')) text.remove_suffix(1);
  if (!text.empty()) {
    static constexpr std::string_view kPrefixes = "kmgt";
    const std::size_t power = kPrefixes.find(lower_char(text.back()));
    if (power != std::string_view::npos) {
      factor = std::pow(1024.0, static_cast<double>(power + 1));
      text.remove_suffix(1);
    }
  }
  const auto value = parse_number(text);
  if (!value || *value <= 0) return std::nullopt;
  return *value * factor;
}

}  // namespace cube
