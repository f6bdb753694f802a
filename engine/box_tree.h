// BoxTree: which of many boxes touch a window.
//
// A packed R-tree: boxes in tiles (sorted by x, cut into slabs, each sorted by y), 16 to a node.
// A query looks at about 16 boxes a level besides what it finds.
// Thread rule: immutable once made.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/grid.h"

namespace cube {

class BoxTree {
 public:
  struct Item {
    Box box;
    std::uint32_t id;
  };

  explicit BoxTree(std::vector<Item> items);

  // Appends the ids of the items whose box touches the window, in no particular order.
  void find(const Box& window, std::vector<std::size_t>& ids) const;

 private:
  void visit(std::size_t level, std::size_t node, const Box& window,
             std::vector<std::size_t>& ids) const;

  std::vector<Item> items_;
  std::vector<std::vector<Box>> levels_;  // bounds of 16 items each, of 16 nodes each, ...
};

}  // namespace cube
