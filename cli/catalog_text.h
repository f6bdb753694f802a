// What the program says of a catalog: for people as text, for programs as JSON.
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "engine/image_index.h"

namespace cube {

// What is known of images beside times and places, by image name and key.
using ImageMetadata = std::map<std::string, std::map<std::string, std::string>>;

// All images of a catalog.
ImageQuery all_images();

// "2018-01-06 .. 2018-12-17"; "" when there are no images.
std::string time_span_text(const CollectionSummary& summary);

// Bands, extent, time span and dates.
void print_catalog_info(std::ostream& out, const std::string& file, const ImageIndex& index,
                        const ImageMetadata& metadata, bool json);

// One image a line, or a JSON array.
void print_images(std::ostream& out, const std::vector<Image>& images, const ImageIndex& index,
                  const ImageMetadata& metadata, bool json);

}  // namespace cube
