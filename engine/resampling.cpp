#include <array>

#include "engine/error.h"
#include "engine/image_reader.h"
#include "engine/text.h"

namespace cube {

namespace {

struct Method {
  std::string_view name;
  Resampling method;
  bool there;  // this version has it
};

// The first name of a method is the one that is written.
constexpr std::array kMethods = {
    Method{"near", Resampling::kNearest, true},
    Method{"nearest", Resampling::kNearest, true},
    Method{"bilinear", Resampling::kBilinear, true},
    Method{"cubic", Resampling::kCubic, false},
    Method{"cubicspline", Resampling::kCubicSpline, false},
    Method{"lanczos", Resampling::kLanczos, false},
    Method{"average", Resampling::kAverage, false},
    Method{"rms", Resampling::kRms, false},
    Method{"sum", Resampling::kSum, false},
    Method{"mode", Resampling::kMode, false},
    Method{"min", Resampling::kMin, false},
    Method{"max", Resampling::kMax, false},
    Method{"med", Resampling::kMedian, false},
    Method{"median", Resampling::kMedian, false},
    Method{"q1", Resampling::kQ1, false},
    Method{"q3", Resampling::kQ3, false},
};

}  // namespace

Resampling parse_resampling(std::string_view text, std::string_view where) {
  std::vector<std::string> names;
  for (const Method& m : kMethods) {
    if (m.there) names.emplace_back(m.name);
    if (m.name != text) continue;
    if (m.there) return m.method;
    throw Error(ErrorCode::kInvalid,
                "resampling method '" + std::string(text) + "' is not there yet",
                std::string(where), "near or bilinear");
  }
  throw Error(ErrorCode::kInvalid, "there is no resampling method '" + std::string(text) + "'",
              std::string(where), suggest(names, text));
}

std::string_view name(Resampling method) {
  for (const Method& m : kMethods) {
    if (m.method == method) return m.name;
  }
  return {};
}

}  // namespace cube
