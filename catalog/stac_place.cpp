#include "catalog/stac_place.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "catalog/footprint.h"
#include "catalog/stac_json.h"
#include "engine/error.h"
#include "engine/gdal/crs.h"

namespace cube {

namespace {

using json = nlohmann::ordered_json;

// All points of a ring, a polygon or several.
void collect_points(const json& coordinates, std::vector<double>& x, std::vector<double>& y) {
  if (!coordinates.is_array() || coordinates.empty()) return;
  if (coordinates.size() >= 2 && coordinates[0].is_number() && coordinates[1].is_number()) {
    x.push_back(coordinates[0].get<double>());
    y.push_back(coordinates[1].get<double>());
    return;
  }
  for (const json& part : coordinates) collect_points(part, x, y);
}

void add_geometry(const json& geometry, std::vector<Box>& out) {
  const json& parts = member(geometry, "geometries");
  if (parts.is_array()) {
    for (const json& part : parts) add_geometry(part, out);
    return;
  }
  const json& coordinates = member(geometry, "coordinates");
  const bool several = text_of(member(geometry, "type")) == "MultiPolygon";
  const auto add = [&](const json& polygon) {
    std::vector<double> x;
    std::vector<double> y;
    collect_points(polygon, x, y);
    const auto boxes = lonlat_bounds(x, y);
    out.insert(out.end(), boxes.begin(), boxes.end());
  };
  if (!several) return add(coordinates);
  for (const json& polygon : coordinates) add(polygon);
}

}  // namespace

std::optional<Box> grid_extent(const json& transform, const json& shape, const json& bbox) {
  constexpr std::size_t kAffine = 6;  // numbers that count; nine with the last row of a matrix
  const auto t = numbers_of(transform);
  const auto size = numbers_of(shape);
  if (t && t->size() >= kAffine && size && size->size() == 2) {
    const double columns = size->at(1);
    const double rows = size->at(0);
    std::optional<Box> out;
    for (const auto& [column, row] : {std::array{0.0, 0.0}, std::array{columns, 0.0},
                                      std::array{0.0, rows}, std::array{columns, rows}}) {
      const double x = t->at(0) * column + t->at(1) * row + t->at(2);
      const double y = t->at(3) * column + t->at(4) * row + t->at(5);
      if (!out) out = Box{x, y, x, y};
      out = Box{std::min(out->left, x), std::min(out->bottom, y), std::max(out->right, x),
                std::max(out->top, y)};
    }
    return out;
  }
  const auto box = numbers_of(bbox);
  if (box && box->size() == 4) return Box{box->at(0), box->at(1), box->at(2), box->at(3)};
  if (box && box->size() == 6) return Box{box->at(0), box->at(1), box->at(3), box->at(4)};
  return std::nullopt;
}

std::vector<Box> item_bounds(const json& item) {
  std::vector<Box> boxes;
  add_geometry(member(item, "geometry"), boxes);
  boxes = wrap_longitudes(boxes);
  merge_touching(boxes);
  const auto bbox = numbers_of(member(item, "bbox"));
  if (!bbox || (bbox->size() != 4 && bbox->size() != 6)) return boxes;
  const std::size_t half = bbox->size() / 2;
  const Box box{bbox->at(0), bbox->at(1), bbox->at(half), bbox->at(half + 1)};
  if (box.bottom > box.top) {
    throw Error(ErrorCode::kInvalid, "bottom is above top", "/bbox", "west, south, east, north");
  }
  if (box.left > box.right) return from_row(box);
  return boxes.size() > 1 ? boxes : wrap_longitudes({box});
}

}  // namespace cube
