#include "engine/gdal/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/error.h"
#include "engine/gdal/output_file.h"

namespace cube {

namespace {

// True when `path` still is the open file: who held the lock before may have removed it.
bool is_file_of(int descriptor, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

}  // namespace

FolderLock::FolderLock(const std::string& folder) {
  const std::filesystem::path place(folder);
  std::string name = ".";
  name += place.filename().string();
  path_ = (place.parent_path() / (name + ".lock")).string();
  while (true) {
    descriptor_ = ::open(path_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw unwritable(folder, std::strerror(errno));
    const bool held = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    const int reason = errno;
    if (held && is_file_of(descriptor_, path_)) return;
    ::close(descriptor_);
    if (held) continue;
    if (reason != EWOULDBLOCK) throw unwritable(folder, std::strerror(reason));
    throw Error(ErrorCode::kUnwritable, "another run is appending to it", folder,
                "wait until that has ended");
  }
}

FolderLock::~FolderLock() {
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace cube
