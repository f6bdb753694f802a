#include "engine/gdal/work_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "engine/error.h"
#include "engine/gdal/output_file.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLock = "lock";

// True when `path` still is the open file: who held the lock before may have removed it.
bool is_file_of(int descriptor, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

struct Owner {
  long process = 0;
  std::string host;
};

Owner owner_of(const std::string& lock) {
  Owner owner;
  std::ifstream(lock) >> owner.process >> owner.host;
  return owner;
}

// The machine is named where it is another one.
std::string owner_text(const Owner& owner) {
  std::string out = "process " + std::to_string(owner.process);
  if (!owner.host.empty() && owner.host != host_name()) out += " on " + owner.host;
  return out;
}

}  // namespace

std::string WorkFolder::path_of(const std::string& folder, const std::string& name) {
  std::string hidden = ".";
  hidden += name;
  return (fs::path(folder) / (hidden + ".part")).string();
}

WorkFolder::WorkFolder(std::string path, std::string file, Hold hold)
    : path_(std::move(path)), file_(std::move(file)), hold_(hold), kept_(hold == Hold::kShared) {
  while (!take()) continue;
  if (hold_ == Hold::kShared) return;
  const std::string owner = std::to_string(::getpid()) + " " + host_name() + "\n";
  // Only for the message to others; a disk that is full is told when cells are written.
  [[maybe_unused]] const bool told =
      ::ftruncate(descriptor_, 0) == 0 &&
      ::pwrite(descriptor_, owner.data(), owner.size(), 0) == static_cast<ssize_t>(owner.size());
}

bool WorkFolder::take() {
  std::error_code error;
  fs::create_directory(path_, error);
  if (error) throw unwritable(file_, error.message());
  descriptor_ = ::open(path(kLock).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor_ < 0 && errno == ENOENT) return false;
  if (descriptor_ < 0) {
    const Error reason = unwritable(file_, std::strerror(errno));
    ::rmdir(path_.c_str());  // where it is empty
    throw reason;
  }
  const int kind = hold_ == Hold::kShared ? LOCK_SH : LOCK_EX;
  const bool held = ::flock(descriptor_, kind | LOCK_NB) == 0;
  const int reason = errno;
  if (held && is_file_of(descriptor_, path(kLock))) return true;
  ::close(descriptor_);
  descriptor_ = -1;
  if (!held && reason == EWOULDBLOCK) refuse();
  // File systems without locks (some of networks) cannot refuse a second writer.
  if (!held) throw unwritable(file_, std::strerror(reason));
  return false;
}

void WorkFolder::refuse() const {
  const Owner owner = owner_of(path(kLock));
  if (owner.process == ::getpid() && owner.host == host_name()) {
    throw Error(ErrorCode::kUnwritable, "is written by another output of this run", file_);
  }
  std::string who = "another run";
  if (owner.process > 0) who += " (" + owner_text(owner) + ")";
  throw Held(ErrorCode::kUnwritable, who + " is writing it", file_, "wait until that has ended");
}

std::string WorkFolder::holder(const std::string& path) {
  const std::string lock = path + "/" + kLock;
  const int descriptor = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {};
  const bool free = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0;
  ::close(descriptor);
  return free ? "" : owner_text(owner_of(lock));
}

WorkFolder::~WorkFolder() {
  if (!kept_) {
    empty();
    // The lock last: until then nobody else gets the folder.
    ::unlink(path(kLock).c_str());
    ::rmdir(path_.c_str());
  }
  ::close(descriptor_);
}

void WorkFolder::empty() {
  std::error_code ignored;
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(path_, ignored), end; it != end; it.increment(ignored)) {
    if (it->path().filename() != kLock) entries.push_back(it->path());
  }
  for (const fs::path& entry : entries) {
    if (::unlink(entry.c_str()) != 0) fs::remove_all(entry, ignored);  // a folder
  }
}

std::int64_t WorkFolder::bytes() const {
  constexpr std::int64_t kStatBlock = 512;
  std::int64_t sum = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator it(path_, ignored), end; it != end; it.increment(ignored)) {
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    sum += std::min<std::int64_t>(status.st_blocks * kStatBlock, status.st_size);
  }
  return sum;
}

}  // namespace cube
