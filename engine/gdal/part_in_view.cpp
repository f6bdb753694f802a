#include "engine/gdal/part_in_view.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace cube {

namespace {

// Places all over a raster, `steps` from one edge to the other.
std::vector<Vertex> places_over(double width, double height, int steps) {
  std::vector<Vertex> out;
  for (int i = 0; i <= steps; ++i) {
    for (int k = 0; k <= steps; ++k) out.push_back({width * k / steps, height * i / steps});
  }
  return out;
}

bool is_in_view(const Vertex& at, const ImageAndView& both) {
  constexpr double kEdge = 1e-6;
  return at.x >= -kEdge && at.y >= -kEdge && at.x <= both.view_width + kEdge &&
         at.y <= both.view_height + kEdge;
}

bool lies_in_view(const Vertex& place, const ImageAndView& both) {
  return is_in_view(both.to_view({place}).front(), both);
}

// Places of the image that lie in the view.
struct PlacesInView {
  std::vector<Vertex> all;
  std::vector<Vertex> inner;  // those that are not on the view's edge
};

// True when they all do.
bool add_places_of_image(const ImageAndView& both, PlacesInView& part) {
  constexpr int kSteps = 4;
  const std::vector<Vertex> places = places_over(both.width, both.height, kSteps);
  const std::vector<Vertex> cells = both.to_view(places);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (is_in_view(cells[i], both)) part.all.push_back(places[i]);
  }
  return part.all.size() == places.size();
}

void add_places_of_view(const ImageAndView& both, PlacesInView& part) {
  constexpr std::size_t kSteps = 8;
  const auto on_edge = [](std::size_t i) { return i == 0 || i == kSteps; };
  const std::vector<Vertex> at =
      both.to_image(places_over(both.view_width, both.view_height, static_cast<int>(kSteps)));
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto& [x, y] = at[i];
    if (!(x >= 0 && y >= 0 && x <= both.width && y <= both.height)) continue;
    part.all.push_back(at[i]);
    if (!on_edge(i / (kSteps + 1)) && !on_edge(i % (kSteps + 1))) part.inner.push_back(at[i]);
  }
}

// The first of the places that lie nearest to a centre; by their rows alone where `around`.
std::optional<Vertex> nearest(const std::vector<Vertex>& places, const Vertex& centre,
                              bool around) {
  constexpr double kCloser = 1e-6;  // more than rounding errors
  std::optional<Vertex> best;
  double least = std::numeric_limits<double>::infinity();
  for (const Vertex& place : places) {
    const double distance = std::hypot(around ? 0 : place.x - centre.x, place.y - centre.y);
    if (distance > least - kCloser) continue;
    least = distance;
    best = place;
  }
  return best;
}

}  // namespace

Vertex centre_of_part(const ImageAndView& both) {
  const Vertex own{both.width / 2, both.height / 2};
  PlacesInView part;
  if (add_places_of_image(both, part) && both.round == 0) return own;
  add_places_of_view(both, part);
  if (part.all.empty()) return own;
  Vertex low = part.all.front();
  Vertex high = low;
  for (Vertex place : part.all) {
    if (both.round > 0) {
      place.x -= both.round * std::nearbyint((place.x - part.all.front().x) / both.round);
    }
    low = {std::min(low.x, place.x), std::min(low.y, place.y)};
    high = {std::max(high.x, place.x), std::max(high.y, place.y)};
  }
  const Vertex centre{(low.x + high.x) / 2, (low.y + high.y) / 2};
  // Where the middle of a part is that goes most of the way round the world depends on the seam.
  const bool around = both.round > 0 && high.x - low.x > both.round / 2;
  if (!around && lies_in_view(centre, both)) return centre;
  const std::optional<Vertex> near = nearest(part.inner, centre, around);
  if (!near || !around) return near.value_or(centre);
  const Vertex on_row{near->x, centre.y};
  return lies_in_view(on_row, both) ? on_row : *near;
}

}  // namespace cube
