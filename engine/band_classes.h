// BandClasses: what the values of a band stand for, and the colours they are shown in: a raster's
// colour table and category names, the flag_values and flag_meanings of CF.
// Thread rule: values and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dtype.h"

namespace cube {

using Rgba = std::array<std::uint8_t, 4>;  // red, green, blue, alpha

struct BandClass {
  double value = 0;       // as stored
  std::string name = {};  // "" = none
  std::optional<Rgba> colour = {};

  bool operator==(const BandClass&) const = default;
};

// By rising values, each once. Empty: a band of quantities.
using BandClasses = std::vector<BandClass>;

// Those whose values a type can hold.
BandClasses held_by(BandClasses classes, DType dtype);

bool have_names(const BandClasses& classes);    // at least one
bool have_colours(const BandClasses& classes);  // at least one

// CF's words for classes (CF 1.8, 3.5): blanks between meanings, and between colours, "#rrggbb",
// which are not CF's but ESA CCI's. Classes without a name are left out; colours are "" where one
// has none.
struct Flags {
  std::vector<double> values;
  std::string meanings;
  std::string colours;
};
Flags flags_of(const BandClasses& classes);

// Empty where there are not as many meanings as values; of colours likewise none.
BandClasses classes_of(const Flags& flags);

// The words of a list: "a b c", "1, 2, 3" and "{1,2,3}".
std::vector<std::string> words_of(std::string_view text);

// "#rrggbb", in any case; nullopt for anything else.
std::optional<Rgba> parse_colour(const std::string& text);
std::string colour_text(const Rgba& colour);

}  // namespace cube
