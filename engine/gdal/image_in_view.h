// An image seen from a view: which of its resolutions suits it, and how its cells get there.
// Thread rule: one a thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/gdal/dataset_pool.h"
#include "engine/gdal/sampling.h"
#include "engine/image_reader.h"

namespace cube {

// A band at one resolution.
struct ImageLevel {
  GDALRasterBandH band;
  ImageSize size;
  double scale_x, scale_y;      // full-resolution cells a cell
  std::optional<int> overview;  // from 0; nullopt = the image itself
};

// The overview that is asked for, else the coarsest that is at least as fine as the view, or finer
// ones if that is asked for; depends on image and view alone. Area methods take the image itself:
// what an overview holds (often every other cell) and where its cells lie would change their
// answer. `shrink` as GeoMap has it. Throws Error(kUnreadable) where there is no such overview.
ImageLevel choose_level(const OpenImage& image, double shrink, const RasterBand& source,
                        Resampling method);

// Columns of a view, and the view turned round the earth to where the image has them.
struct Turn {
  Range columns;
  Grid grid;
};

// An image in degrees from 0 to 360 and a view from -180 to 180 (or any others) name the same
// places differently: each column is looked for within half a turn of the image's middle.
std::vector<Turn> turns_of(const OpenImage& image, const Grid& view, const Range& columns);

// How a reader brings an image to a grid.
struct ImageWay {
  enum class Kind : std::uint8_t {
    kBeside,  // not at all: they do not touch
    kPaste,   // cells are put where they belong, nothing is resampled
    kWarp,    // resampled
  };
  Kind kind = Kind::kWarp;
  Resampling method = Resampling::kNearest;  // of a warp
  std::optional<int> overview;               // that is read, from 0; nullopt = the image itself
  double shrink = 1;                         // full-resolution cells across a cell of that

  bool operator==(const ImageWay&) const = default;
};

// "pasted", "warped by bilinear from overview 1 (1:4)".
std::string to_text(const ImageWay& way);

// Opens the image; reads no cell. Throws Error as ImageReader::read().
ImageWay way_of(const RasterBand& source, const Grid& grid, Resampling method);

// The same for many files, each opened once; in words, also of files that cannot be read.
class WaysToGrid {
 public:
  explicit WaysToGrid(const Grid& grid) : grid_(grid) {}

  std::string text(const RasterBand& source, Resampling method);

 private:
  const Grid& grid_;
  std::map<std::pair<std::string, Resampling>, std::string> known_;
};

}  // namespace cube
