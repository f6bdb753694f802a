#include "engine/gdal/cell_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "engine/gdal/output_file.h"
#include "engine/missing.h"

namespace cube {

namespace {

constexpr auto kNumberBytes = static_cast<std::int64_t>(sizeof(double));

// What was never written reads as zeros, which stand for missing.
void scramble(std::span<double> values) {
  constexpr auto kMissingBits = std::bit_cast<std::uint64_t>(kMissing);
  for (double& value : values) {
    value = std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) ^ kMissingBits);
  }
}

// Whether a number is what was never written.
bool is_untouched(double value) {
  return std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(kMissing);
}

// Calls some(bytes, size, offset), a pread or pwrite, until all are through.
template <class Bytes, class F>
void transfer(Bytes* bytes, std::size_t size, std::int64_t offset, const std::string& file,
              const F& some) {
  while (size > 0) {
    const ::ssize_t done = some(bytes, size, offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw unwritable(file, done < 0 ? std::strerror(errno) : "the spool is cut off");
    bytes += done;
    size -= static_cast<std::size_t>(done);
    offset += done;
  }
}

}  // namespace

CellSpool::~CellSpool() {
  if (handle_ >= 0) ::close(handle_);
}

void CellSpool::open(const std::string& path, const std::string& file, std::int64_t size,
                     Mode mode) {
  file_ = file;
  size_ = size;
  const int made = mode == Mode::kNew ? O_CREAT | O_TRUNC : 0;
  handle_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | made, S_IRUSR | S_IWUSR);
  if (handle_ < 0) throw unwritable(file_, std::strerror(errno));
  if (::ftruncate(handle_, size * kNumberBytes) != 0) throw unwritable(file_, std::strerror(errno));
}

void CellSpool::put(std::int64_t at, std::span<double> values) const {
  scramble(values);
  const auto bytes = std::as_bytes(values);
  transfer(bytes.data(), bytes.size(), at * kNumberBytes, file_,
           [&](const std::byte* from, std::size_t n, std::int64_t to) {
             return ::pwrite(handle_, from, n, to);
           });
}

void CellSpool::add(const std::string& path) {
  CellSpool other;
  other.open(path, file_, size_, Mode::kExisting);
  for (std::int64_t at = 0; at < size_;) {
    const auto count = std::min(size_ - at, kBufferBytes / kNumberBytes);
    const auto values = other.next(static_cast<std::size_t>(count));
    for (auto first = values.begin(); first != values.end();) {
      const auto is_there = [](double value) { return !is_untouched(value); };
      first = std::find_if(first, values.end(), is_there);
      const auto last = std::find_if_not(first, values.end(), is_there);
      std::vector<double> run(first, last);
      put(at + (first - values.begin()), run);
      first = last;
    }
    at += count;
  }
}

std::span<const double> CellSpool::next(std::size_t count) {
  if (taken_ + count > buffer_.size()) {
    const auto left = static_cast<std::int64_t>(buffer_.size() - taken_);
    read_ -= left;  // they are read once more
    const auto wanted = std::max(static_cast<std::int64_t>(count), kBufferBytes / kNumberBytes);
    buffer_.resize(static_cast<std::size_t>(std::min(wanted, size_ - read_)));
    const auto bytes = std::as_writable_bytes(std::span(buffer_));
    transfer(bytes.data(), bytes.size(), read_ * kNumberBytes, file_,
             [&](std::byte* to, std::size_t n, std::int64_t from) {
               return ::pread(handle_, to, n, from);
             });
    scramble(buffer_);
    read_ += static_cast<std::int64_t>(buffer_.size());
    taken_ = 0;
  }
  taken_ += count;
  return std::span(buffer_).subspan(taken_ - count, count);
}

}  // namespace cube
