#include <array>

#include "engine/error.h"
#include "engine/image_reader.h"
#include "engine/text.h"

namespace cube {

namespace {

struct Method {
  std::string_view name;
  Resampling method;
};

// The first name of a method is the one that is written.
constexpr std::array kMethods = {
    Method{"near", Resampling::kNearest},
    Method{"nearest", Resampling::kNearest},
    Method{"bilinear", Resampling::kBilinear},
    Method{"cubic", Resampling::kCubic},
    Method{"cubicspline", Resampling::kCubicSpline},
    Method{"lanczos", Resampling::kLanczos},
    Method{"average", Resampling::kAverage},
    Method{"rms", Resampling::kRms},
    Method{"sum", Resampling::kSum},
    Method{"mode", Resampling::kMode},
    Method{"min", Resampling::kMin},
    Method{"max", Resampling::kMax},
    Method{"med", Resampling::kMedian},
    Method{"median", Resampling::kMedian},
    Method{"q1", Resampling::kQ1},
    Method{"q3", Resampling::kQ3},
};

}  // namespace

std::vector<std::string> resampling_names() {
  std::vector<std::string> names;
  for (const Method& m : kMethods) names.emplace_back(m.name);
  return names;
}

Resampling parse_resampling(std::string_view text, std::string_view where) {
  for (const Method& m : kMethods) {
    if (m.name == text) return m.method;
  }
  throw Error(ErrorCode::kInvalid, "there is no resampling method '" + std::string(text) + "'",
              std::string(where), suggest(resampling_names(), text));
}

bool picks(Resampling method) {
  return method == Resampling::kNearest || method == Resampling::kMode ||
         method == Resampling::kMin || method == Resampling::kMax;
}

std::string_view name(Resampling method) {
  for (const Method& m : kMethods) {
    if (m.method == method) return m.name;
  }
  return {};
}

}  // namespace cube
