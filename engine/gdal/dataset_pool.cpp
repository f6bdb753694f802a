#include "engine/gdal/dataset_pool.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/ground_points.h"
#include "engine/gdal/netcdf_lock.h"
#include "engine/gdal/network.h"
#include "engine/remote_names.h"
#include "engine/stopwatch.h"
#include "engine/text.h"

namespace cube {

namespace {

// Views an image is read for at the same time (branches of a graph).
constexpr std::size_t kMaxMaps = 4;
// Maps kept for images that are opened later.
constexpr std::size_t kMaxKnownMaps = 16;
constexpr double kHalfTurn = 180;

bool same_view(const Grid& a, const Grid& b) {
  return a.left == b.left && a.top == b.top && a.dx == b.dx && a.dy == b.dy && a.crs == b.crs;
}

std::string_view driver_of(GDALDatasetH dataset) {
  GDALDriverH driver = GDALGetDatasetDriver(dataset);
  return driver ? GDALGetDriverShortName(driver) : "";
}

// Halfway between the longitudes of geolocation arrays that go beyond 180, as those do that count
// from 0 to 360 or on across the antimeridian; 0 of others, which go from -180 to 180. A few rows
// tell. What cannot be read here is told when cells are read.
double middle_of_arrays(GDALDatasetH dataset) {
  constexpr int kRows = 16;
  constexpr double kMost = 720;  // degrees; more is no longitude but a fill value
  const char* name = GDALGetMetadataItem(dataset, "X_DATASET", "GEOLOCATION");
  if (!name) return 0;
  const char* number = GDALGetMetadataItem(dataset, "X_BAND", "GEOLOCATION");
  const GdalErrors quiet;
  const Dataset arrays(
      GDALOpenEx(network_name(name).c_str(), GDAL_OF_RASTER, nullptr, nullptr, nullptr));
  GDALRasterBandH band =
      arrays ? GDALGetRasterBand(arrays.get(), number ? std::atoi(number) : 1) : nullptr;
  if (!band) return 0;
  const int width = GDALGetRasterBandXSize(band);
  const int height = GDALGetRasterBandYSize(band);
  std::vector<double> row(static_cast<std::size_t>(width));
  double low = kMost;
  double high = -kMost;
  for (int i = 0; i < kRows; ++i) {
    const int y = static_cast<int>(std::int64_t{height - 1} * i / (kRows - 1));
    if (GDALRasterIO(band, GF_Read, 0, y, width, 1, row.data(), width, 1, GDT_Float64, 0, 0) !=
        CE_None) {
      return 0;
    }
    for (const double x : row) {
      if (!(std::abs(x) < kMost)) continue;
      low = std::min(low, x);
      high = std::max(high, x);
    }
  }
  return high > kHalfTurn ? (low + high) / 2 : 0;
}

// The x halfway across an image.
double middle_x(GDALDatasetH dataset) {
  std::array<double, 6> g{};
  if (GDALGetGeoTransform(dataset, g.data()) == CE_None) {
    return g[0] + (g[1] * GDALGetRasterXSize(dataset) + g[2] * GDALGetRasterYSize(dataset)) / 2;
  }
  const std::vector<GDAL_GCP> points = points_of(dataset);
  if (points.empty()) return middle_of_arrays(dataset);
  const auto [low, high] = std::ranges::minmax(points, {}, &GDAL_GCP::dfGCPX);
  return (low.dfGCPX + high.dfGCPX) / 2;
}

// At most `wanted` files for one pool of several.
std::size_t fair_limit(int wanted) {
  constexpr rlim_t kOthers = 64;  // outputs, the catalog, libraries
  constexpr rlim_t kPools = 8;
  rlimit limit{};
  rlim_t most = static_cast<rlim_t>(std::max(2, wanted));
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    most = std::min(most, limit.rlim_cur > kOthers ? (limit.rlim_cur - kOthers) / kPools : 0);
  }
  return std::max<std::size_t>(2, most);
}

std::string place_key(const std::string& descriptor, const std::string& crs,
                      const std::vector<std::string>& placing) {
  std::string key = crs.empty() ? descriptor : descriptor + '\n' + crs;
  for (const std::string& option : placing) key += '\n' + option;
  return key;
}

std::string known_canonical(const std::string& text, const std::string& descriptor,
                            KnownCrs& known) {
  const auto [entry, added] = known.try_emplace(text);
  if (added) {
    try {
      entry->second = canonical_crs(text, descriptor);
    } catch (...) {
      known.erase(entry);
      throw;
    }
  }
  return entry->second;
}

}  // namespace

// Other drivers than that of TIFFs have their own ways to read many blocks.
bool has_blocks_apart(GDALDatasetH dataset) {
  return driver_of(dataset) == "GTiff" && bands_in_block(dataset) == 1;
}

bool stores_blocks(GDALDatasetH dataset) { return driver_of(dataset) != "VRT"; }

std::int64_t bands_in_block(GDALDatasetH dataset) {
  const int count = GDALGetRasterCount(dataset);
  const char* order = GDALGetMetadataItem(dataset, "INTERLEAVE", "IMAGE_STRUCTURE");
  const bool apart =
      count == 1 || (order ? std::string_view(order) == "BAND" : driver_of(dataset) != "GTiff");
  return apart ? 1 : count;
}

std::string image_crs(GDALDatasetH dataset, const std::string& descriptor, KnownCrs* known) {
  OGRSpatialReferenceH srs = GDALGetSpatialRef(dataset);
  if (!srs && GDALGetGCPCount(dataset) > 0) srs = GDALGetGCPSpatialRef(dataset);
  if (!srs) {
    const char* arrays = GDALGetMetadataItem(dataset, "SRS", "GEOLOCATION");
    return arrays ? canonical_crs(arrays, descriptor) : std::string();
  }
  static constexpr const char* kOptions[] = {"FORMAT=WKT2_2019", nullptr};
  char* wkt = nullptr;
  OSRExportToWktEx(srs, &wkt, kOptions);
  const std::string text = wkt ? wkt : "";
  CPLFree(wkt);
  if (text.empty()) return text;
  return known ? known_canonical(text, descriptor, *known) : canonical_crs(text, descriptor);
}

OpenImage::OpenImage(const RasterBand& source, KnownPlaces& known)
    : descriptor_(source.descriptor),
      known_(known),
      dataset_(open_raster(descriptor_)),
      crs_given_(source.crs),
      placing_(source.placing),
      crs_(source.crs.empty() ? image_crs(dataset_.get(), descriptor_, &known.crs)
                              : known_canonical(source.crs, descriptor_, known.crs)),
      middle_(middle_x(dataset_.get())),
      blocks_apart_(!is_remote(descriptor_) && has_blocks_apart(dataset_.get())) {
  if (placing_.empty()) find_round();
  constexpr double kMostDegrees = 720;
  if (round_ == 0 && !(std::abs(*middle_) <= kMostDegrees)) middle_.reset();
}

std::string OpenImage::key(const RasterBand& source) {
  return place_key(source.descriptor, source.crs, source.placing);
}

std::string OpenImage::key() const { return place_key(descriptor_, crs_given_, placing_); }

OpenImage::~OpenImage() {
  std::optional<NetcdfLock> lock;
  if (reads_hdf5(descriptor_)) lock.emplace();
  maps_.clear();
  dataset_.reset();
}

void OpenImage::find_round() {
  constexpr double kMetres = 2 * std::numbers::pi * 6378137;  // round the equator
  constexpr double kMore = 0.02;  // than once round, as some images begin again
  constexpr double kNear = 0.01;  // a whole number of columns
  std::array<double, 6> g{};
  if (crs_.empty() || GDALGetGeoTransform(dataset_.get(), g.data()) != CE_None) return;
  if (g[1] == 0 || g[2] != 0 || g[4] != 0) return;
  column_width_ = std::abs(g[1]);
  const int width = GDALGetRasterXSize(dataset_.get());
  // What an image of all longitudes surely spans: other CRSs are not looked at.
  const auto spans = [&](double once) {
    const double columns = once / column_width_;
    return columns - 1 < width && width < columns * (1 + kMore) + 2;
  };
  double turn = turn_;
  if (spans(kMetres)) {
    turn = once_round(CrsTransform("EPSG:4326", crs_));
  } else if (!spans(turn_) || !is_geographic(crs_)) {
    return;
  }
  const double columns = std::nearbyint(turn / column_width_);
  if (columns < 1 || columns > width || std::abs(turn / column_width_ - columns) > kNear) return;
  turn_ = turn;
  round_ = static_cast<std::int64_t>(columns);
}

GDALRasterBandH OpenImage::band(int number) const {
  const int count = GDALGetRasterCount(dataset_.get());
  if (number >= 1 && number <= count) return GDALGetRasterBand(dataset_.get(), number);
  throw Error(ErrorCode::kUnreadable,
              "has no band " + std::to_string(number) + ", only " + std::to_string(count),
              descriptor_);
}

bool OpenImage::stores_blocks() const { return cube::stores_blocks(dataset_.get()); }

TileDecoder* OpenImage::tiles(GDALRasterBandH band) {
  if (!blocks_apart_) return nullptr;
  const auto [entry, added] = tiles_.try_emplace(band);
  if (added) {
    entry->second = TileDecoder::make(band, descriptor_, known_.blocks.get(), &known_.decoding);
  }
  return entry->second ? &*entry->second : nullptr;
}

GeoMap& OpenImage::map(const Grid& view) {
  for (ViewMap& known : maps_) {
    if (same_view(known.view, view)) return *known.map;
  }
  if (maps_.size() == kMaxMaps) maps_.erase(maps_.begin());
  maps_.push_back({view, make_map(view)});
  return *maps_.back().map;
}

std::shared_ptr<GeoMap> OpenImage::make_map(const Grid& view) {
  const std::string key = placing_.empty() ? map_key(dataset_.get(), crs_, view) : std::string();
  if (!key.empty()) {
    const auto known =
        std::ranges::find_if(known_.maps, [&](const auto& map) { return map->key() == key; });
    if (known != known_.maps.end()) return *known;
  }
  std::shared_ptr<GeoMap> map =
      make_geo_map(dataset_.get(), crs_, view, descriptor_, crs_given_, longitudes(), placing_);
  if (map->key().empty()) return map;
  if (known_.maps.size() == kMaxKnownMaps) known_.maps.erase(known_.maps.begin());
  known_.maps.push_back(map);
  return map;
}

Longitudes OpenImage::longitudes() const {
  std::array<double, 6> g{};
  if (GDALGetGeoTransform(dataset_.get(), g.data()) == CE_None || !middle_) return {round_, {}};
  const std::vector<GDAL_GCP> points = points_of(dataset_.get());
  const auto beyond = [](const GDAL_GCP& point) { return std::abs(point.dfGCPX) > kHalfTurn; };
  const bool go_on = points.empty() ? *middle_ != 0 : std::ranges::any_of(points, beyond);
  return {round_, go_on ? middle_ : std::nullopt};
}

std::int64_t columns_at(std::int64_t round, double scale) {
  constexpr double kNear = 1e-6;
  const double columns = static_cast<double>(round) / scale;
  const double whole = std::nearbyint(columns);
  return std::abs(columns - whole) <= kNear ? static_cast<std::int64_t>(whole) : 0;
}

bool reads_hdf5(const std::string& descriptor) {
  static constexpr std::array<std::string_view, 3> kPrefixes = {"netcdf:", "hdf5:", "bag:"};
  static constexpr std::array<std::string_view, 6> kEndings = {".nc",   ".nc4", ".h5",
                                                               ".hdf5", ".he5", ".cdf"};
  const std::string text = lower(descriptor);
  return std::ranges::any_of(kPrefixes, [&](auto prefix) { return text.starts_with(prefix); }) ||
         std::ranges::any_of(kEndings, [&](auto ending) { return text.ends_with(ending); });
}

DatasetPool::DatasetPool(int limit, std::shared_ptr<BlockCache> blocks)
    : limit_(fair_limit(limit)), known_{std::move(blocks), {}, {}} {}

void DatasetPool::shrink(std::size_t most) {
  while (images_.size() > most) {
    places_.erase(images_.back().key());
    images_.pop_back();
  }
}

void DatasetPool::forget(const RasterBand& source) {
  const auto found = places_.find(OpenImage::key(source));
  if (found == places_.end()) return;
  images_.erase(found->second);
  places_.erase(found);
}

OpenImage& DatasetPool::open(const RasterBand& source) {
  const std::string key = OpenImage::key(source);
  if (const auto found = places_.find(key); found != places_.end()) {
    images_.splice(images_.begin(), images_, found->second);
    return images_.front();
  }
  const Stopwatch start;
  shrink(limit_ - 1);
  try {
    images_.emplace_front(source, known_);
  } catch (const Error&) {
    if (images_.size() < 2 || !used_up_handles()) throw;
    // The system allows fewer than we thought, or others have them.
    limit_ = std::max<std::size_t>(2, images_.size() / 2);
    shrink(limit_ - 1);
    images_.emplace_front(source, known_);
  }
  places_[key] = images_.begin();
  ++opened_;
  seconds_ += start.seconds();
  return images_.front();
}

}  // namespace cube
