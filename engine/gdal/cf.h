// A cube in the words of the CF conventions 1.8: what netCDF and Zarr outputs share.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/cube_info.h"
#include "engine/sink.h"

namespace cube {

using CfValue = std::variant<std::string, double, std::vector<double>>;
using CfAttributes = std::vector<std::pair<std::string, CfValue>>;

// A coordinate or bounds variable: int64 for times, double for places.
struct CfVariable {
  std::string name;
  std::vector<std::string> dimensions;
  std::variant<std::vector<std::int64_t>, std::vector<double>> values;
  CfAttributes attributes;
};

struct CfCube {
  std::string time, y, x;               // names of the dimensions and their coordinates
  std::vector<CfVariable> coordinates;  // cell centres; slices' starts, with bounds when regular
  std::string grid_mapping;             // name of the variable, "" where the cube has no CRS
  CfAttributes crs;                     // its attributes
  CfAttributes global;                  // title, history, source
  std::vector<CfAttributes> bands;      // long_name, units, scale_factor, add_offset, grid_mapping
};

// The attribute of the times of a regular axis that states its step as an ISO 8601 period: bounds
// alone do not tell a month from 31 days.
inline constexpr const char* kTimeStep = "cube_step";

// The attribute of a band that has the type of its cells (CF 1.8, 3.5).
inline constexpr const char* kFlagValues = "flag_values";

// Dimensions are time, y, x or time, latitude, longitude. Times count in the largest of days,
// hours, minutes and seconds that all are whole numbers of, since 1970-01-01.
CfCube describe_cf(const CubeInfo& info, const Provenance& provenance);

// Throws Error(kInvalid) with `where` when a band's name cannot be that of a variable.
void check_variable_names(const CubeInfo& info, const std::string& where);

}  // namespace cube
