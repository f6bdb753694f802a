#include "catalog/draft.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/error.h"
#include "engine/gdal/output_file.h"

namespace cube {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = ".part-";

// A change takes seconds once its files are read; a new catalog that took hours to make waits.
constexpr std::chrono::minutes kPatience{10};

fs::path folder_of(const fs::path& target) { return fs::absolute(target).parent_path(); }

// Whether a name is one of a draft: NAME.part-123 or NAME.part-123-1.
bool is_draft(const std::string& name, const std::string& target) {
  const std::string start = target + std::string(kSuffix);
  const auto is_number = [](char c) { return (c >= '0' && c <= '9') || c == '-'; };
  return name.size() > start.size() && name.starts_with(start) &&
         std::all_of(name.begin() + std::ssize(start), name.end(), is_number);
}

// Removes what processes have left that are no more: nobody has it locked.
void remove_left(const fs::path& target) {
  std::error_code ignored;
  const std::string name = target.filename().string();
  std::vector<fs::path> found;
  for (fs::directory_iterator it(folder_of(target), ignored), end; it != end;
       it.increment(ignored)) {
    if (is_draft(it->path().filename().string(), name)) found.push_back(it->path());
  }
  for (const fs::path& file : found) {
    if (const auto lock = FileLock::take(file, {})) fs::remove(file, ignored);
  }
}

struct Made {
  fs::path path;
  FileLock lock;
};

Made make_draft(const fs::path& target) {
  remove_left(target);
  const std::string name =
      target.string() + std::string(kSuffix) + std::to_string(static_cast<long>(::getpid()));
  for (int i = 0;; ++i) {
    const fs::path path = i == 0 ? name : name + "-" + std::to_string(i);
    try {
      if (auto lock = FileLock::create(path)) return {path, std::move(*lock)};
    } catch (const Error& error) {
      throw Error(error.code(), error.message(), target.string());
    }
  }
}

Error exists_already(const fs::path& catalog) {
  return Error(ErrorCode::kUnwritable, "exists already", catalog.string(),
               "--overwrite replaces it");
}

}  // namespace

Draft::Draft(const fs::path& target) : target_(target) {
  Made made = make_draft(target);
  path_ = std::move(made.path);
  lock_ = std::move(made.lock);
}

Draft::~Draft() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove(path_, ignored);
}

void Draft::sync() const { sync_file(path_.string(), target_.string()); }

void Draft::sync_folder() const { sync_file(folder_of(target_).string(), target_.string()); }

void Draft::rename() const {
  std::error_code failed;
  fs::rename(path_, target_, failed);
  if (failed) throw Error(ErrorCode::kUnwritable, failed.message(), target_.string());
}

void Draft::replace() const {
  sync();
  rename();
  sync_folder();
}

void Draft::publish(bool overwrite) const {
  sync();
  std::error_code ignored;
  if (overwrite && fs::exists(target_, ignored)) {
    const FileLock lock = lock_catalog(target_, kPatience);
    rename();
  } else if (overwrite) {
    rename();
  } else if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) !=
             0) {
    if (errno == EEXIST || fs::exists(target_, ignored)) throw exists_already(target_);
    rename();  // the file system does not know how not to replace
  }
  sync_folder();
}

FileLock lock_catalog(const fs::path& catalog, std::chrono::milliseconds wait) {
  if (auto lock = FileLock::take(catalog, wait)) return std::move(*lock);
  throw Error(ErrorCode::kUnwritable, "is being changed by another process", catalog.string(),
              "wait for it and try again");
}

void check_target(const fs::path& catalog, bool overwrite) {
  std::error_code ignored;
  if (fs::is_directory(catalog, ignored)) {
    throw Error(ErrorCode::kUnwritable, "is a folder", catalog.string(), "give a file name");
  }
  if (!overwrite && fs::exists(catalog, ignored)) throw exists_already(catalog);
  const fs::path folder = folder_of(catalog);
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ErrorCode::kUnwritable, "there is no such folder", folder.string());
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw Error(ErrorCode::kUnwritable, "the folder cannot be written to", folder.string());
  }
  const Draft probe(catalog);  // which some file systems refuse only then
}

}  // namespace cube
