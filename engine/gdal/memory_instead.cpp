#include "engine/gdal/memory_instead.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/gdal/output_file.h"
#include "engine/text.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

std::vector<int> descriptors_of(const fs::path& real) {
  std::error_code error;
  std::vector<int> out;
  for (fs::directory_iterator it("/proc/self/fd", error), end; it != end; it.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(it->path(), gone) != real) continue;
    if (const auto number = parse_number(it->path().filename().string())) {
      out.push_back(static_cast<int>(*number));
    }
  }
  return out;
}

}  // namespace

MemoryInstead::MemoryInstead(const std::string& path, const std::string& file)
    : file_(file), memory_(::memfd_create("output", MFD_CLOEXEC)) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  const std::vector<int> descriptors = descriptors_of(real);
  bool good = memory_ >= 0 && !error && !descriptors.empty();
  if (good) {
    const int place = descriptors.front();
    const off_t size = ::lseek(place, 0, SEEK_END);
    off_t from = 0;
    good = size >= 0 &&
           (size == 0 || ::sendfile(memory_, place, &from, static_cast<std::size_t>(size)) == size);
  }
  for (const int descriptor : descriptors) {
    if (good) good = ::dup3(memory_, descriptor, O_CLOEXEC) >= 0;
  }
  if (good) return;
  const std::string reason = std::strerror(errno);
  if (memory_ >= 0) ::close(memory_);
  throw unwritable(file_, reason);
}

MemoryInstead::~MemoryInstead() { ::close(memory_); }

std::vector<std::byte> MemoryInstead::bytes() const {
  const off_t size = ::lseek(memory_, 0, SEEK_END);
  std::vector<std::byte> out(static_cast<std::size_t>(size < 0 ? 0 : size));
  for (std::size_t at = 0; at < out.size();) {
    const ssize_t done = ::pread(memory_, out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw unwritable(file_, std::strerror(errno));
    at += static_cast<std::size_t>(done);
  }
  return out;
}

}  // namespace cube
