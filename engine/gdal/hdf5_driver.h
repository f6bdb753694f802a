// A driver by which HDF5 reads and writes a plain file, as its own for such files does, which tells
// where cells land: what HDF5 writes besides is of no use before the file is closed, but cells stay
// where they are, so that a later run finds those that a killed one has written.
// Thread rule: NetcdfLock held in every call, and in all that HDF5 does with the file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace cube {

// What the driver and the user of a file tell each other.
struct Hdf5Traffic {
  // Of the last write of cells.
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  // Set by the user: nothing is written any more and writing always works. Where closing a file
  // fails HDF5 keeps it open and tries again when the program ends.
  bool abandoned = false;
};

// The file, opened for reading and writing, as a handle of HDF5; negative where that fails, then
// errno says why.
std::int64_t open_hdf5(const std::string& path, const std::shared_ptr<Hdf5Traffic>& traffic);

}  // namespace cube
