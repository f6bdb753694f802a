// CRS: coordinate reference systems and transformations, as GDAL and PROJ know them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grid.h"

namespace cube {

// Checks a CRS text ("EPSG:3857", WKT, PROJ string, ...) and gives its canonical text: "EPSG:n"
// when it has an authority code, else WKT2. Throws Error(kInvalid) with `where`.
std::string canonical_crs(std::string_view text, std::string_view where);

// The same for grids, which lie in a plane or in longitude and latitude: not one of X, Y and Z from
// the centre of the earth or of heights alone.
std::string canonical_plane_crs(std::string_view text, std::string_view where);

// WKT2:2019 of a CRS text, for outputs. "" stays "".
std::string crs_wkt(const std::string& crs);

// True when both describe the same system ("" equals only ""); axis order is ignored.
bool same_crs(const std::string& a, const std::string& b);

// Whether coordinates are longitude/latitude degrees.
bool is_geographic(const std::string& crs);

// Whether those are degrees of a grid whose pole lies elsewhere.
bool is_rotated(const std::string& crs);

// Points from one CRS to another, x = easting/longitude, y = northing/latitude.
// Thread rule: one a thread.
class CrsTransform {
 public:
  CrsTransform(const std::string& from, const std::string& to);  // throws Error(kInvalid)
  ~CrsTransform();
  CrsTransform(CrsTransform&&) noexcept;

  // In place; points that cannot be transformed become NaN.
  void apply(std::span<double> x, std::span<double> y) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// How far apart the same place comes again along x: 360 degrees, or once round the world in a
// cylindrical projection; 0 where it does not. Coordinates may reach beyond 180 degrees there.
// Takes the transformation from longitude and latitude to the CRS.
double once_round(const CrsTransform& from_lonlat);

// The bounding boxes of `box` in another CRS: edges are densified; a result in longitude/latitude
// that crosses the antimeridian is split in two. Empty when nothing can be transformed.
std::vector<Box> transform_box(const Box& box, const std::string& from, const std::string& to);

// The boxes around points given in longitude and latitude, split at the antimeridian; points that
// are NaN are left out.
std::vector<Box> lonlat_bounds(std::span<const double> longitude, std::span<const double> latitude);

// The same for points that lie all over an area, not only on its outline: their longitudes end
// where none is for a while, and go all round, up to the pole, where there is no such place.
std::vector<Box> lonlat_cover(std::span<const double> longitude, std::span<const double> latitude);

}  // namespace cube
