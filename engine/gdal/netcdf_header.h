// The header of a classic netCDF file, looked at before libnetcdf reads it. That takes memory for
// as many dimensions, attributes and variables as the header counts, gigabytes for a file of some
// bytes, copies names that are longer than it allows into buffers as long as it allows (libnetcdf
// 4.9.0, NC3_inq_dim), as all its users have, GDAL too, and takes cells beyond the end of a file
// that was not copied whole for zeros. Layout: "The NetCDF Classic Format Specification",
// docs.unidata.ucar.edu/netcdf-c. Thread rule: pure functions of the file system.
#pragma once

#include <cstdint>
#include <string>

namespace cube {

struct ClassicHeader {
  // False when it is cut off, a list has more elements than bytes are left in the file, a name or
  // the dimensions of a variable are more than libnetcdf allows, it would divide by nothing, or cells
  // are more than any file holds.
  bool possible = true;
  // How long the file has to be for all its cells; 0 where that cannot be told.
  std::int64_t least_bytes = 0;
};

// Of a file of another kind, or none: possible, and nothing is told.
ClassicHeader read_classic_header(const std::string& path);

// Throws Error(kUnreadable), naming `file`, where the header of the file at `path` is not possible.
void check_classic_header(const std::string& path, const std::string& file);

}  // namespace cube
