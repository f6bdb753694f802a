// Draft: a catalog that is being made, beside its final name.
//
// It is locked while it is made, so that what a process which was killed has left, and only that,
// is removed by the next one that makes a draft of the same catalog.
// Thread rule: one thread at a time.
#pragma once

#include <chrono>
#include <filesystem>

#include "catalog/file_lock.h"
#include "engine/error.h"

namespace cube {

// A name beside the final one, NAME.part-PID, so that renaming cannot fail for lack of space;
// removed again unless it has been renamed.
class Draft {
 public:
  // Makes it, empty. Throws Error(kUnwritable).
  explicit Draft(const std::filesystem::path& target);
  ~Draft();
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Runs `work`, whose errors name the target instead of the draft.
  template <class Work>
  auto make(const Work& work) const {
    try {
      return work();
    } catch (const Error& error) {
      if (error.where() != path_.string()) throw;
      throw Error(error.code(), error.message(), target_.string(), error.hint());
    }
  }

  // Gives it its name, once it is safe on the disk; in the place of what has the name. REQUIRES:
  // the caller has that locked. Throws Error(kUnwritable).
  void replace() const;
  // The same of a new catalog: waits for who changes the old one, and is an error where the name
  // has been taken in the meantime, unless `overwrite`.
  void publish(bool overwrite) const;

 private:
  void sync() const;
  void sync_folder() const;
  void rename() const;

  std::filesystem::path target_;
  std::filesystem::path path_;
  FileLock lock_;
};

// The lock of a catalog that is to be changed. Throws Error(kUnwritable) where another process
// changes it for longer than `wait`.
FileLock lock_catalog(const std::filesystem::path& catalog, std::chrono::milliseconds wait);

// Throws Error(kUnwritable) where a catalog cannot be made.
void check_target(const std::filesystem::path& catalog, bool overwrite);

}  // namespace cube
