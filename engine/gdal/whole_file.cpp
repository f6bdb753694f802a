#include "engine/gdal/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/gdal/netcdf_header.h"
#include "engine/text.h"

namespace cube {

WholeFile::WholeFile(const std::string& path, std::string file)
    : file_(std::move(file)), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return;
  least_ = std::max<std::int64_t>(status.st_size, read_classic_header(path).least_bytes);
  try {
    check();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

WholeFile::~WholeFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void WholeFile::check() const {
  struct stat status {};
  if (least_ == 0 || ::fstat(descriptor_, &status) != 0 || status.st_size >= least_) return;
  throw Error(
      ErrorCode::kUnreadable,
      "is cut off: it has " + counted(status.st_size, "byte") + " of " + std::to_string(least_),
      file_);
}

}  // namespace cube
