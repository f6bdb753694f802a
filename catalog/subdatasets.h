// Subdatasets: what HDF4, HDF5 and netCDF files hold, as names of their own.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace cube {

// The subdatasets of `files` that the format wants looked at, which are opened by `threads` threads
// (0 = one a core); names that are subdatasets already stay. Files that are not of the format or
// cannot be opened go to `left_out`.
// REQUIRES: format.subdatasets().
std::vector<std::string> subdatasets_of(const CollectionFormat& format,
                                        const std::vector<std::string>& files, int threads,
                                        std::vector<IndexReport::Left>& left_out);

}  // namespace cube
