#include "engine/gdal/raster_info.h"

#include <cpl_string.h>
#include <gdal_alg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <utility>

#include "engine/error.h"
#include "engine/gdal/array_place.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/dataset_pool.h"
#include "engine/gdal/ground_points.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/netcdf_lock.h"
#include "engine/gdal/raster_classes.h"
#include "engine/gdal/source_window.h"
#include "engine/gdal/tile_decoder.h"
#include "engine/gdal/watched_file.h"

namespace cube {

namespace {

constexpr const char* kLonLat = "EPSG:4326";

BandInfo describe_band(GDALDatasetH dataset, int number, const std::string& descriptor) {
  const GDALRasterBandH band = GDALGetRasterBand(dataset, number);
  BandInfo info;
  const char* description = GDALGetDescription(band);
  info.name = description && *description ? description : "band" + std::to_string(number);
  info.dtype = read_dtype(band, descriptor);
  if (has_signed_bytes(band)) info.note = kSignedBytes;
  int has_nodata = 0;
  const double nodata = GDALGetRasterNoDataValue(band, &has_nodata);
  if (is_float(info.dtype)) {
    info.nodata = std::numeric_limits<double>::quiet_NaN();
  } else if (has_nodata && nodata >= lowest(info.dtype) && nodata <= highest(info.dtype)) {
    info.nodata = nodata;
  }
  if (const char* unit = GDALGetRasterUnitType(band)) info.unit = unit;
  int has = 0;
  const double scale = GDALGetRasterScale(band, &has);
  if (has && scale != 0) info.scale = scale;
  const double offset = GDALGetRasterOffset(band, &has);
  if (has) info.offset = offset;
  info.classes = held_by(classes_of(band), info.dtype);
  return info;
}

RasterInfo::BandExtras extras_of(GDALRasterBandH band) {
  const char* description = GDALGetDescription(band);
  int has_nodata = 0;
  GDALGetRasterNoDataValue(band, &has_nodata);
  return {.named = description && *description,
          .masked = (GDALGetMaskFlags(band) & (GMF_PER_DATASET | GMF_ALPHA)) != 0,
          .has_nodata = has_nodata != 0};
}

void add_bands(GDALDatasetH dataset, const std::string& descriptor, RasterInfo& info) {
  for (int i = 1; i <= GDALGetRasterCount(dataset); ++i) {
    info.bands.push_back(describe_band(dataset, i, descriptor));
    info.extras.push_back(extras_of(GDALGetRasterBand(dataset, i)));
  }
}

RasterInfo::Level level_of(GDALRasterBandH band) {
  int block_width = 0;
  int block_height = 0;
  GDALGetBlockSize(band, &block_width, &block_height);
  return {GDALGetRasterBandXSize(band), GDALGetRasterBandYSize(band), block_width, block_height};
}

void add_levels(GDALRasterBandH band, RasterInfo& info) {
  const RasterInfo::Level full = level_of(band);
  info.block_width = full.block_width;
  info.block_height = full.block_height;
  for (int i = 0; i < GDALGetOverviewCount(band); ++i) {
    info.overview_levels.push_back(level_of(GDALGetOverview(band, i)));
    info.overviews.push_back(std::llround(static_cast<double>(full.width) /
                                          static_cast<double>(info.overview_levels.back().width)));
  }
}

// What readers do with decoded blocks.
void add_keeping(GDALDatasetH dataset, const std::string& descriptor, RasterInfo& info) {
  if (!stores_blocks(dataset)) return;
  info.blocks_kept = StoredBlocks::Kept::kForWorker;
  info.bands_in_block = bands_in_block(dataset);
  if (!has_blocks_apart(dataset)) return;
  const auto tiles = TileDecoder::make(GDALGetRasterBand(dataset, 1), descriptor);
  if (!tiles) return;
  info.blocks_kept = StoredBlocks::Kept::kForAll;
  info.blocks_in_part = tiles->stops_early();
}

// When the image was taken or, in want of that, made.
std::optional<Instant> acquired(GDALDatasetH dataset) {
  const auto item = [&](const char* name, const char* domain) -> std::string {
    const char* text = GDALGetMetadataItem(dataset, name, domain);
    return text ? text : "";
  };
  if (const auto span = parse_time(item("ACQUISITIONDATETIME", "IMAGERY"))) return span->start;
  return parse_time(item("TIFFTAG_DATETIME", ""), "%Y:%m:%d %H:%M:%S");
}

// Where an image lies by GDAL's own transformer (geotransform, GCPs, RPC, geolocation arrays): from
// points all over it, as a swath may have a pole inside or reach round the earth.
std::vector<Box> located_footprint(GDALDatasetH dataset, const std::string& descriptor,
                                   const std::string& crs, double width, double height) {
  constexpr int kPoints = 32;
  const GdalErrors errors;
  const std::string source = "SRC_SRS=" + crs_wkt(crs);
  const std::array<const char*, 3> options = {"DST_SRS=EPSG:4326",
                                              crs.empty() ? nullptr : source.c_str(), nullptr};
  const Dataset counting_on = with_points_counting_on(dataset);
  const Transformer transformer(GDALCreateGenImgProjTransformer2(
      counting_on ? counting_on.get() : dataset, nullptr, const_cast<char**>(options.data())));
  errors.refuse_loss(descriptor);
  if (!transformer) return {};
  std::vector<double> x;
  std::vector<double> y;
  for (int i = 0; i <= kPoints; ++i) {
    for (int j = 0; j <= kPoints; ++j) {
      x.push_back(width * i / kPoints);
      y.push_back(height * j / kPoints);
    }
  }
  std::vector<double> z(x.size());
  std::vector<int> good(x.size());
  GDALGenImgProjTransform(transformer.get(), 0, static_cast<int>(x.size()), x.data(), y.data(),
                          z.data(), good.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!good[i]) x[i] = y[i] = std::numeric_limits<double>::quiet_NaN();
  }
  return lonlat_cover(x, y);
}

// Not GDALGetMetadataItem(), which misses what the netCDF driver finds out later.
const char* metadata_item(GDALDatasetH dataset, const std::string& domain, const std::string& key) {
  return CSLFetchNameValue(GDALGetMetadata(dataset, domain.c_str()), key.c_str());
}

// An open raster; alone with HDF5 where that reads it.
struct LockedDataset {
  std::optional<NetcdfLock> lock;
  Dataset dataset;  // closed before the lock is given up

  LockedDataset(const std::string& descriptor, Dataset (*open)(const std::string&)) {
    if (reads_hdf5(descriptor)) lock.emplace();
    dataset = open(descriptor);
  }
};

// The driver that takes a file, also where the data set is a virtual one around it.
std::string driver_of(GDALDatasetH dataset, const std::string& descriptor) {
  const std::string_view name = GDALGetDriverShortName(GDALGetDatasetDriver(dataset));
  const GDALDriverH driver =
      name == "VRT" ? GDALIdentifyDriver(descriptor.c_str(), nullptr) : nullptr;
  return driver ? GDALGetDriverShortName(driver) : std::string(name);
}

// Where cells lie along the axes: rows may run along y, and begin at any corner.
void set_grid(GDALDatasetH dataset, RasterInfo& info) {
  Grid& grid = info.grid;
  grid.width = GDALGetRasterXSize(dataset);
  grid.height = GDALGetRasterYSize(dataset);
  std::array<double, 6> g{};
  if (GDALGetGeoTransform(dataset, g.data()) != CE_None) return;
  if (g == std::array<double, 6>{0, 1, 0, 0, 0, 1}) return;  // some drivers' word for none
  const bool along_x = g[2] == 0 && g[4] == 0 && g[1] != 0 && g[5] != 0;
  const bool along_y = g[1] == 0 && g[5] == 0 && g[2] != 0 && g[4] != 0;
  if (!along_x && !along_y) return;
  info.along_y = along_y;
  if (along_y) std::swap(grid.width, grid.height);
  const double dx = along_x ? g[1] : g[2];
  const double dy = along_x ? g[5] : g[4];
  grid.left = std::min(g[0], g[0] + dx * static_cast<double>(grid.width));
  grid.top = std::max(g[3], g[3] + dy * static_cast<double>(grid.height));
  grid.dx = std::abs(dx);
  grid.dy = std::abs(dy);
  info.on_grid = true;
  info.north_up = along_x && dx > 0 && dy < 0;
}

}  // namespace

void register_gdal() {
  static std::once_flag once;
  std::call_once(once, [] {
    const GdalErrors quiet;  // of drivers that are to be left out and are not there
    GDALAllRegister();
  });
}

RasterInfo describe_raster(const std::string& descriptor, const std::string& crs,
                           RasterDetail detail) {
  const LockedDataset held(descriptor, &open_raster);
  const Dataset& dataset = held.dataset;
  RasterInfo info;
  info.driver = driver_of(dataset.get(), descriptor);
  info.crs = crs.empty() ? image_crs(dataset.get(), descriptor) : crs;
  info.grid.crs = info.crs;
  if (GDALGetRasterCount(dataset.get()) == 0) {
    throw Error(ErrorCode::kUnreadable, "holds no raster band", descriptor,
                "name one of its subdatasets");
  }
  set_grid(dataset.get(), info);
  const bool plain = info.on_grid && !info.crs.empty();
  if (!plain) {
    info.lonlat =
        located_footprint(dataset.get(), descriptor, crs, GDALGetRasterXSize(dataset.get()),
                          GDALGetRasterYSize(dataset.get()));
  } else if (detail == RasterDetail::kFootprint) {
    info.lonlat = transform_box(info.grid.extent(), info.crs, kLonLat);
  }
  info.has_location = plain || !info.lonlat.empty();
  if (!info.has_location && is_hdf_image(dataset.get())) {
    info.unplaced = find_array_place(dataset.get()).reason;
  }
  add_levels(GDALGetRasterBand(dataset.get(), 1), info);
  if (detail != RasterDetail::kFootprint) add_keeping(dataset.get(), descriptor, info);
  if (detail == RasterDetail::kStorage) return info;
  add_bands(dataset.get(), descriptor, info);
  info.acquired = acquired(dataset.get());
  return info;
}

std::map<std::string, std::string> raster_metadata(const std::string& descriptor,
                                                   std::span<const std::string> fields) {
  std::map<std::string, std::string> out;
  if (fields.empty()) return out;
  const LockedDataset held(descriptor, &open_as_is);
  const GdalErrors errors;  // of files beside it, which GDAL reads when it is asked for their items
  for (const std::string& field : fields) {
    const std::size_t colon = field.find(':');
    const bool domain = colon != std::string::npos;
    const char* value =
        GDALGetMetadataItem(held.dataset.get(), (domain ? field.substr(colon + 1) : field).c_str(),
                            domain ? field.substr(0, colon).c_str() : nullptr);
    if (value) out[field] = value;
  }
  errors.refuse_loss(descriptor);
  return out;
}

std::vector<std::string> list_subdatasets(const std::string& descriptor) {
  const LockedDataset held(descriptor, &open_as_is);
  GDALDatasetH dataset = held.dataset.get();
  std::vector<std::string> out;
  for (int i = 1;; ++i) {
    const std::string key = "SUBDATASET_" + std::to_string(i) + "_NAME";
    const char* name = metadata_item(dataset, "SUBDATASETS", key);
    if (!name) break;
    out.push_back(without_watched_names(name));
  }
  if (!out.empty()) return out;
  const std::string description = GDALGetDescription(dataset);
  if (is_hdf_image(dataset)) return {description};  // the only array, which is opened with the file
  const char* variable = nullptr;
  if (GDALGetRasterCount(dataset) > 0) {
    variable = GDALGetMetadataItem(GDALGetRasterBand(dataset, 1), "NETCDF_VARNAME", "");
  }
  const bool netcdf =
      description == descriptor &&
      GDALGetDriverShortName(GDALGetDatasetDriver(dataset)) == std::string_view("netCDF");
  if (netcdf && variable && !descriptor.starts_with("NETCDF:")) {
    return {"NETCDF:\"" + descriptor + "\":" + variable};
  }
  return {descriptor};
}

}  // namespace cube
