// Reprojection: the way between a view and longitudes that count on beyond 180, as those of some
// geolocation arrays and ground control points do; PROJ's are within -180 and 180.
// Thread rule: one a thread.
#pragma once

#include <cmath>
#include <span>
#include <string>

#include "engine/gdal/crs.h"

namespace cube {

class Reprojection {
 public:
  // Places are looked for within half a turn of the longitude `middle`. Throws Error(kInvalid)
  // where there is no way from one CRS to the other.
  Reprojection(const std::string& view, const std::string& image, double middle)
      : to_image_(view, image), to_view_(image, view), middle_(middle) {}

  // Points that cannot be transformed become what GDAL's transformers leave alone.
  void to_image(std::span<double> x, std::span<double> y) const {
    constexpr double kTurn = 360;
    to_image_.apply(x, y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] += kTurn * std::nearbyint((middle_ - x[i]) / kTurn);
      if (!std::isfinite(x[i]) || !std::isfinite(y[i])) x[i] = y[i] = HUGE_VAL;
    }
  }
  void to_view(std::span<double> x, std::span<double> y) const { to_view_.apply(x, y); }

 private:
  CrsTransform to_image_, to_view_;
  double middle_;
};

}  // namespace cube
