// CatalogChange: a catalog that is changed in a copy, which takes its place in the end.
//
// Only the images that a change is about are read, and only what becomes of them is written, so
// that memory and time follow the change. Where that cannot be, all of the catalog is read and
// written anew: one that is not ours, and bands that come between others. A change that fails or
// is killed leaves the catalog as it was, and who has it open goes on reading the old.
// Holds a lock on the file, so that two processes cannot undo each other's work.
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
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
  // What has been read of it: what is changed here is the change.
  Collection& all() { return stored_.collection; }
  const std::filesystem::path& file() const { return file_; }
  const std::filesystem::path& folder() const { return folder_; }

  // Reads the images of these names, those that there are. Before any of `all()` is changed.
  void load(const std::set<std::string>& names);
  void load_all();

  // Names of images: all, and those of which some file passes a test.
  void for_each_name(const std::function<void(const std::string&)>& use);
  using FileTest = std::function<bool(const std::string&, const FileState&)>;
  std::set<std::string> images_with(const FileTest& test);

  // A file of the catalog, by its absolute name, as it was when it was read; nullopt where it is
  // not known to the catalog. Unless all was loaded, files that were never looked at, such as those
  // of tables and STAC, are not known.
  std::optional<FileState> state(const std::string& file);
  bool knows_all_files();
  void for_each_file(const std::function<void(const std::string&, const FileState&)>& use);

  // `touched`: images that were read again. Writes unless `dry_run`; REQUIRES: called once.
  ChangeReport finish(const std::set<std::string>& touched, bool dry_run);

 private:
  struct Difference;

  void lock();
  void note(std::size_t first);
  void find_elsewhere();
  void check_not_empty(std::int64_t images) const;
  bool bands_fit() const;
  Difference compare(const std::set<std::string>& touched);
  std::int64_t count_files(Difference& difference);
  void add_rest();
  bool says_more() const;
  void rewrite();
  void edit(const Difference& difference, std::int64_t files);

  std::filesystem::path file_;  // behind links
  std::filesystem::path folder_;
  int descriptor_ = -1;
  StoredCollection stored_;
  StoredCollection outline_;  // as it was, without images
  std::optional<Database> database_;
  std::optional<Statement> state_row_;
  bool loaded_all_ = false;
  std::unordered_map<std::string, FileState> known_;     // files, where all was loaded
  std::unordered_map<std::string, std::string> before_;  // what was said of each image read
  std::set<std::string> files_before_;                   // of the images read
};

}  // namespace cube
