// The missing cell among doubles, whatever a band's own nodata value is.
#pragma once

#include <limits>

namespace cube {

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

}  // namespace cube
