// Small helpers for text that several parts need: names, lists, numbers, suggestions.
// Thread rule: pure functions. None depends on the locale.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cube {

// ASCII lower case.
std::string lower(std::string_view text);

// "a, b, c".
std::string join(std::span<const std::string> parts, std::string_view separator = ", ");

std::vector<std::string> split(std::string_view text, char separator);

// The text without each `part`.
std::string erase_all(std::string text, std::string_view part);

// "/KEY" as a step of a JSON pointer ("~" and "/" escaped), or "/INDEX".
std::string pointer_step(std::string_view key);
std::string pointer_step(std::size_t index);

// The shortest decimal text that reads back as the same double; "nan", "inf", "-inf".
std::string number_text(double value);

// The same in at most so many significant digits, for people.
std::string number_text(double value, int digits);

// The whole text as a number, with '.' as the decimal point; nullopt otherwise.
std::optional<double> parse_number(std::string_view text);

// Index of `name` in `names`: an exact match, else the only match when case is ignored.
// nullopt when there is none or when several differ only in case.
std::optional<std::size_t> find_name(std::span<const std::string> names, std::string_view name);

// The element of `known` nearest to `name` by edit distance (a swap of neighbours
// is one edit, case does not count), if near enough to be a typing error.
std::optional<std::string> nearest_name(std::span<const std::string> known, std::string_view name);

// A hint for an unknown name: "did you mean 'B04'?", or the names that begin with it, or "one of a,
// b, c".
std::string suggest(std::span<const std::string> known, std::string_view name);

// The text with the queries of URLs, in which signatures and keys stand, as "?...", the names of
// users and passwords in them as "...@", and "password=..." of connections: for messages and
// outputs.
std::string without_queries(std::string_view text);

// "1 band", "3 bands"; `many` is the plural where an "s" does not make it.
std::string counted(std::int64_t n, std::string_view one, std::string_view many = {});
template <std::unsigned_integral T>
std::string counted(T n, std::string_view one, std::string_view many = {}) {
  return counted(static_cast<std::int64_t>(n), one, many);
}

// "0 to 4", or "0" where both are the same.
std::string range_text(std::int64_t first, std::int64_t last);

// "5 is none of the 3 columns", "5 is not the only column".
std::string none_of(const std::string& index, std::int64_t size, std::string_view one);

// A byte count for people: "512 B", "3.4 MB", "1.2 GB" (powers of 1000).
std::string bytes_text(double bytes);

// "4G", "512M", "800k", "1073741824" as bytes (powers of 1024); nullopt when it is none of these.
std::optional<double> parse_bytes(std::string_view text);

}  // namespace cube
