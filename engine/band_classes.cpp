#include "engine/band_classes.h"

#include <algorithm>
#include <utility>

#include "engine/text.h"

namespace cube {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::uint8_t kOpaque = 255;

bool is_between(char c) { return std::string_view(" ,{}\t\r\n").find(c) != std::string_view::npos; }

}  // namespace

BandClasses held_by(BandClasses classes, DType dtype) {
  std::erase_if(classes, [&](const BandClass& one) { return !can_hold(dtype, one.value); });
  return classes;
}

bool have_names(const BandClasses& classes) {
  return std::ranges::any_of(classes, [](const BandClass& one) { return !one.name.empty(); });
}

bool have_colours(const BandClasses& classes) {
  return std::ranges::any_of(classes, [](const BandClass& one) { return one.colour.has_value(); });
}

Flags flags_of(const BandClasses& classes) {
  Flags out;
  bool coloured = true;
  const auto add = [](std::string& list, const std::string& word) {
    if (!list.empty()) list += ' ';
    list += word;
  };
  for (const BandClass& one : classes) {
    if (one.name.empty()) continue;
    std::string word = one.name;
    std::ranges::replace_if(word, is_between, '_');
    out.values.push_back(one.value);
    add(out.meanings, word);
    coloured = coloured && one.colour;
    if (coloured) add(out.colours, colour_text(*one.colour));
  }
  if (!coloured) out.colours.clear();
  return out;
}

BandClasses classes_of(const Flags& flags) {
  const std::vector<std::string> names = words_of(flags.meanings);
  const std::vector<std::string> colours = words_of(flags.colours);
  if (names.size() != flags.values.size()) return {};
  BandClasses out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out.push_back({.value = flags.values[i], .name = names[i]});
    if (colours.size() == names.size()) out.back().colour = parse_colour(colours[i]);
  }
  std::ranges::stable_sort(out, {}, &BandClass::value);
  const auto same = [](const BandClass& a, const BandClass& b) { return a.value == b.value; };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text) {
    if (!is_between(c)) {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) out.push_back(word);
  return out;
}

std::optional<Rgba> parse_colour(const std::string& text) {
  constexpr std::size_t kLength = 7;
  const std::string key = lower(text);
  if (key.size() != kLength || key[0] != '#') return std::nullopt;
  Rgba colour{0, 0, 0, kOpaque};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t high = kHexDigits.find(key[2 * i + 1]);
    const std::size_t low = kHexDigits.find(key[2 * i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    colour[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return colour;
}

std::string colour_text(const Rgba& colour) {
  std::string out = "#";
  for (std::size_t i = 0; i < 3; ++i) {
    out += kHexDigits[colour[i] / 16];
    out += kHexDigits[colour[i] % 16];
  }
  return out;
}

}  // namespace cube
