// CellSpool: numbers that come in any order and are read in order, in a file without a name.
//
// The file lies beside the output until the spool is gone, takes no memory of the process, and no
// room where nothing was put. What was not put is missing.
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

  // Room for `size` numbers, beside `path`; errors name `file`. Called once.
  void open(const std::string& path, const std::string& file, std::int64_t size);

  // Numbers `at` and following, which are scrambled by it. Throws Error(kUnwritable).
  void put(std::int64_t at, std::span<double> values) const;

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
