// DatasetPool: open images of one worker, least recently used first out.
//
// GDAL 3.6 handles are not thread-safe, and opening a file costs more than reading a block of it,
// so each worker keeps its own handles, with the maps from views that were made for them.
//
// Thread rule: one a thread.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/gdal/geo_map.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/tile_decoder.h"
#include "engine/image_reader.h"

namespace cube {

// Canonical CRSs by what files and catalogs state: finding one out takes as long as opening a file.
using KnownCrs = std::unordered_map<std::string, std::string>;

// What the images of a pool have in common.
struct KnownPlaces {
  std::shared_ptr<BlockCache> blocks;  // may be shared with other pools
  KnownCrs crs;
  std::vector<std::shared_ptr<GeoMap>> maps;  // with keys, the oldest first
  DecodingWork decoding;
};

// An open image.
class OpenImage {
 public:
  // Takes from `known` what is there, and adds to it. REQUIRES: `known` outlives the image.
  OpenImage(const RasterBand& source, KnownPlaces& known);
  ~OpenImage();
  OpenImage(const OpenImage&) = delete;
  OpenImage& operator=(const OpenImage&) = delete;

  const std::string& descriptor() const { return descriptor_; }
  GDALDatasetH dataset() const { return dataset_.get(); }
  const std::string& crs() const { return crs_; }  // canonical; "" = none

  // What tells images apart that are opened in another way.
  static std::string key(const RasterBand& source);
  std::string key() const;

  // The band, from 1; throws Error(kUnreadable) when there are fewer.
  GDALRasterBandH band(int number) const;

  // The x halfway across the image, where that can be a longitude or the image goes round the
  // world.
  const std::optional<double>& middle() const { return middle_; }

  // What x differs by once round the world: 360, if the CRS is in degrees, or metres where the
  // image goes round the world in a projection.
  double turn() const { return turn_; }

  // Columns once round the world, where the image goes all round along x, so that its first and
  // last columns are neighbours; else 0.
  std::int64_t round() const { return round_; }

  // The width of a column in units of x; 0 where the image does not lie along the axes.
  double column_width() const { return column_width_; }

  // True when each block of the file holds cells of one band and is decoded by itself; not of
  // remote files, of which GDAL asks for all blocks of a window at a time.
  bool blocks_apart() const { return blocks_apart_; }

  // False where GDAL makes the blocks of what it reads from other files (VRT).
  bool stores_blocks() const;

  // The decoder of a band or overview, made at the first call; null where blocks are left to GDAL,
  // or hold several bands.
  TileDecoder* tiles(GDALRasterBandH band);

  // The map from a view's grid, made at the first call.
  GeoMap& map(const Grid& view);

 private:
  struct ViewMap {
    Grid view;
    std::shared_ptr<GeoMap> map;
  };
  std::shared_ptr<GeoMap> make_map(const Grid& view);
  void find_round();
  Longitudes longitudes() const;

  std::string descriptor_;
  KnownPlaces& known_;
  Dataset dataset_;
  std::string crs_given_;
  std::vector<std::string> placing_;
  std::string crs_;
  std::optional<double> middle_;
  double column_width_ = 0;
  double turn_ = 360;
  std::int64_t round_ = 0;
  bool blocks_apart_;
  std::vector<ViewMap> maps_;
  std::map<GDALRasterBandH, std::optional<TileDecoder>> tiles_;
};

class DatasetPool {
 public:
  // `limit` bounds the number of open files; at least 2 (an image and its mask). Decoded blocks
  // are kept in `blocks`, which other pools may share.
  // Fewer are kept open where the system allows few ('ulimit -n').
  DatasetPool(int limit, std::shared_ptr<BlockCache> blocks);

  // Opens the image of a band, or takes it from the pool. The result is valid until `limit` other
  // images were asked for. Throws Error(kNotFound or kUnreadable).
  OpenImage& open(const RasterBand& source);

  // Closes the image of a band, if it is open.
  void forget(const RasterBand& source);

  std::int64_t opened() const { return opened_; }
  double seconds() const { return seconds_; }  // of opening
  DecodingWork& decoding() { return known_.decoding; }

 private:
  // Closes those used the longest ago.
  void shrink(std::size_t most);

  std::size_t limit_;
  KnownPlaces known_;
  std::list<OpenImage> images_;  // the last used first
  std::unordered_map<std::string, std::list<OpenImage>::iterator> places_;
  std::int64_t opened_ = 0;
  double seconds_ = 0;
};

// ImageSize::round at a resolution of `scale` full-resolution columns a column; 0 where it would be
// no whole number.
std::int64_t columns_at(std::int64_t round, double scale);

// True when GDAL reads the image through HDF5 or libnetcdf, which are not thread-safe and which our
// own netCDF output uses too: whoever opens, reads or closes it holds a NetcdfLock. Told by prefix
// ("NETCDF:...") and ending (".nc", ".h5").
bool reads_hdf5(const std::string& descriptor);

// True where each block of the file holds cells of one band and is decoded by itself, and windows
// of whole blocks need not pass through GDAL's cache.
bool has_blocks_apart(GDALDatasetH dataset);
bool stores_blocks(GDALDatasetH dataset);  // see OpenImage
// How many bands a block holds cells of.
std::int64_t bands_in_block(GDALDatasetH dataset);

// The CRS an image states, canonical; "" = none. `known` as above.
std::string image_crs(GDALDatasetH dataset, const std::string& descriptor,
                      KnownCrs* known = nullptr);

}  // namespace cube
