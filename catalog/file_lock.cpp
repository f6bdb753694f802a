#include "catalog/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "engine/error.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds kPause{20};

// Whether `descriptor` is what has this name now.
bool has_name(int descriptor, const fs::path& file) {
  struct stat mine {};
  struct stat there {};
  return ::fstat(descriptor, &mine) == 0 && ::stat(file.c_str(), &there) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

// False where another has the lock.
bool try_lock(int descriptor) {
  return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace

std::optional<FileLock> FileLock::take(const fs::path& file, std::chrono::milliseconds wait) {
  const auto end = std::chrono::steady_clock::now() + wait;
  for (;;) {
    FileLock lock(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (lock.descriptor_ < 0) return std::nullopt;
    const bool locked = try_lock(lock.descriptor_);
    if (locked && has_name(lock.descriptor_, file)) return lock;
    if (std::chrono::steady_clock::now() >= end) return std::nullopt;
    if (!locked) std::this_thread::sleep_for(kPause);
  }
}

std::optional<FileLock> FileLock::create(const fs::path& file) {
  FileLock lock(::open(file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666));
  if (lock.descriptor_ < 0 && errno != EEXIST) {
    throw Error(ErrorCode::kUnwritable, std::strerror(errno), file.string());
  }
  // Who looks for what was left behind may have found it before it was locked.
  if (lock.descriptor_ < 0 || !try_lock(lock.descriptor_) || !has_name(lock.descriptor_, file)) {
    return std::nullopt;
  }
  return lock;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

}  // namespace cube
