#include "engine/colour_map.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

using Ramps = std::vector<std::pair<std::string, std::vector<Rgb>>>;

const Ramps& ramps() {
  static const Ramps kRamps = {
      {"viridis",
       {{68, 1, 84},
        {72, 40, 120},
        {62, 74, 137},
        {49, 104, 142},
        {38, 130, 142},
        {31, 158, 137},
        {53, 183, 121},
        {109, 205, 89},
        {253, 231, 37}}},
      {"gray", {{0, 0, 0}, {255, 255, 255}}},
      {"ndvi",
       {{120, 69, 25},
        {178, 140, 80},
        {236, 220, 170},
        {190, 210, 110},
        {120, 175, 65},
        {45, 125, 40},
        {5, 70, 20}}},
      {"magma",
       {{0, 0, 4},
        {28, 16, 68},
        {79, 18, 123},
        {129, 37, 129},
        {181, 54, 122},
        {229, 80, 100},
        {251, 135, 97},
        {254, 194, 135},
        {252, 253, 191}}},
      {"inferno",
       {{0, 0, 4},
        {31, 12, 72},
        {85, 15, 109},
        {136, 34, 106},
        {186, 54, 85},
        {227, 89, 51},
        {249, 140, 10},
        {249, 201, 50},
        {252, 255, 164}}},
      {"terrain",
       {{0, 97, 71},
        {60, 140, 70},
        {160, 190, 100},
        {232, 215, 125},
        {180, 120, 60},
        {130, 80, 60},
        {200, 190, 185},
        {255, 255, 255}}},
      {"RdYlGn",
       {{165, 0, 38},
        {215, 48, 39},
        {244, 109, 67},
        {253, 174, 97},
        {254, 224, 139},
        {255, 255, 191},
        {217, 239, 139},
        {166, 217, 106},
        {102, 189, 99},
        {26, 152, 80},
        {0, 104, 55}}},
      {"RdBu",
       {{103, 0, 31},
        {178, 24, 43},
        {214, 96, 77},
        {244, 165, 130},
        {253, 219, 199},
        {247, 247, 247},
        {209, 229, 240},
        {146, 197, 222},
        {67, 147, 195},
        {33, 102, 172},
        {5, 48, 97}}},
      {"spectral",
       {{158, 1, 66},
        {213, 62, 79},
        {244, 109, 67},
        {253, 174, 97},
        {254, 224, 139},
        {255, 255, 191},
        {230, 245, 152},
        {171, 221, 164},
        {102, 194, 165},
        {50, 136, 189},
        {94, 79, 162}}},
      {"blues", {{247, 251, 255}, {198, 219, 239}, {107, 174, 214}, {33, 113, 181}, {8, 48, 107}}},
  };
  return kRamps;
}

// "#rrggbb"; nullopt for anything else.
std::optional<Rgb> parse_colour(const std::string& text) {
  constexpr std::size_t kLength = 7;
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string key = lower(text);
  if (key.size() != kLength || key[0] != '#') return std::nullopt;
  Rgb colour{};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t high = kDigits.find(key[2 * i + 1]);
    const std::size_t low = kDigits.find(key[2 * i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    colour[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return colour;
}

}  // namespace

const std::vector<std::string>& ramp_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& [name, colours] : ramps()) names.push_back(name);
    return names;
  }();
  return kNames;
}

ColourMap ColourMap::ramp(std::string_view name) {
  ColourMap map;
  map.ramp_ = ramps()[find_name(ramp_names(), std::string(name)).value_or(0)].second;
  return map;
}

ColourMap ColourMap::classes(const std::string& list, const std::string& where) {
  ColourMap map;
  for (const std::string& entry : split(list, ',')) {
    const std::size_t equals = entry.find('=');
    const auto value = parse_number(entry.substr(0, equals));
    const auto colour =
        equals == std::string::npos ? std::nullopt : parse_colour(entry.substr(equals + 1));
    if (!value || !colour) {
      throw Error(ErrorCode::kInvalid, "option CLASSES holds '" + entry + "'", where,
                  "VALUE=#rrggbb, separated by commas: CLASSES=1=#1f78b4,2=#33a02c");
    }
    map.classes_[*value] = *colour;
  }
  return map;
}

Rgb ColourMap::at(double position, int levels) const {
  double place = std::clamp(position, 0.0, 1.0);
  if (levels > 1) place = std::round(place * (levels - 1)) / (levels - 1);
  const double scaled = place * static_cast<double>(ramp_.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(scaled), ramp_.size() - 2);
  const double part = scaled - static_cast<double>(low);
  Rgb out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double step = static_cast<double>(ramp_[low + 1][i]) - ramp_[low][i];
    out[i] = static_cast<std::uint8_t>(std::lround(ramp_[low][i] + part * step));
  }
  return out;
}

const Rgb* ColourMap::of_class(double value) const {
  const auto found = classes_.find(value);
  return found == classes_.end() ? nullptr : &found->second;
}

}  // namespace cube
