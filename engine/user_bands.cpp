#include "engine/user_bands.h"

#include <algorithm>

namespace cube {

void UserBands::fields(FieldVisitor& v) {
  v.field({.name = "bands", .help = "Names of the bands that it makes.", .one_or_many = true},
          bands);
  v.field(
      {.name = "dtype",
       .help = "Types they are stored in, one for all or one each; by default float32, or float64 "
               "where the input has 32-bit integers or float64. Integers round to nearest and "
               "clamp.",
       .one_or_many = true},
      storage.dtype);
  v.field({.name = "nodata",
           .help = "Stored values that mean missing, of bands of an integer type.",
           .one_or_many = true},
          storage.nodata);
}

std::vector<BandInfo> UserBands::made(DType preset) const {
  std::vector<BandInfo> out;
  for (std::size_t i = 0; i < bands.size(); ++i) {
    if (bands[i].empty()) {
      throw Error(ErrorCode::kInvalid, "a band needs a name", "/bands" + pointer_step(i));
    }
    out.push_back(storage.apply({.name = bands[i]}, i, bands.size(), preset, "band",
                                "its cells can be missing; nodata says how to store them"));
  }
  check_unique_bands(out, "/bands");
  return out;
}

DType common_arithmetic_dtype(const CubeInfo& cube) {
  const bool wide = std::any_of(cube.bands.begin(), cube.bands.end(), [](const BandInfo& band) {
    return arithmetic_dtype(band.dtype) == DType::kFloat64;
  });
  return wide ? DType::kFloat64 : DType::kFloat32;
}

}  // namespace cube
