// The arguments of gdalwarp in graphs of gdalcubes: what they say about images that are read here.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/image_reader.h"

namespace cube {

struct WarpArgs {
  std::optional<std::string> resampling;  // -r
  std::optional<double> nodata;           // -srcnodata; NaN = None: the files' own does not count
  OverviewChoice overviews;               // -ovr

  // Gives the bands of a collection the nodata value, if there is one.
  void apply(std::vector<BandInfo>& bands) const;
};

// Arguments that only say how gdalwarp works (threads, memory, how exact) are passed over. Throws
// Error(kInvalid) at "/warp_args/INDEX" for those that cannot be kept to.
WarpArgs parse_warp_args(std::span<const std::string> args);

extern const char* const kWarpArgsHelp;

}  // namespace cube
