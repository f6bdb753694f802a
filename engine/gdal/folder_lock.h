// FolderLock: one writer at a time of an output that is changed in place.
#pragma once

#include <string>

namespace cube {

// Holds ".NAME.lock" beside a folder. The system lets go of it when the process ends, however that
// ends; the file is removed by who holds it. Thread rule: one a thread.
class FolderLock {
 public:
  // Throws Error(kUnwritable) with `where` = the folder when another process or object holds it.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace cube
