// CatalogChange: a catalog that is changed in a copy, which takes its place in the end.
//
// Only the images that a change is about are read, and only what becomes of them is written, so
// that memory and time follow the change. A catalog that is not ours becomes so first, row by row.
// A change that fails or is killed leaves the catalog as it was, and who has it open goes on
// reading the old. Holds a lock on the file, so that two processes cannot undo each other's work.
// Thread rule: one thread at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "catalog/draft.h"
#include "catalog/stored_collection.h"

namespace cube {

class CatalogChange {
 public:
  // Throws Error as open_catalog(), and Error(kUnwritable) where another process changes it for
  // longer than `wait` or the folder cannot be written to.
  CatalogChange(const std::filesystem::path& catalog, std::chrono::milliseconds wait);
  CatalogChange(const CatalogChange&) = delete;
  CatalogChange& operator=(const CatalogChange&) = delete;

  StoredCollection& stored() { return stored_; }
  // What has been read of it: what is changed here is the change.
  Collection& all() { return stored_.collection; }
  const std::filesystem::path& file() const { return file_; }
  const std::filesystem::path& folder() const { return folder_; }

  // The rows as they were. REQUIRES: not used after finish().
  Database& database() { return *database_; }

  // Reads the images of these names, those that there are and that have not been read.
  void load(const std::set<std::string>& names);
  // Says in `all().elsewhere` which bands the images have that were not read.
  void find_elsewhere();
  // The scale and offset of bands that such images have, which follow them, are what they were.
  void keep_scales();

  // Names of images: all, and those of which some file passes a test.
  void for_each_name(const std::function<void(const std::string&)>& use);
  using FileTest = std::function<bool(const std::string&, const FileState&)>;
  std::set<std::string> images_with(const FileTest& test);

  // A file of the catalog, by its absolute name, as it was when it was read; nullopt where nothing
  // is known of that, as of the files of tables and STAC that are not of this machine.
  std::optional<FileState> state(const std::string& file);
  // Calls `use` for files of which it is known, or, where the catalog knows it of none, for all.
  void for_each_file(const std::function<void(const std::string&, const FileState&)>& use);
  // The files of all images, one after another, as often as images have them.
  void for_each_reference(const std::function<void(const std::string&, const FileState&)>& use);

  // Images that somebody has removed, which an update leaves away, by name; of files that hold
  // several images with the name of the file that is in their descriptors, else "".
  std::map<std::string, std::string>& removed() { return removed_; }
  // Leaves images away that are removed and not in the catalog.
  void leave_removed();

  // `touched`: images that were read again. Writes unless `dry_run`; REQUIRES: called once.
  ChangeReport finish(const std::set<std::string>& touched, bool dry_run);

 private:
  struct Difference;

  void note(std::size_t first);
  void check_not_empty(std::int64_t images) const;
  bool rescaled(const CollectedImage& image) const;
  Difference compare(const std::set<std::string>& touched);
  std::int64_t count_files(Difference& difference);
  bool says_more() const;
  // Where its rows are now: the catalog, or what it has been converted to.
  const std::filesystem::path& source() const { return draft_ ? draft_->path() : file_; }
  void edit(const Difference& difference, std::int64_t files);

  std::filesystem::path file_;  // behind links
  std::filesystem::path folder_;
  FileLock lock_;
  std::optional<Draft> draft_;
  StoredCollection stored_;
  StoredCollection outline_;  // as it was, without images
  std::optional<Database> database_;
  std::optional<Statement> state_row_;
  std::unordered_map<std::string, std::string> before_;  // what was said of each image read
  std::map<std::string, std::string> removed_;
  std::map<std::string, std::string> removed_before_;
  std::set<std::string> files_before_;  // of the images read
};

}  // namespace cube
