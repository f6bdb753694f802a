// FileLock: a file that one process at a time may have.
//
// flock(2): the system lets go of it when its process ends, however it ends, so that a lock which
// can be had tells surely that its former owner is gone, also in containers, where process numbers
// come again. File systems without locks (some of networks) are taken to be free.
// Thread rule: values that move; take() may be called from any thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

namespace cube {

class FileLock {
 public:
  // Locks the file that has this name when the lock is got, which another may have renamed while we
  // waited; nullopt where another process has it for longer than `wait`, or there is no such file.
  static std::optional<FileLock> take(const std::filesystem::path& file,
                                      std::chrono::milliseconds wait);

  // The same of a file that is made, empty; nullopt where the name is taken. Throws
  // Error(kUnwritable) where it cannot be made.
  static std::optional<FileLock> create(const std::filesystem::path& file);

  FileLock() = default;  // of nothing
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
};

}  // namespace cube
