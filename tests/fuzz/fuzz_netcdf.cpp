// netCDF: the bytes of a file. Of those of netCDF-4 little is ours before HDF5's own reader.
#include "tests/fuzz/array_fuzz.h"
#include "tests/fuzz/fuzz.h"

CUBE_FUZZ_TARGET(netcdf) {
  cube::fuzz::read_arrays(cube::fuzz::scratch_file(bytes, ".nc"),
                          {.cube_type = "ncdf", .open = &cube::open_netcdf});
}
