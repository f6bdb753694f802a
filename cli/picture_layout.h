// Where the boxes of a picture go: in layers, each below its inputs, with few crossings.
//
// Layers, dummies on long edges and the barycentre heuristic are those of Sugiyama, Tagawa and Toda
// (1981); the places within a layer are the least squares ones that keep order and distance, by
// pooling adjacent violators.
// Thread rule: a pure function and values.
#pragma once

#include <cstddef>
#include <vector>

namespace cube {

struct LayoutNode {
  double width = 0;
  double height = 0;
  std::vector<std::size_t> inputs;  // nodes before this one
};

struct Layout {
  struct Place {
    double x = 0;  // of the upper left corner
    double y = 0;
  };
  struct Bend {
    double x = 0;
    double top = 0;  // the edge runs straight down from here
    double bottom = 0;
  };
  std::vector<Place> nodes;
  std::vector<std::vector<std::vector<Bend>>> bends;  // of each input of each node, from it down
  double width = 0;
  double height = 0;
};

Layout layout(const std::vector<LayoutNode>& nodes);

}  // namespace cube
