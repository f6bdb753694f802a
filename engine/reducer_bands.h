// Pairs [reducer, band] as documents name them: which bands are reduced and how the results are
// described. Shared by the operators that take "reducer_bands" and "names".
// Thread rule: pure functions and values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/cube_info.h"
#include "engine/reducers.h"

namespace cube {

// What a field says that takes one reducer.
inline constexpr const char* kReducerHelp =
    "The reducer: min, max, mean, median, sum, prod, count, var, sd (of a sample), first, last, "
    "which_min, which_max, mode, range, q1, q3, p90 (any percentile), any, all, rms, mad; as an "
    "object with its parameters.";

struct ReducerBands {
  std::vector<std::pair<ReducerSpec, std::string>> reducer_bands;
  std::vector<std::string> names;

  // Declares both arguments.
  void fields(FieldVisitor& v, bool required);
};

struct ReducedBand {
  std::size_t source;  // band of the input
  Reducer reducer;
  BandInfo info;  // of the result
};

// Looks up reducers and bands. `length` is how many values a reduction takes at most. Throws
// Error(kInvalid or kNotFound) at /reducer_bands or /names.
std::vector<ReducedBand> reduced_bands(const ReducerBands& params, const CubeInfo& in,
                                       std::int64_t length);

// The same of every band, band by band, named BAND_REDUCER. Throws Error(kInvalid) at /reducers.
std::vector<ReducedBand> reduced_bands(const std::vector<ReducerSpec>& reducers, const CubeInfo& in,
                                       std::int64_t length);

std::vector<BandInfo> infos(const std::vector<ReducedBand>& bands);

}  // namespace cube
