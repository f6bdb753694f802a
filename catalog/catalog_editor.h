// CatalogEditor: changes to the rows of a catalog of ours, in one transaction.
//
// Meant for a copy that is renamed afterwards: without a journal, so that a change which fails
// leaves nothing of use. Triggers keep the R*Tree.
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catalog/collection.h"
#include "catalog/sqlite.h"

namespace cube {

class CatalogEditor {
 public:
  // Descriptors are stored for a catalog in `folder`. Throws Error(kUnwritable), as all here.
  CatalogEditor(const std::filesystem::path& file, std::filesystem::path folder);

  // The bands from now on, by their names, in this order: what is said of them, and which there
  // are. REQUIRES: no image has those that go.
  void set_bands(const std::vector<BandInfo>& bands);
  void set(const std::string& key, const std::string& value);  // a row of collection_md
  // Adds an image of `all` or replaces the one of its name; with what is known of its files.
  void put(const Collection& all, const CollectedImage& image);
  void remove(const std::string& name);
  void drop_file(const std::string& name);
  // The images that are removed and stay away, with their files, from now on. One that is put into
  // the catalog is none of them.
  void set_removed(const std::map<std::string, std::string>& removed);
  // `files`: how many there are now.
  void finish(std::int64_t files);

 private:
  // Takes away all that belongs to an image; its id, 0 = there is none.
  std::int64_t clear(const std::string& name);
  std::int64_t id_of(const std::string& name);  // 0 = there is none
  void put_source(std::int64_t image, const Collection& all, std::size_t index,
                  const CollectedImage::Source& source);
  void drop_bands(const std::set<std::string>& kept);
  void renumber(const std::map<std::string, std::int64_t>& ids);
  void set_band(std::int64_t id, const BandInfo& band);
  void note_packings();

  Database database_;
  std::filesystem::path folder_;
  Statement find_, insert_, update_;  // images
  Statement reference_;
  Statement packing_;
  Statement file_row_;
  Statement metadata_;
  std::map<std::string, std::int64_t> ids_;  // of bands
};

}  // namespace cube
