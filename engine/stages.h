// Stages: what the seconds of a run went to.
// Thread rule: values, one a worker, which are added up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace cube {

enum class Stage : std::uint8_t {
  kOpen,     // opening files of images
  kRead,     // reading cells; where a library reads and decodes (GDAL, netCDF), both
  kDecode,   // decompressing them
  kWarp,     // putting them onto the cube's grid
  kFormula,  // evaluating formulas
  kReduce,   // making one value of many: along time, in space, of the images of a slice
  kEncode,   // compressing results; where GDAL does it while it writes it counts as writing
  kWrite,    // writing them, waiting for one another there too
  kWait,     // for other workers: at the end, and for the pieces they compute
  kOther,
};

inline constexpr std::array kStageNames = {"open",   "read",   "decode", "warp", "formula",
                                           "reduce", "encode", "write",  "wait", "other"};

struct Stages {
  std::array<double, kStageNames.size()> seconds{};

  double& operator[](Stage stage) { return seconds[static_cast<std::size_t>(stage)]; }
  double operator[](Stage stage) const { return seconds[static_cast<std::size_t>(stage)]; }
  double sum() const { return std::accumulate(seconds.begin(), seconds.end(), 0.0); }
  Stages& operator+=(const Stages& more) {
    for (std::size_t i = 0; i < seconds.size(); ++i) seconds[i] += more.seconds[i];
    return *this;
  }
};

}  // namespace cube
