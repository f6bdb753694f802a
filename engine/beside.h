// Words for what lies beside a cube instead of in it, for the notes of operators.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "engine/cube_info.h"
#include "engine/grid.h"
#include "engine/shape.h"

namespace cube {

// Whether a box in cells of a grid (x = column, y = row downwards) has no area in common with it.
bool lies_beside(const Box& cells, const Grid& grid);

// Where a box lies, of a CRS or, with "", the cube's, and where the cube, in the box's CRS: "it
// spans x 90 to 95, y 5 to 8, the cube x 0 to 40, y 0 to 30 in EPSG:3857". `what` is "it", "they",
// "the grid", ... Asks where x and y may have changed places.
std::string places_text(std::string_view what, const Box& box, const std::string& crs,
                        const Grid& cube);

// Put to that where a geometry's CRS is not known and the cube's was taken.
inline constexpr const char* kNoCrs =
    " (it has no CRS of its own, so the cube's was taken; 'srs' says another)";

// "it spans 2019-01 to 2019-03, the cube 2020-01 to 2020-12".
std::string times_text(std::string_view what, const TimeAxis& times, const TimeAxis& cube);

// "2 of 3 features MANY, the first is feature 7", "1 of 3 features ONE: feature 7", "the feature
// ONE".
std::string some_features(std::int64_t count, std::int64_t all, std::int64_t first,
                          std::string_view one, std::string_view many);

// How many of the features or points of a table a cube does not hold.
class BesideCount {
 public:
  // `noun` is "feature" or "point", `crs` that of the boxes.
  BesideCount(const Grid& grid, std::string crs, std::string_view noun)
      : grid_(grid), crs_(std::move(crs)), noun_(noun) {}

  // The next one, of feature `id`, in a box, left > right where it has none.
  void add(std::int64_t id, const Box& box, bool beside);

  bool any() const { return beside_ > 0; }
  // "2 of 3 features have no place in the cube and no values, the first is feature 7", or of all
  // where they lie and where the cube. REQUIRES: any().
  std::string text() const;

 private:
  const Grid& grid_;
  std::string crs_;
  std::string_view noun_;
  std::int64_t all_ = 0;
  std::int64_t beside_ = 0;
  std::int64_t first_ = 0;
  Box hull_{1, 1, 0, 0};  // of those that have a place; left > right = none
};

}  // namespace cube
