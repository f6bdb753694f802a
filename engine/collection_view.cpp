#include "engine/collection_view.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/gdal/crs.h"

namespace cube {

namespace {

constexpr double kCellsAlong = 512;

std::string common_crs(const std::vector<Image>& images) {
  const std::string& first = images.front().crs;
  const bool all = std::ranges::all_of(
      images, [&](const Image& image) { return image.crs == first || same_crs(image.crs, first); });
  return all && !first.empty() ? first : "EPSG:3857";
}

}  // namespace

View view_of_collection(const ImageIndex& index) {
  const CollectionSummary summary = index.summary();
  const auto reject = [](const std::string& what) {
    throw Error(ErrorCode::kInvalid, what, "", "state a view");
  };
  if (!summary.first || !summary.last) reject("the collection has no images to take a view from");
  const std::vector<Image> images =
      index.find({*summary.first, *summary.last + std::chrono::seconds(1), {}, {}});
  const std::string crs = common_crs(images);
  std::optional<Box> extent;
  for (const Image& image : images) {
    for (const Box& footprint : image.footprint) {
      for (const Box& box : transform_box(footprint, "EPSG:4326", crs)) {
        if (!extent) extent = box;
        extent = Box{std::min(extent->left, box.left), std::min(extent->bottom, box.bottom),
                     std::max(extent->right, box.right), std::max(extent->top, box.top)};
      }
    }
  }
  if (!extent) reject("the images of the collection have no extent in " + crs);
  View view;
  view.space.left = extent->left;
  view.space.right = extent->right;
  view.space.bottom = extent->bottom;
  view.space.top = extent->top;
  view.space.srs = crs;
  const double longer = std::max(extent->right - extent->left, extent->top - extent->bottom);
  view.space.dx = longer / kCellsAlong;
  view.space.dy = longer / kCellsAlong;
  view.time.t0 = to_text(*summary.first);
  view.time.t1 = to_text(*summary.last);
  view.time.dt = "P1M";
  return view;
}

}  // namespace cube
