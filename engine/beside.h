// Words for what lies beside a cube instead of in it, for the notes of operators.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/cube_info.h"
#include "engine/grid.h"
#include "engine/shape.h"

namespace cube {

// "x 0 to 40, y 0 to 30": a box in cells of a grid (x = column, y = row downwards), in the units of
// its CRS, rounded to a hundredth of a cell.
std::string place_text(const Box& cells, const Grid& grid);

// Whether a box in cells of a grid has no area in common with it.
bool lies_beside(const Box& cells, const Grid& grid);

// "it spans x 90 to 95, y 5 to 8, the cube x 0 to 40, y 0 to 30 in EPSG:3857". `what` is "it" or
// "they".
std::string places_text(std::string_view what, const Box& cells, const Grid& grid);

// Put to the former where the geometry's CRS is not known and the cube's was taken.
inline constexpr const char* kNoCrs =
    " (it has no CRS of its own, so the cube's was taken; 'srs' says another)";

// "the grid spans x 90 to 95, y 5 to 8 in EPSG:4326, the cube x 0 to 40, y 0 to 30 in EPSG:3857".
std::string grids_text(const Grid& grid, const Grid& cube);

// "it spans 2019-01 to 2019-03, the cube 2020-01 to 2020-12".
std::string times_text(std::string_view what, const TimeAxis& times, const TimeAxis& cube);

// "2 of 3 features MANY, the first is feature 7", "1 of 3 features ONE: feature 7", "the feature
// ONE".
std::string some_features(std::int64_t count, std::int64_t all, std::int64_t first,
                          std::string_view one, std::string_view many);

// How many of the features or points of a table a cube does not hold.
class BesideCount {
 public:
  // `noun` is "feature" or "point".
  BesideCount(const Grid& grid, std::string_view noun) : grid_(grid), noun_(noun) {}

  // The next one, of feature `id`, at a box in cells, left > right where it has none.
  void add(std::int64_t id, const Box& cells, bool beside);

  bool any() const { return beside_ > 0; }
  // "2 of 3 features have no place in the cube and no values, the first is feature 7", or of all
  // where they lie and where the cube. REQUIRES: any().
  std::string text() const;

 private:
  const Grid& grid_;
  std::string_view noun_;
  std::int64_t all_ = 0;
  std::int64_t beside_ = 0;
  std::int64_t first_ = 0;
  Box hull_{1, 1, 0, 0};  // of those that have a place; left > right = none
};

}  // namespace cube
