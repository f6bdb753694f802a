// ColourMap: which colour stands for a value. Ramps are evenly spaced colours, linear in between:
// viridis, magma and inferno follow matplotlib's, RdYlGn, RdBu and spectral ColorBrewer's.
// Thread rule: immutable.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/band_classes.h"

namespace cube {

using Rgb = std::array<std::uint8_t, 3>;

class ColourMap {
 public:
  // A ramp by its name, in any case. REQUIRES: one of ramp_names().
  static ColourMap ramp(std::string_view name);

  // Colours of classes, "1=#1f78b4,2=#33a02c,...". Values that are not listed have no colour.
  // Throws Error(kInvalid) with `where`.
  static ColourMap classes(const std::string& list, const std::string& where);

  // Those of a band; what is transparent there has no colour here.
  static ColourMap classes(const BandClasses& classes);

  bool has_classes() const { return !classes_.empty(); }

  // Of a ramp: `position` from 0 to 1, beyond which the ends go on. With `levels` the ramp has so
  // many colours, 0 = as many as there are.
  Rgb at(double position, int levels = 0) const;

  // Of classes: null when the value is none.
  const Rgb* of_class(double value) const;

 private:
  std::vector<Rgb> ramp_;
  std::map<double, Rgb> classes_;
};

// Names of the ramps, the first is the default.
const std::vector<std::string>& ramp_names();

}  // namespace cube
