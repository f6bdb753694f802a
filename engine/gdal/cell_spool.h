// CellSpool: numbers that come in any order and are read in order, in a file.
//
// The file takes no memory of the process, and no room where nothing was put. What was not put is
// missing. It stays when the spool is gone, for a later run to go on with.
//
// Thread rule: put() from several threads at a time, where places are disjoint; then next() from
// one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cube {

class CellSpool {
 public:
  CellSpool() = default;
  ~CellSpool();
  CellSpool(const CellSpool&) = delete;
  CellSpool& operator=(const CellSpool&) = delete;

  enum class Mode { kNew, kExisting };  // new: made, or emptied

  // Room for `size` numbers in the file `path`; errors name `file`. Called once.
  void open(const std::string& path, const std::string& file, std::int64_t size, Mode mode);

  // Numbers `at` and following, which are scrambled by it. Throws Error(kUnwritable).
  void put(std::int64_t at, std::span<double> values) const;

  // Takes over what was put into another spool of that size, where nothing was put into this one.
  // Called before next(). Throws Error(kUnwritable).
  void add(const std::string& path);

  // The next `count` numbers, from the first on; valid until the next call. Throws
  // Error(kUnwritable).
  std::span<const double> next(std::size_t count);

  static std::int64_t most_bytes() { return kBufferBytes; }  // of memory

 private:
  static constexpr std::int64_t kBufferBytes = std::int64_t{1} << 20;

  int handle_ = -1;
  std::string file_;
  std::int64_t size_ = 0;
  std::int64_t read_ = 0;  // numbers that went through the buffer
  std::vector<double> buffer_;
  std::size_t taken_ = 0;  // of the buffer
};

}  // namespace cube
