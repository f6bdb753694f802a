// Rescan: files of a catalog that are new or have changed since it was made, and what becomes of
// its images.
// Thread rule: one thread at a time.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog_change.h"

namespace cube {

// Of what lies in an archive or another file it is known that this was there.
bool is_gone(const std::string& file, const FileState& state);

// Names of the bands of a format, in its order; none where there is no format.
std::vector<std::string> band_names(const std::optional<CollectionFormat>& format);

IndexOptions index_options(const ChangeOptions& options);

// Finds which files are new or have changed, and reads the images anew that they belong to: all
// files of these, as what an image is follows from all of them.
class Rescan {
 public:
  // REQUIRES: the change outlives it. `drop_gone`: files that are gone are no part of images.
  // `restore`: images that were removed are read like others.
  Rescan(CatalogChange& change, std::optional<CollectionFormat> format, bool drop_gone,
         bool restore)
      : change_(change), format_(std::move(format)), drop_gone_(drop_gone), restore_(restore) {}

  // A file of the catalog, by its own name, is to be read whatever its state. To be said first.
  void read_again(const std::string& file) { again_.insert(file); }

  // Looks at a file of the catalog; `reread` = also where nothing is known of its state.
  void look_at(const std::string& file, const FileState& before, bool reread);
  // Looks at files by their given names, of the catalog or not.
  void look_at(const std::vector<std::string>& files, bool reread);

  // Reads what has to be read; the names of images that were.
  std::set<std::string> read(const ChangeOptions& options);

 private:
  bool subdatasets() const { return format_ && format_->subdatasets(); }
  void add_fresh(const std::string& file, const std::string& given);
  std::vector<std::string> look_into(const std::vector<std::string>& files, int threads);
  void take_apart(CollectedImage& image, std::vector<std::string>& files,
                  std::vector<ListedFile>& listed);
  bool is_of_format(const std::string& file, const CollectedImage& image) const;
  std::vector<FormatBand> format_bands() const;
  void merge(Collection fresh);

  CatalogChange& change_;
  std::optional<CollectionFormat> format_;
  bool drop_gone_;
  bool restore_;
  std::set<std::string> again_;
  std::set<std::string> changed_;  // files of the catalog
  std::vector<std::string> fresh_;
  std::set<std::string> names_;  // of images to be read
};

}  // namespace cube
