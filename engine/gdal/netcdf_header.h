// The header of a classic netCDF file, looked at before libnetcdf reads it. That takes memory for
// as many dimensions, attributes and variables as the header counts, gigabytes for a file of some
// bytes, and copies names that are longer than it allows into buffers as long as it allows
// (libnetcdf 4.9.0, NC3_inq_dim), as all its users have, GDAL too.
// Thread rule: a pure function of the file system.
#pragma once

#include <string>

namespace cube {

// Throws Error(kUnreadable), naming `file`, when a list of the header has more elements than bytes
// are left in the file at `path`, or a name or the dimensions of a variable are more than libnetcdf
// allows. Files of other kinds pass.
// Layout: "The NetCDF Classic Format Specification", docs.unidata.ucar.edu/netcdf-c.
void check_classic_header(const std::string& path, const std::string& file);

}  // namespace cube
