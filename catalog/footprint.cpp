#include "catalog/footprint.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace cube {

namespace {

constexpr double kHalf = 180;    // degrees
constexpr double kCircle = 360;  // degrees

Box enclosing(const Box& a, const Box& b) {
  return {std::min(a.left, b.left), std::min(a.bottom, b.bottom), std::max(a.right, b.right),
          std::max(a.top, b.top)};
}

}  // namespace

std::vector<Box> wrap_longitudes(const std::vector<Box>& boxes) {
  std::vector<Box> out;
  for (const Box& box : boxes) {
    if (box.left >= -kHalf && box.right <= kHalf) {
      out.push_back(box);
      continue;
    }
    if (box.right - box.left >= kCircle) {
      out.push_back({-kHalf, box.bottom, kHalf, box.top});
      continue;
    }
    const double shift = kCircle * std::floor((box.left + kHalf) / kCircle);
    const double left = box.left - shift;
    const double right = box.right - shift;
    out.push_back({left, box.bottom, std::min(right, kHalf), box.top});
    if (right > kHalf) out.push_back({-kHalf, box.bottom, right - kCircle, box.top});
  }
  return out;
}

void merge_touching(std::vector<Box>& boxes) {
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    for (std::size_t j = i + 1; j < boxes.size(); ++j) {
      if (!boxes[i].intersects(boxes[j])) continue;
      boxes[i] = enclosing(boxes[i], boxes[j]);
      boxes.erase(boxes.begin() + static_cast<std::ptrdiff_t>(j));
      j = i;  // the larger box may touch what the smaller did not
    }
  }
}

Box to_row(const std::vector<Box>& footprint) {
  Box all = footprint.front();
  for (const Box& box : footprint) all = enclosing(all, box);
  if (footprint.size() != 2 || all.left > -kHalf || all.right < kHalf) return all;
  const bool first_is_west = footprint[0].left <= -kHalf;
  const Box& west = footprint[first_is_west ? 0 : 1];
  const Box& east = footprint[first_is_west ? 1 : 0];
  if (east.right < kHalf) return all;
  return {east.left, all.bottom, west.right, all.top};
}

std::vector<Box> from_row(const Box& row) {
  if (row.left <= row.right) return {row};
  return {{row.left, row.bottom, kHalf, row.top}, {-kHalf, row.bottom, row.right, row.top}};
}

}  // namespace cube
