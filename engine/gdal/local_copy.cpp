#include "engine/gdal/local_copy.h"

#include <cpl_vsi.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include "engine/error.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/network.h"
#include "engine/gdal/raster_info.h"
#include "engine/gdal/remote_file.h"
#include "engine/remote_names.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// Where temporary files go; as TMPDIR has it where that is no folder.
std::string temporary_folder() {
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  if (!error) return folder.string();
  const char* stated = std::getenv("TMPDIR");
  return stated ? stated : "/tmp";
}

Error no_room(const std::string& file, const std::string& reason) {
  return Error(ErrorCode::kUnwritable, "cannot be copied to " + temporary_folder() + ": " + reason,
               file, "unpack it, or set TMPDIR to a folder with room");
}

void write_all(int descriptor, const std::vector<char>& bytes, std::size_t count,
               const std::string& file) {
  for (std::size_t done = 0; done < count;) {
    const ssize_t now = ::write(descriptor, bytes.data() + done, count - done);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) throw no_room(file, std::strerror(errno));
    done += static_cast<std::size_t>(now);
  }
}

}  // namespace

LocalCopy::LocalCopy(const std::string& file, const std::string& called)
    : path_(temporary_folder() + "/cube_copy_XXXXXX") {
  register_gdal();
  // Without a name while it is copied: the system takes it back if the program is killed.
  int descriptor = -1;
#ifdef O_TMPFILE
  descriptor =
      ::open(temporary_folder().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
#endif
  const bool named = descriptor < 0;  // not every file system has such files
  if (named) descriptor = ::mkostemp(path_.data(), O_CLOEXEC);
  if (descriptor < 0) throw no_room(called, std::strerror(errno));
  try {
    copy(file, called, descriptor);
    if (!named) give_name(descriptor, called);
  } catch (...) {
    ::close(descriptor);
    if (named) ::unlink(path_.c_str());
    throw;
  }
  ::close(descriptor);
}

LocalCopy::~LocalCopy() { ::unlink(path_.c_str()); }

// For libhdf5, which does not open files by their descriptors in /proc.
void LocalCopy::give_name(int descriptor, const std::string& called) {
  constexpr int kTries = 100;
  const std::string by_descriptor = "/proc/self/fd/" + std::to_string(descriptor);
  std::random_device random;
  for (int i = 0; i < kTries; ++i) {
    path_ = temporary_folder() + "/cube_copy_" + std::to_string(random());
    if (::linkat(AT_FDCWD, by_descriptor.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) ==
        0) {
      return;
    }
    if (errno != EEXIST) break;
  }
  throw no_room(called, std::strerror(errno));
}

std::string LocalCopy::note() const {
  return "is read from a copy of " + bytes_text(static_cast<double>(bytes_)) + " in " +
         temporary_folder();
}

void LocalCopy::copy(const std::string& file, const std::string& called, int descriptor) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  const GdalErrors errors;
  const Opening opening;
  const auto unreadable = [&] {
    return Error(ErrorCode::kUnreadable,
                 "cannot be read" + (errors.any() ? ": " + errors.first() : std::string()), called);
  };
  VSIStatBufL stat;
  if (VSIStatL(network_name(file).c_str(), &stat) != 0) {
    if (opening.refusal()) throw opening.refusal()->error(called);
    throw Error(ErrorCode::kNotFound, "there is no such file", called);
  }
  std::error_code error;
  const fs::space_info space = fs::space(temporary_folder(), error);
  if (!error && static_cast<std::uintmax_t>(stat.st_size) > space.available) {
    throw no_room(called, "it has " + bytes_text(static_cast<double>(stat.st_size)) + ", and " +
                              bytes_text(static_cast<double>(space.available)) + " are free");
  }
  const std::unique_ptr<VSILFILE, decltype(&VSIFCloseL)> in(
      VSIFOpenL(network_name(file).c_str(), "rb"), &VSIFCloseL);
  if (!in) throw unreadable();
  std::vector<char> piece(kPiece);
  while (const std::size_t count = VSIFReadL(piece.data(), 1, piece.size(), in.get())) {
    write_all(descriptor, piece, count, called);
    bytes_ += static_cast<std::int64_t>(count);
  }
  // A damaged archive or a lost connection look like an early end. Servers may not state a size.
  const auto size = static_cast<std::int64_t>(stat.st_size);
  if (errors.any() || (size > 0 && bytes_ != size)) throw unreadable();
}

}  // namespace cube
