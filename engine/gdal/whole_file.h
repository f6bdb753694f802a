// WholeFile: notices that a netCDF or HDF5 file lacks its end.
//
// libnetcdf and libhdf5 take what lies beyond the end of a file for zeros: cells of a classic
// netCDF that was not copied to its end, and of any file that becomes shorter while it is read.
// HDF5 files that are too short are refused by libhdf5 when they are opened. Thread rule:
// immutable; any thread. Only files of engine/gdal include this.
#pragma once

#include <cstdint>
#include <string>

namespace cube {

class WholeFile {
 public:
  // `path`: a file of this machine, which may lose the name afterwards; one that is none always
  // passes. `file`: its name in errors. Throws Error(kUnreadable) as check() does.
  WholeFile(const std::string& path, std::string file);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  // Throws Error(kUnreadable) where the file is shorter than it has to be.
  void check() const;

 private:
  std::string file_;
  int descriptor_;
  std::int64_t least_ = 0;  // bytes
};

}  // namespace cube
