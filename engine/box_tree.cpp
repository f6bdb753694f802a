#include "engine/box_tree.h"

#include <algorithm>
#include <cmath>

namespace cube {

namespace {

constexpr std::size_t kNode = 16;

Box enclosing(const Box& a, const Box& b) {
  return {std::min(a.left, b.left), std::min(a.bottom, b.bottom), std::max(a.right, b.right),
          std::max(a.top, b.top)};
}

// The halves are added so that boxes around everything do not overflow.
double middle_x(const BoxTree::Item& item) { return item.box.left / 2 + item.box.right / 2; }
double middle_y(const BoxTree::Item& item) { return item.box.bottom / 2 + item.box.top / 2; }

void sort_in_tiles(std::vector<BoxTree::Item>& items) {
  const double nodes = std::ceil(static_cast<double>(items.size()) / kNode);
  const std::size_t slab = static_cast<std::size_t>(std::ceil(std::sqrt(nodes))) * kNode;
  std::ranges::sort(items, {}, middle_x);
  for (std::size_t i = 0; i < items.size(); i += slab) {
    const auto begin = items.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = items.begin() + static_cast<std::ptrdiff_t>(std::min(i + slab, items.size()));
    std::ranges::sort(begin, end, {}, middle_y);
  }
}

// The bounds of each 16 of `boxes`.
template <class Items, class ToBox>
std::vector<Box> bounds_of(const Items& items, const ToBox& box) {
  std::vector<Box> out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i % kNode == 0) {
      out.push_back(box(items[i]));
    } else {
      out.back() = enclosing(out.back(), box(items[i]));
    }
  }
  return out;
}

}  // namespace

BoxTree::BoxTree(std::vector<Item> items) : items_(std::move(items)) {
  if (items_.size() <= kNode) return;
  sort_in_tiles(items_);
  levels_.push_back(bounds_of(items_, [](const Item& item) { return item.box; }));
  while (levels_.back().size() > kNode) {
    levels_.push_back(bounds_of(levels_.back(), [](const Box& box) { return box; }));
  }
}

void BoxTree::visit(std::size_t level, std::size_t node, const Box& window,
                    std::vector<std::size_t>& ids) const {
  const std::size_t below = level == 0 ? items_.size() : levels_[level - 1].size();
  for (std::size_t i = node * kNode; i < std::min((node + 1) * kNode, below); ++i) {
    if (level == 0) {
      if (items_[i].box.intersects(window)) ids.push_back(items_[i].id);
    } else if (levels_[level - 1][i].intersects(window)) {
      visit(level - 1, i, window, ids);
    }
  }
}

void BoxTree::find(const Box& window, std::vector<std::size_t>& ids) const {
  visit(levels_.size(), 0, window, ids);
}

}  // namespace cube
