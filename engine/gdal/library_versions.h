// Versions of the libraries that cells depend on: for reports and records.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cube {

// {"GDAL", "3.6.2"}, {"PROJ", ...}, {"HDF5", ...}, {"netCDF", ...}: those that the program runs
// with.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace cube
