#include "cli/picture_layout.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace cube {

namespace {

constexpr double kBetween = 28;  // boxes beside each other
constexpr double kLayerGap = 46;
constexpr double kDummyWidth = 10;
constexpr int kSweeps = 12;

// A node, or the place where an edge passes a layer.
struct Item {
  double width = kDummyWidth;
  std::size_t layer = 0;
  std::vector<std::size_t> above;
  std::vector<std::size_t> below;
  double middle = 0;
};

class Layers {
 public:
  explicit Layers(const std::vector<LayoutNode>& nodes) : nodes_(nodes) {
    rank();
    connect();
    order();
    place();
  }

  Layout result() const;

 private:
  // Each node below its inputs, and sources just above who reads them first.
  void rank() {
    items_.resize(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      items_[i].width = nodes_[i].width;
      for (const std::size_t input : nodes_[i].inputs) {
        items_[i].layer = std::max(items_[i].layer, items_[input].layer + 1);
      }
    }
    std::vector<std::size_t> first(nodes_.size(), nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const std::size_t input : nodes_[i].inputs) {
        first[input] = std::min(first[input], items_[i].layer);
      }
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].inputs.empty() && first[i] < nodes_.size()) items_[i].layer = first[i] - 1;
    }
  }

  // Edges, with an item in each layer that they pass.
  void connect() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      chains_.emplace_back();
      for (const std::size_t input : nodes_[i].inputs) {
        std::vector<std::size_t> chain;
        std::size_t from = input;
        for (std::size_t layer = items_[input].layer + 1; layer < items_[i].layer; ++layer) {
          chain.push_back(items_.size());
          items_.push_back({.layer = layer});
          link(from, chain.back());
          from = chain.back();
        }
        link(from, i);
        chains_.back().push_back(std::move(chain));
      }
    }
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (layers_.size() <= items_[i].layer) layers_.resize(items_[i].layer + 1);
    }
    // Depth first from the last node: what belongs together begins together.
    std::vector<bool> seen(items_.size());
    for (std::size_t i = nodes_.size(); i-- > 0;) put(i, seen);
  }

  void put(std::size_t item, std::vector<bool>& seen) {
    if (seen[item]) return;
    seen[item] = true;
    for (const std::size_t above : items_[item].above) put(above, seen);
    layers_[items_[item].layer].push_back(item);
  }

  void link(std::size_t above, std::size_t below) {
    items_[above].below.push_back(below);
    items_[below].above.push_back(above);
  }

  // Sweeps down and up; the order with the fewest crossings stays.
  void order() {
    auto best = layers_;
    std::size_t fewest = crossings();
    for (int sweep = 0; sweep < kSweeps && fewest > 0; ++sweep) {
      const bool down = sweep % 2 == 0;
      for (std::size_t k = 1; k < layers_.size(); ++k) {
        sort_layer(down ? k : layers_.size() - 1 - k, down);
      }
      const std::size_t count = crossings();
      if (count >= fewest) continue;
      fewest = count;
      best = layers_;
    }
    layers_ = std::move(best);
  }

  std::vector<double> ranks() const {
    std::vector<double> out(items_.size());
    for (const auto& layer : layers_) {
      for (std::size_t k = 0; k < layer.size(); ++k) out[layer[k]] = static_cast<double>(k);
    }
    return out;
  }

  void sort_layer(std::size_t layer, bool down) {
    const std::vector<double> rank = ranks();
    const auto barycentre = [&](std::size_t item) {
      const auto& others = down ? items_[item].above : items_[item].below;
      if (others.empty()) return rank[item];
      double sum = 0;
      for (const std::size_t other : others) sum += rank[other];
      return sum / static_cast<double>(others.size());
    };
    std::stable_sort(layers_[layer].begin(), layers_[layer].end(),
                     [&](std::size_t a, std::size_t b) { return barycentre(a) < barycentre(b); });
  }

  std::size_t crossings() const {
    const std::vector<double> rank = ranks();
    std::size_t count = 0;
    for (const auto& layer : layers_) {
      std::vector<std::pair<double, double>> edges;
      for (const std::size_t item : layer) {
        for (const std::size_t below : items_[item].below) {
          edges.emplace_back(rank[item], rank[below]);
        }
      }
      for (std::size_t a = 0; a < edges.size(); ++a) {
        for (std::size_t b = a + 1; b < edges.size(); ++b) {
          const double sign =
              (edges[a].first - edges[b].first) * (edges[a].second - edges[b].second);
          if (sign < 0) ++count;
        }
      }
    }
    return count;
  }

  double distance(std::size_t left, std::size_t right) const {
    return (items_[left].width + items_[right].width) / 2 + kBetween;
  }

  void place() {
    for (const auto& layer : layers_) {
      for (std::size_t k = 1; k < layer.size(); ++k) {
        items_[layer[k]].middle = items_[layer[k - 1]].middle + distance(layer[k - 1], layer[k]);
      }
    }
    // To the last, below their inputs: what follows one another stands straight.
    constexpr int kLast = 3;
    for (int sweep = 0; sweep < 2 * kSweeps + kLast; ++sweep) {
      const bool down = sweep % 2 == 0 || sweep >= 2 * kSweeps;
      for (std::size_t k = 0; k < layers_.size(); ++k) {
        move_layer(layers_[down ? k : layers_.size() - 1 - k], down);
      }
    }
    double left = 0;
    bool any = false;
    for (const Item& item : items_) {
      const double edge = item.middle - item.width / 2;
      left = any ? std::min(left, edge) : edge;
      any = true;
    }
    for (Item& item : items_) item.middle -= left;
  }

  // As near to the middle of their neighbours as order and distance allow.
  void move_layer(const std::vector<std::size_t>& layer, bool down) {
    struct Pool {
      double sum;
      double weight;
      std::size_t size;
      double mean() const { return sum / weight; }
    };
    std::vector<Pool> pools;
    std::vector<double> offsets;
    for (std::size_t k = 0; k < layer.size(); ++k) {
      offsets.push_back(k == 0 ? 0 : offsets.back() + distance(layer[k - 1], layer[k]));
      const auto [wanted, weight] = wanted_place(layer[k], down);
      pools.push_back({(wanted - offsets.back()) * weight, weight, 1});
      while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
        const Pool last = pools.back();
        pools.pop_back();
        pools.back() = {pools.back().sum + last.sum, pools.back().weight + last.weight,
                        pools.back().size + last.size};
      }
    }
    std::size_t k = 0;
    for (const Pool& pool : pools) {
      for (std::size_t i = 0; i < pool.size; ++i, ++k) {
        items_[layer[k]].middle = pool.mean() + offsets[k];
      }
    }
  }

  // And how much that weighs.
  std::pair<double, double> wanted_place(std::size_t index, bool down) const {
    constexpr double kStraight = 4;  // long edges should not bend
    const Item& item = items_[index];
    const auto& others =
        (down && !item.above.empty()) || item.below.empty() ? item.above : item.below;
    if (others.empty()) return {item.middle, 1};
    double sum = 0;
    for (const std::size_t other : others) sum += items_[other].middle;
    return {sum / static_cast<double>(others.size()), index < nodes_.size() ? 1 : kStraight};
  }

  const std::vector<LayoutNode>& nodes_;
  std::vector<Item> items_;                                    // the nodes, then what edges pass
  std::vector<std::vector<std::size_t>> layers_;               // items from left to right
  std::vector<std::vector<std::vector<std::size_t>>> chains_;  // of each node's inputs
};

Layout Layers::result() const {
  Layout out;
  std::vector<double> tops;
  std::vector<double> heights(layers_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    double& height = heights[items_[i].layer];
    height = std::max(height, nodes_[i].height);
  }
  for (const double height : heights) {
    tops.push_back(out.height);
    out.height += height + kLayerGap;
  }
  out.height = std::max(0.0, out.height - kLayerGap);
  for (const Item& item : items_) out.width = std::max(out.width, item.middle + item.width / 2);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Item& item = items_[i];
    const double spare = heights[item.layer] - nodes_[i].height;
    out.nodes.push_back({item.middle - item.width / 2, tops[item.layer] + spare / 2});
    out.bends.emplace_back();
    for (const auto& chain : chains_[i]) {
      out.bends.back().emplace_back();
      for (const std::size_t k : chain) {
        const std::size_t layer = items_[k].layer;
        out.bends.back().back().push_back(
            {items_[k].middle, tops[layer], tops[layer] + heights[layer]});
      }
    }
  }
  return out;
}

}  // namespace

Layout layout(const std::vector<LayoutNode>& nodes) { return Layers(nodes).result(); }

}  // namespace cube
