#include "engine/beside.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "engine/gdal/crs.h"
#include "engine/text.h"

namespace cube {

namespace {

// Rounded to a hundredth of `size`, which may be 0, infinite or nan.
std::string coordinate_text(double value, double size) {
  constexpr double kMostDigits = 12;
  if (!std::isfinite(value)) return number_text(value);
  const double wanted = 2 - std::floor(std::log10(size));
  const int digits = wanted > 0 ? static_cast<int>(std::min(wanted, kMostDigits)) : 0;
  std::array<char, 512> text{};  // holds any double
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::fixed, digits);
  std::string out(text.data(), end.ptr);
  if (digits > 0) {
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
  }
  return out == "-0" ? "0" : out;
}

// Digits are those of a cell, or of what is smaller.
std::string span_text(std::string_view axis, double low, double high, double cell) {
  constexpr double kParts = 10;
  const double size = high > low ? std::min(cell, kParts * (high - low)) : cell;
  std::string out = std::string(axis) + ' ' + coordinate_text(low, size);
  if (high > low) out += " to " + coordinate_text(high, size);
  return out;
}

std::string place_text(const Box& box, double dx, double dy) {
  return span_text("x", box.left, box.right, dx) + ", " + span_text("y", box.bottom, box.top, dy);
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

}  // namespace

bool lies_beside(const Box& cells, const Grid& grid) {
  const bool inside = cells.right > 0 && cells.left < static_cast<double>(grid.width) &&
                      cells.top > 0 && cells.bottom < static_cast<double>(grid.height);
  return !inside;
}

std::string places_text(std::string_view what, const Box& box, const std::string& crs,
                        const Grid& cube) {
  const bool own = crs.empty() || crs == cube.crs || same_crs(crs, cube.crs);
  std::vector<Box> boxes = {cube.extent()};
  if (!own) boxes = transform_box(cube.extent(), cube.crs, crs);
  const std::string spans = std::string(what) + (what == "they" ? " span " : " spans ");
  if (boxes.empty()) {
    return spans + place_text(box, box.right - box.left, box.top - box.bottom) + " in " +
           crs_text(crs) + ", the cube " + place_text(cube.extent(), cube.dx, cube.dy) + " in " +
           crs_text(cube.crs);
  }
  const Box& there = boxes.front();
  const double dx = (there.right - there.left) / static_cast<double>(cube.width);
  const double dy = (there.top - there.bottom) / static_cast<double>(cube.height);
  const Box swapped{box.bottom, box.left, box.top, box.right};
  return spans + place_text(box, dx, dy) + ", the cube " + place_text(there, dx, dy) + " in " +
         crs_text(own ? cube.crs : crs) +
         (swapped.intersects(there) && !box.intersects(there) ? " (are x and y swapped?)" : "");
}

std::string times_text(std::string_view what, const TimeAxis& times, const TimeAxis& cube) {
  return std::string(what) + " spans " + time_span_text(times) + ", the cube " +
         time_span_text(cube);
}

std::string some_features(std::int64_t count, std::int64_t all, std::int64_t first,
                          std::string_view one, std::string_view many) {
  if (all == 1) return "the feature " + std::string(one);
  return std::to_string(count) + " of " + counted(all, "feature") + " " +
         std::string(count == 1 ? one : many) +
         (count == 1 ? ": feature " : ", the first is feature ") + std::to_string(first);
}

void BesideCount::add(std::int64_t id, const Box& box, bool beside) {
  ++all_;
  if (!beside) return;
  if (beside_++ == 0) first_ = id;
  if (!(box.left <= box.right)) return;
  if (hull_.left > hull_.right) hull_ = box;
  hull_ = {std::min(hull_.left, box.left), std::min(hull_.bottom, box.bottom),
           std::max(hull_.right, box.right), std::max(hull_.top, box.top)};
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
         places_text(one ? "it" : "they", hull_, crs_, grid_);
}

}  // namespace cube
