// ImageSlices: the images of a view, by time slice, with their footprints in the view's CRS.
// Thread rule: immutable once made.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/box_tree.h"
#include "engine/image_index.h"

namespace cube {

// Images of `index` that lie in the view, in acquisition order. One query.
std::vector<Image> find_images(const ImageIndex& index, const Grid& grid, const TimeAxis& time);

class ImageSlices {
 public:
  // `images` in acquisition order, all within `time`. Linear in their number.
  ImageSlices(std::vector<Image> images, const Grid& grid, const TimeAxis& time);

  const std::vector<Image>& images() const { return images_; }

  // Most images in any one slice.
  std::int64_t densest() const;

  // Indices into images() of those in slice `t` whose footprint touches the rows and columns, in
  // acquisition order. Footprints are widened a little: an image may be named that only comes near.
  // Takes about as long as what it finds, however many images the slice has.
  std::vector<std::size_t> touching(std::int64_t t, const Range& rows, const Range& columns) const;

  // Whether the footprint of an image, not widened, covers a place in the view's CRS.
  bool covers(std::size_t image, double x, double y) const;

 private:
  void add_box(const Box& box, double turn);
  BoxTree tree_of(std::size_t t) const;
  std::span<const Box> boxes_of(std::size_t image) const;

  std::vector<Image> images_;
  std::vector<Box> boxes_;              // of the images, one after another
  std::vector<std::size_t> first_box_;  // of each image, and the end
  std::vector<std::size_t> first_;      // index of the first image of each slice, and the end
  std::vector<BoxTree> trees_;          // of each slice
  Grid grid_;
};

}  // namespace cube
