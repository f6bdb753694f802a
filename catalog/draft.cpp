#include "catalog/draft.h"

#include <unistd.h>

#include "engine/error.h"

namespace cube {

namespace fs = std::filesystem;

Draft::Draft(const fs::path& target)
    : target_(target),
      path_(target.string() + ".part-" + std::to_string(static_cast<long>(getpid()))) {}

Draft::~Draft() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

void Draft::publish() const {
  std::error_code failed;
  fs::rename(path_, target_, failed);
  if (failed) throw Error(ErrorCode::kUnwritable, failed.message(), target_.string());
}

void check_target(const fs::path& catalog, bool overwrite) {
  std::error_code ignored;
  if (fs::is_directory(catalog, ignored)) {
    throw Error(ErrorCode::kUnwritable, "is a folder", catalog.string(), "give a file name");
  }
  if (!overwrite && fs::exists(catalog, ignored)) {
    throw Error(ErrorCode::kUnwritable, "exists already", catalog.string(),
                "--overwrite replaces it");
  }
  const fs::path folder = fs::absolute(catalog).parent_path();
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ErrorCode::kUnwritable, "there is no such folder", folder.string());
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw Error(ErrorCode::kUnwritable, "the folder cannot be written to", folder.string());
  }
}

}  // namespace cube
