#include "engine/beside.h"

#include <algorithm>
#include <cmath>

#include "engine/text.h"

namespace cube {

namespace {

// Rounded to a hundredth of a cell.
std::string coordinate_text(double value, double cell) {
  constexpr int kMostDigits = 12;
  const int digits = std::clamp(2 - static_cast<int>(std::floor(std::log10(cell))), 0, kMostDigits);
  const double power = std::pow(10.0, digits);
  const double rounded = std::round(value * power) / power;
  return number_text(std::isfinite(rounded) ? rounded + 0.0 : value);
}

std::string span_text(std::string_view axis, double low, double high, double cell) {
  std::string out = std::string(axis) + ' ' + coordinate_text(low, cell);
  if (high > low) out += " to " + coordinate_text(high, cell);
  return out;
}

std::string time_span_text(const TimeAxis& time) {
  if (time.size() == 0) return "no slice";
  if (time.size() == 1) return time.label(0);
  return time.label(0) + " to " + time.label(time.size() - 1);
}

// A CRS that is a page of WKT says nothing here.
std::string crs_text(const std::string& crs) {
  constexpr std::size_t kMost = 32;
  return crs.empty() || crs.size() > kMost ? "its CRS" : crs;
}

Box all_cells(const Grid& grid) {
  return {0, 0, static_cast<double>(grid.width), static_cast<double>(grid.height)};
}

}  // namespace

std::string place_text(const Box& cells, const Grid& grid) {
  return span_text("x", grid.x_edge(cells.left), grid.x_edge(cells.right), grid.dx) + ", " +
         span_text("y", grid.y_edge(cells.top), grid.y_edge(cells.bottom), grid.dy);
}

bool lies_beside(const Box& cells, const Grid& grid) {
  const bool inside = cells.right > 0 && cells.left < static_cast<double>(grid.width) &&
                      cells.top > 0 && cells.bottom < static_cast<double>(grid.height);
  return !inside;
}

std::string places_text(std::string_view what, const Box& cells, const Grid& grid) {
  return std::string(what) + (what == "it" ? " spans " : " span ") + place_text(cells, grid) +
         ", the cube " + place_text(all_cells(grid), grid) + " in " + crs_text(grid.crs);
}

std::string grids_text(const Grid& grid, const Grid& cube) {
  const std::string crs = grid.crs == cube.crs ? "" : " in " + crs_text(grid.crs);
  return "the grid spans " + place_text(all_cells(grid), grid) + crs + ", the cube " +
         place_text(all_cells(cube), cube) + " in " + crs_text(cube.crs);
}

std::string times_text(std::string_view what, const TimeAxis& times, const TimeAxis& cube) {
  return std::string(what) + " spans " + time_span_text(times) + ", the cube " +
         time_span_text(cube);
}

std::string some_features(std::int64_t count, std::int64_t all, std::int64_t first,
                          std::string_view one, std::string_view many) {
  if (all == 1) return "the feature " + std::string(one);
  return std::to_string(count) + " of " + std::to_string(all) + " features " +
         std::string(count == 1 ? one : many) +
         (count == 1 ? ": feature " : ", the first is feature ") + std::to_string(first);
}

void BesideCount::add(std::int64_t id, const Box& cells, bool beside) {
  ++all_;
  if (!beside) return;
  if (beside_++ == 0) first_ = id;
  if (!(cells.left <= cells.right)) return;
  if (hull_.left > hull_.right) hull_ = cells;
  hull_ = {std::min(hull_.left, cells.left), std::min(hull_.bottom, cells.bottom),
           std::max(hull_.right, cells.right), std::max(hull_.top, cells.top)};
}

std::string BesideCount::text() const {
  const std::string noun(noun_);
  if (beside_ < all_) {
    return std::to_string(beside_) + " of " + std::to_string(all_) + " " + noun + "s " +
           (beside_ == 1 ? "has no place in the cube and no values: "
                         : "have no place in the cube and no values, the first is ") +
           (noun == "feature" ? "" : noun + " of ") + "feature " + std::to_string(first_);
  }
  const bool one = all_ == 1;
  const std::string subject =
      one ? "the " + noun : "all " + std::to_string(all_) + " " + noun + "s";
  const std::string missing = ", so all values are missing";
  if (hull_.left > hull_.right) return subject + (one ? " has" : " have") + " no place" + missing;
  return subject + (one ? " lies" : " lie") + " outside of the cube" + missing + ": " +
         places_text(one ? "it" : "they", hull_, grid_);
}

}  // namespace cube
