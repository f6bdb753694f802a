#include "engine/colour_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

struct Ramp {
  const char* name;
  const char* colours;  // red, green and blue, two hexadecimal digits each
};
constexpr std::array kRamps = {
    Ramp{"viridis", "440154 482878 3e4a89 31688e 26828e 1f9e89 35b779 6dcd59 fde725"},
    Ramp{"gray", "000000 ffffff"},
    Ramp{"ndvi", "784519 b28c50 ecdcaa bed26e 78af41 2d7d28 054614"},
    Ramp{"magma", "000004 1c1044 4f127b 812581 b5367a e55064 fb8761 fec287 fcfdbf"},
    Ramp{"inferno", "000004 1f0c48 550f6d 88226a ba3655 e35933 f98c0a f9c932 fcffa4"},
    Ramp{"terrain", "006147 3c8c46 a0be64 e8d77d b4783c 82503c c8beb9 ffffff"},
    Ramp{"RdYlGn", "a50026 d73027 f46d43 fdae61 fee08b ffffbf d9ef8b a6d96a 66bd63 1a9850 006837"},
    Ramp{"RdBu", "67001f b2182b d6604d f4a582 fddbc7 f7f7f7 d1e5f0 92c5de 4393c3 2166ac 053061"},
    Ramp{"spectral",
         "9e0142 d53e4f f46d43 fdae61 fee08b ffffbf e6f598 abdda4 66c2a5 3288bd 5e4fa2"},
    Ramp{"blues", "f7fbff c6dbef 6baed6 2171b5 08306b"},
};

Rgb opaque(const Rgba& colour) { return {colour[0], colour[1], colour[2]}; }

}  // namespace

const std::vector<std::string>& ramp_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const Ramp& ramp : kRamps) names.emplace_back(ramp.name);
    return names;
  }();
  return kNames;
}

ColourMap ColourMap::ramp(std::string_view name) {
  ColourMap map;
  const Ramp& ramp = kRamps[find_name(ramp_names(), std::string(name)).value_or(0)];
  for (const std::string& colour : split(ramp.colours, ' ')) {
    map.ramp_.push_back(opaque(parse_colour("#" + colour).value()));
  }
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
    map.classes_[*value] = opaque(*colour);
  }
  return map;
}

ColourMap ColourMap::classes(const BandClasses& classes) {
  ColourMap map;
  for (const BandClass& one : classes) {
    if (one.colour && (*one.colour)[3] > 0) map.classes_[one.value] = opaque(*one.colour);
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
