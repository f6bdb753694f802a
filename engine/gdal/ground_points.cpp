#include "engine/gdal/ground_points.h"

#include <ogr_srs_api.h>

#include <algorithm>
#include <span>

namespace cube {

namespace {

std::span<const GDAL_GCP> stated_points(GDALDatasetH dataset) {
  return {GDALGetGCPs(dataset), static_cast<std::size_t>(GDALGetGCPCount(dataset))};
}

double width_of(std::span<const GDAL_GCP> points) {
  const auto [low, high] = std::ranges::minmax(points, {}, &GDAL_GCP::dfGCPX);
  return high.dfGCPX - low.dfGCPX;
}

}  // namespace

std::vector<GDAL_GCP> points_of(GDALDatasetH dataset) {
  constexpr double kTurn = 360;
  const auto stated = stated_points(dataset);
  std::vector<GDAL_GCP> out(stated.begin(), stated.end());
  if (out.empty() || width_of(out) <= kTurn / 2) return out;
  OGRSpatialReferenceH srs = GDALGetGCPSpatialRef(dataset);
  if (!srs || !OSRIsGeographic(srs)) return out;
  for (GDAL_GCP& point : out) {
    if (point.dfGCPX < 0) point.dfGCPX += kTurn;
  }
  if (width_of(out) < kTurn / 2) return out;
  return {stated.begin(), stated.end()};  // of half the world
}

Dataset with_points_counting_on(GDALDatasetH dataset) {
  const auto points = points_of(dataset);
  const auto same = [](const GDAL_GCP& a, const GDAL_GCP& b) { return a.dfGCPX == b.dfGCPX; };
  const auto stated = stated_points(dataset);
  if (std::equal(points.begin(), points.end(), stated.begin(), stated.end(), same)) return {};
  Dataset out(GDALCreate(GDALGetDriverByName("MEM"), "", GDALGetRasterXSize(dataset),
                         GDALGetRasterYSize(dataset), 0, GDT_Byte, nullptr));
  if (out) {
    GDALSetGCPs2(out.get(), static_cast<int>(points.size()), points.data(),
                 GDALGetGCPSpatialRef(dataset));
  }
  return out;
}

}  // namespace cube
