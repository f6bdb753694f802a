// MemoryInstead: a file that a library has open is from now on in memory, where there is always
// room, and what is on the disk stays as it is.
//
// Thread rule: one thread, while nobody else opens or closes files of that name.
// Only files of engine/gdal include this.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace cube {

class MemoryInstead {
 public:
  // Takes over what `path` holds; every descriptor of the process that is open on it stands for the
  // memory from now on. `file`: the output, in errors. Throws Error(kUnwritable).
  MemoryInstead(const std::string& path, const std::string& file);
  ~MemoryInstead();
  MemoryInstead(const MemoryInstead&) = delete;
  MemoryInstead& operator=(const MemoryInstead&) = delete;

  // What has been written. Throws Error(kUnwritable).
  std::vector<std::byte> bytes() const;

 private:
  std::string file_;
  int memory_;
};

}  // namespace cube
