// The tree of boxes against looking at every box.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "engine/box_tree.h"
#include "tests/support.h"

using namespace cube;

TEST_CASE("a tree of boxes finds what touches, whatever their number, size and place") {
  std::mt19937 random(7);
  const auto uniform = [&](double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random);
  };
  constexpr double kMost = std::numeric_limits<double>::max();
  for (const std::uint32_t count : {0U, 1U, 2U, 16U, 17U, 255U, 256U, 257U, 5000U}) {
    std::vector<BoxTree::Item> items;
    for (std::uint32_t i = 0; i < count; ++i) {
      const double x = uniform(-100, 100);
      const double y = std::round(uniform(-10, 10));  // many share an edge
      const double size = i % 7 == 0 ? uniform(0, 50) : 1;
      items.push_back({{x, y, x + size, y + size}, i});
      if (i % 97 == 5) items.back().box = {-kMost, -kMost, kMost, kMost};
    }
    const BoxTree tree(items);
    for (int round = 0; round < 50; ++round) {
      const double x = std::round(uniform(-110, 110));
      const double y = std::round(uniform(-20, 20));
      const double size = round % 5 * 10;
      const Box window{x, y, x + size, y + size};
      std::vector<std::size_t> expected;
      for (const auto& item : items) {
        if (item.box.intersects(window)) expected.push_back(item.id);
      }
      std::vector<std::size_t> found;
      tree.find(window, found);
      std::ranges::sort(found);
      CHECK(found == expected);
    }
  }
}
