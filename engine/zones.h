// Zones: the areas of features in the cells of a cube's grid.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cell_weights.h"
#include "engine/features.h"
#include "engine/grid.h"
#include "engine/region.h"
#include "engine/shape.h"

namespace cube {

// Immutable; any thread.
class Zones {
 public:
  // Which cells belong to a zone, and with which weight.
  enum class Rule : std::uint8_t {
    kCenter,   // those whose centre is inside
    kTouched,  // those it covers a part of
    kCoverage  // the same, with the covered fraction as the weight
  };

  // What the dearest zones take, each number of its own.
  struct Largest {
    std::int64_t weights_bytes = 0;
    std::int64_t columns = 0;
    std::int64_t rows = 0;  // of a piece
    CellWeights::Counts cells;
  };

  // Of a grid in a place; the features' CRS is the grid's where they have none. Throws
  // Error(kInvalid) with `where` for features that are no areas.
  Zones(const FeatureTable& table, const Grid& grid, Rule rule, std::string_view where);

  // The cells of one slice that a zone lies within; empty outside of the grid.
  const Region& window(std::int64_t zone) const { return at(zone).window; }
  std::vector<Region> windows(const Range& zones) const;
  // Around its outline in the features' CRS; left > right where it has none.
  const Box& box(std::int64_t zone) const { return at(zone).box; }
  std::int64_t size() const { return static_cast<std::int64_t>(zones_.size()); }

  CellWeights weights(std::int64_t zone) const;

  // Rows of a window that are looked at together.
  static std::int64_t piece_rows(const Region& window);

  const Largest& largest() const { return largest_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  struct Zone {
    Shape shape;
    Region window;
    Box box;
  };

  const Zone& at(std::int64_t zone) const { return zones_[static_cast<std::size_t>(zone)]; }
  void take_size(const Zone& zone);

  Rule rule_;
  std::vector<Zone> zones_;
  Largest largest_;
  std::int64_t bytes_ = 0;
};

}  // namespace cube
