// What the program says of a catalog: for people as text, for programs as JSON.
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "engine/image_index.h"

namespace cube {

// What is known of images beside times and places, by image name and key.
using ImageMetadata = std::map<std::string, std::map<std::string, std::string>>;

// The start or the end of a time given to an option. Throws Error(kInvalid) naming the option.
Instant time_option(const std::string& text, const char* option, bool end);

// left,bottom,right,top; two boxes across the antimeridian, none where nothing is given.
std::vector<Box> bbox_option(const std::vector<double>& values, const char* option);

// Names what was left out, on standard error. Sidecars and the like, which only lay in the same
// folders, are counted.
void print_left_out(const IndexReport& report, const FileList& given, bool explain);

// All images of a catalog.
ImageQuery all_images();

// "2018-01-06 .. 2018-12-17"; "" when there are no images.
std::string time_span_text(const CollectionSummary& summary);

// Bands, extent, time span and dates.
void print_catalog_info(std::ostream& out, const std::string& file, const ImageIndex& index,
                        const ImageMetadata& metadata, bool json);

// One image a line, or a JSON array, as they come. Columns are as wide as the first images need.
// Thread rule: one thread.
class ImageList {
 public:
  ImageList(std::ostream& out, const ImageIndex& index, ImageMetadata metadata, bool json);
  void add(const Image& image);
  void finish();  // REQUIRES: called once, last

 private:
  void add_json(const Image& image);
  void flush();

  std::ostream& out_;
  const ImageIndex& index_;
  ImageMetadata metadata_;
  std::vector<std::string> keys_;  // of metadata_
  bool json_;
  bool any_ = false;
  std::vector<std::vector<std::string>> rows_;  // not yet printed
  std::vector<std::size_t> widths_;             // of what has been
};

}  // namespace cube
