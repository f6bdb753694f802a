// Doubles that are no numbers.
#pragma once

#include <limits>

namespace cube {

// The missing cell, whatever a band's own nodata value is.
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace cube
