// CatalogChange: a catalog that is read, changed and written anew.
//
// Holds a lock on the file, so that two processes cannot undo each other's work.
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <unordered_map>

#include "catalog/stored_collection.h"

namespace cube {

class CatalogChange {
 public:
  // Throws Error as open_catalog(), and Error(kUnwritable) where another process changes it or the
  // folder cannot be written to.
  explicit CatalogChange(const std::filesystem::path& catalog);
  ~CatalogChange();
  CatalogChange(const CatalogChange&) = delete;
  CatalogChange& operator=(const CatalogChange&) = delete;

  StoredCollection& stored() { return stored_; }
  Collection& all() { return stored_.collection; }
  const std::filesystem::path& file() const { return file_; }
  const std::filesystem::path& folder() const { return folder_; }

  // `touched`: images that were read again. Writes unless `dry_run`; REQUIRES: called once.
  ChangeReport finish(const std::set<std::string>& touched, bool dry_run);

 private:
  void lock();

  std::filesystem::path file_;  // behind links
  std::filesystem::path folder_;
  int descriptor_ = -1;
  StoredCollection stored_;
  std::unordered_map<std::string, std::string> before_;  // what was said of each image
};

}  // namespace cube
