// GeoMap: where the cells of a view lie in an image.
//
// Same CRS and an affine image: an exact affine map. Otherwise GDAL's transformer (CRS, GCPs, RPCs,
// geolocation arrays) is evaluated at the nodes of a lattice that is anchored to the view's grid,
// never to the window that is asked for, so that a cell's position does not depend on chunks.
// Between nodes parabolas are laid; squares where they err are divided. Cells that come so near a
// border between source cells that the error could matter are evaluated exactly.
//
// Thread rule: one a thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/gdal/handles.h"
#include "engine/grid.h"
#include "engine/region.h"

namespace cube {

// Centres this near a border between source cells count as beyond it, so that rounding errors do
// not decide ties. In source cells.
inline constexpr double kTie = 1e-7;

// Positions are in cells of the full-resolution image: 0 at the outer edge of the first cell, 0.5
// at its centre. NaN where there is none.
struct Positions {
  std::vector<double> x;  // C order (row, column) of the window asked for
  std::vector<double> y;
  bool separable = false;  // x has one a column only, and y one a row

  // Positions of the corners of the view's cells, one more each way; empty unless asked for.
  std::vector<double> corner_x;
  std::vector<double> corner_y;
  std::size_t corner_columns = 0;  // the window's columns + 1

  // Source cells that a view cell spans along the source's axes, and whether it lies so askew to
  // them that two of its opposite corners do not tell what it covers. Taken at the centre of the
  // part of the image that lies in the view: they depend on the image and the view alone.
  double scale_x = 1;
  double scale_y = 1;
  bool askew = false;

  // Makes them positions in a resolution of `across` by `down` full-resolution cells a cell.
  void to_level(double across, double down);
};

// How far a position moves from one view cell to the next across and down, in source cells.
struct Steps {
  double x_across = 1, x_down = 0;
  double y_across = 0, y_down = 1;
};

class GeoMap {
 public:
  virtual ~GeoMap() = default;

  // Positions of the centres of the view's cells in a window, without corners.
  virtual void locate(const Range& rows, const Range& columns, Positions& out) = 0;

  // True when locate() gives separable positions.
  virtual bool separable() const { return false; }

  // Adds the corners: those of (rows + 1) x (columns + 1).
  virtual void add_corners(const Range& rows, const Range& columns, Positions& out) = 0;

  // Source cells a view cell spans along its shorter side, at the centre of the part of the image
  // that lies in the view.
  virtual double shrink() const = 0;

  // Maps with the same key give the same positions; "" = not known.
  const std::string& key() const { return key_; }
  void set_key(std::string key) { key_ = std::move(key); }

 protected:
  // Clears `out` and says what holds for all windows.
  static void start(const Steps& steps, bool separable, Positions& out);

 private:
  std::string key_;
};

// The key of an image's map: all that its positions depend on where they follow from a
// geotransform;
// "" where they do not, and the map refers to the dataset.
std::string map_key(GDALDatasetH dataset, const std::string& image_crs, const Grid& view);

// What is known of an image's longitudes.
struct Longitudes {
  // Columns once round the world of an image that goes all round: positions lie in it.
  std::int64_t round = 0;
  // Halfway between those of points or arrays that count on beyond 180: places of the view are
  // looked for within half a turn of it.
  std::optional<double> middle;
};

// Throws Error(kUnreadable) with `descriptor` when the image has no location or no way to the
// view's CRS. `placing` as RasterBand has it.
std::unique_ptr<GeoMap> make_geo_map(GDALDatasetH dataset, const std::string& image_crs,
                                     const Grid& view, const std::string& descriptor,
                                     const std::string& given_crs = {},
                                     const Longitudes& longitudes = {},
                                     const std::vector<std::string>& placing = {});

}  // namespace cube
