#include <array>

#include "engine/error.h"
#include "engine/image_reader.h"
#include "engine/text.h"

namespace cube {

namespace {

const std::vector<std::string>& known_methods() {
  static const std::vector<std::string> kNames = {"near", "nearest", "bilinear"};
  return kNames;
}

constexpr std::array<std::string_view, 12> kLater = {"cubic", "cubicspline", "lanczos", "average",
                                                     "mode",  "min",         "max",     "med",
                                                     "q1",    "q3",          "sum",     "rms"};

}  // namespace

Resampling parse_resampling(std::string_view text, std::string_view where) {
  if (text == "near" || text == "nearest") return Resampling::kNearest;
  if (text == "bilinear") return Resampling::kBilinear;
  for (const std::string_view later : kLater) {
    if (text != later) continue;
    throw Error(ErrorCode::kInvalid,
                "resampling method '" + std::string(text) + "' is not there yet",
                std::string(where), "near or bilinear");
  }
  throw Error(ErrorCode::kInvalid, "there is no resampling method '" + std::string(text) + "'",
              std::string(where), suggest(known_methods(), text));
}

std::string_view name(Resampling method) {
  return method == Resampling::kNearest ? "near" : "bilinear";
}

}  // namespace cube
