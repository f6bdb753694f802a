// ZarrMetadata: what a Zarr v2 group says of itself, to be changed as one.
//
// The consolidated metadata (.zmetadata) are the truth: they hold the words of all arrays and are
// replaced by one rename, so that readers see the group as it was or as it is, never between.
// Thread rule: one a thread.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/gdal/zarr_json.h"

namespace cube {

class ZarrMetadata {
 public:
  // Throws Error(kUnreadable) with `where` = the group where it has no consolidated metadata.
  explicit ZarrMetadata(const std::string& root);

  const std::string& text() const { return text_; }  // as it was read

  std::vector<std::string> arrays() const;
  Json description(const std::string& array) const { return entry(array + "/.zarray"); }
  // "" = of the group.
  Json attributes(const std::string& array) const;
  std::vector<std::string> dimensions(const std::string& array) const;

  // Changes, of which nothing is written before publish().
  void lengthen(const std::string& array, std::int64_t slices);  // along the first dimension
  void set_attribute(const std::string& array, const std::string& name, const std::string& text);
  void set_attribute(const std::string& array, const std::string& name,
                     const std::vector<std::string>& texts);
  void drop_attribute(const std::string& array, const std::string& name);
  void drop_array(const std::string& array);

  // Writes the files of the arrays, then .zmetadata, each by a rename. `root` as above; `file` is
  // its name in errors. Throws Error(kUnwritable).
  void publish(const std::string& root, const std::string& file);

 private:
  Json entry(const std::string& name) const;  // invalid where there is none
  Json attributes_to_change(const std::string& array);

  std::string text_;
  Json document_;
  Json entries_;  // of the document, by file
};

}  // namespace cube
