#include "engine/image_slices.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "engine/gdal/crs.h"

namespace cube {

namespace {

constexpr const char* kLonLat = "EPSG:4326";

// Footprints are boxes in degrees, rounded to 6 digits in some catalogs, and their edges are
// sampled when they are transformed; what that loses is far less than this part of their size.
constexpr double kMargin = 0.01;
constexpr double kDegreesMargin = 1e-3;
constexpr std::size_t kEdgePoints = 21;

Box widened(const Box& box, double by_x, double by_y) {
  return {box.left - by_x, box.bottom - by_y, box.right + by_x, box.top + by_y};
}

constexpr double kEverywhere = std::numeric_limits<double>::max();

// The bounding box in another CRS of a box whose edges are sampled; everything where a part of it
// cannot be transformed, or where it spans so many longitudes that the view's own seam may lie in
// it and the samples on both sides of that do not tell how near to it the box comes.
Box transformed(const Box& box, const CrsTransform& transform, double turn) {
  constexpr double kWide = 180;
  if (turn == 0 && box.right - box.left >= kWide) {
    return {-kEverywhere, -kEverywhere, kEverywhere, kEverywhere};
  }
  std::vector<double> x;
  std::vector<double> y;
  for (std::size_t i = 0; i < kEdgePoints; ++i) {
    const double part = static_cast<double>(i) / (kEdgePoints - 1);
    const double across = box.left + part * (box.right - box.left);
    const double up = box.bottom + part * (box.top - box.bottom);
    x.insert(x.end(), {across, across, box.left, box.right});
    y.insert(y.end(), {box.bottom, box.top, up, up});
  }
  transform.apply(x, y);
  const auto [left, right] = std::ranges::minmax(x);
  const auto [bottom, top] = std::ranges::minmax(y);
  const auto bad = [](double value) { return !std::isfinite(value); };
  if (std::ranges::any_of(x, bad) || std::ranges::any_of(y, bad)) {
    return {-kEverywhere, -kEverywhere, kEverywhere, kEverywhere};
  }
  return {left, bottom, right, top};
}

}  // namespace

std::vector<Image> find_images(const ImageIndex& index, const Grid& grid, const TimeAxis& time) {
  if (time.size() == 0) return {};
  ImageQuery query{
      .start = time.start(0), .end = time.end(time.size() - 1), .area = {}, .bands = {}};
  for (const Box& box : transform_box(grid.extent(), grid.crs, kLonLat)) {
    query.area.push_back(widened(box, kDegreesMargin, kDegreesMargin));
  }
  return index.find(query);
}

ImageSlices::ImageSlices(std::vector<Image> images, const Grid& grid, const TimeAxis& time)
    : images_(std::move(images)), grid_(grid) {
  const CrsTransform transform(kLonLat, grid.crs);
  const double turn = once_round(transform);
  // Scenes of a tiling system have the same footprint at every date: transformed once.
  std::map<std::array<double, 4>, Box> known;
  for (const Image& image : images_) {
    first_box_.push_back(boxes_.size());
    for (const Box& box : image.footprint) {
      const auto [place, fresh] = known.try_emplace({box.left, box.bottom, box.right, box.top});
      if (fresh) place->second = transformed(box, transform, turn);
      add_box(place->second, turn);
    }
  }
  first_box_.push_back(boxes_.size());
  for (std::int64_t t = 0; t < time.size(); ++t) {
    const auto first = std::ranges::lower_bound(images_, time.start(t), {}, &Image::datetime);
    first_.push_back(static_cast<std::size_t>(first - images_.begin()));
  }
  first_.push_back(images_.size());
  for (std::size_t t = 0; t + 1 < first_.size(); ++t) trees_.push_back(tree_of(t));
}

// A footprint, and where it comes again in the view.
void ImageSlices::add_box(const Box& box, double turn) {
  boxes_.push_back(box);
  if (turn == 0) return;
  const Box view = widened(grid_.extent(), grid_.dx + kMargin * turn, grid_.dy);
  const double last = std::floor((view.right - box.left) / turn);
  for (double k = std::ceil((view.left - box.right) / turn); k <= last; ++k) {
    if (k != 0) boxes_.push_back({box.left + k * turn, box.bottom, box.right + k * turn, box.top});
  }
}

// Of the footprints in slice `t`, widened.
BoxTree ImageSlices::tree_of(std::size_t t) const {
  std::vector<BoxTree::Item> items;
  for (std::size_t i = first_[t]; i < first_[t + 1]; ++i) {
    for (const Box& box : boxes_of(i)) {
      items.push_back({widened(box, kMargin * (box.right - box.left) + grid_.dx,
                               kMargin * (box.top - box.bottom) + grid_.dy),
                       static_cast<std::uint32_t>(i)});
    }
  }
  return BoxTree(std::move(items));
}

std::span<const Box> ImageSlices::boxes_of(std::size_t image) const {
  return std::span(boxes_).subspan(first_box_[image], first_box_[image + 1] - first_box_[image]);
}

std::int64_t ImageSlices::densest() const {
  std::size_t most = 0;
  for (std::size_t t = 0; t + 1 < first_.size(); ++t)
    most = std::max(most, first_[t + 1] - first_[t]);
  return static_cast<std::int64_t>(most);
}

std::vector<std::size_t> ImageSlices::touching(std::int64_t t, const Range& rows,
                                               const Range& columns) const {
  std::vector<std::size_t> out;
  trees_[static_cast<std::size_t>(t)].find(grid_.box(rows, columns), out);
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());  // an image may have two boxes
  return out;
}

bool ImageSlices::covers(std::size_t image, double x, double y) const {
  return std::ranges::any_of(boxes_of(image), [&](const Box& box) {
    return x >= box.left && x < box.right && y > box.bottom && y <= box.top;
  });
}

}  // namespace cube
