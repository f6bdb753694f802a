// ImageIndex: which images a collection holds and where and when they were taken.
//
// Stated here because the engine needs it; implemented by catalog/.
// Thread rule: find() and the others may be called from any thread, one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/grid.h"
#include "engine/limits.h"
#include "engine/packing.h"
#include "engine/time_axis.h"

namespace cube {

// One band of one image: a band of a raster file.
struct ImageBand {
  std::size_t band = 0;    // index into ImageIndex::bands()
  std::string descriptor;  // what GDAL opens: a path (absolute), /vsi path or subdataset
  int raster_band = 1;     // from 1
  // What its coordinates are in as far as that is known, in any form OGR understands, whatever the
  // file says; "" = what it says.
  std::string crs = {};
  // Its scale and offset where they are others than those of the collection's band.
  std::optional<Packing> packing = {};
};

struct Image {
  std::string name;
  Instant datetime;
  // Footprint in longitude/latitude degrees (EPSG:4326, x = longitude). An image that crosses the
  // antimeridian has two boxes.
  std::vector<Box> footprint;
  std::string crs;
  std::vector<ImageBand> bands;  // ascending in `band`; a band that the image lacks is absent
};

struct ImageQuery {
  Instant start;  // images with start <= datetime < end
  Instant end;
  std::vector<Box> area;  // longitude/latitude boxes, any of which must be touched; empty = all
  std::vector<std::size_t> bands;       // only these bands' files are listed; empty = all
  std::int64_t most = limits::kImages;  // more than that find() does not give: Error(kInvalid)
};

struct CollectionSummary {
  std::int64_t images = 0;
  std::int64_t files = 0;
  std::optional<Instant> first = {};  // of images' datetime
  std::optional<Instant> last = {};
  std::optional<Box> extent = {};                // longitude/latitude
  std::map<std::string, std::int64_t> crs = {};  // and how many images are in each
  std::vector<std::string> dates = {};           // distinct days, "2018-01-06", ascending
};

class ImageIndex {
 public:
  virtual ~ImageIndex() = default;

  // Bands as stored in the files: dtype, nodata, scale, offset and unit as the collection says.
  virtual const std::vector<BandInfo>& bands() const = 0;

  // Images in acquisition order: datetime, then name. One query, however many images.
  virtual std::vector<Image> find(const ImageQuery& query) const = 0;

  virtual CollectionSummary summary() const = 0;
};

}  // namespace cube
