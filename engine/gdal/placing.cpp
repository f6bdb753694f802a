#include "engine/gdal/placing.h"

#include <gdal_alg.h>

#include <array>

#include "engine/error.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/dataset_pool.h"
#include "engine/gdal/ground_points.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/netcdf_lock.h"

namespace cube {

PlacedBy placed_by(const std::string& descriptor) {
  std::optional<NetcdfLock> lock;
  if (reads_hdf5(descriptor)) lock.emplace();
  const Dataset dataset = open_raster(descriptor);
  const GdalErrors errors;
  const PlacedBy out = {.points = GDALGetGCPCount(dataset.get()) > 0,
                        .rpcs = GDALGetMetadata(dataset.get(), "RPC") != nullptr};
  errors.refuse_loss(descriptor);
  return out;
}

Grid suggested_grid(const std::string& descriptor, std::optional<int> overview,
                    const std::string& crs, const std::vector<std::string>& placing) {
  std::optional<NetcdfLock> lock;
  if (reads_hdf5(descriptor)) lock.emplace();
  const GdalErrors errors;
  const Dataset dataset = overview ? open_overview(descriptor, *overview) : open_raster(descriptor);
  const Dataset counting_on = with_points_counting_on(dataset.get());
  GDALDatasetH placed = counting_on ? counting_on.get() : dataset.get();
  const std::string target = "DST_SRS=" + crs_wkt(crs);
  std::vector<const char*> options = {target.c_str()};
  for (const std::string& option : placing) options.push_back(option.c_str());
  options.push_back(nullptr);
  const Transformer transformer(
      GDALCreateGenImgProjTransformer2(placed, nullptr, const_cast<char**>(options.data())));
  std::array<double, 6> g{};
  std::array<double, 4> extent{};
  int width = 0;
  int height = 0;
  const bool good = transformer && GDALSuggestedWarpOutput2(placed, GDALGenImgProjTransform,
                                                            transformer.get(), g.data(), &width,
                                                            &height, extent.data(), 0) == CE_None;
  errors.refuse_loss(descriptor);
  if (!good || width <= 0 || height <= 0) {
    throw Error(ErrorCode::kUnreadable,
                "no grid in " + crs + " can be found for it: " + errors.first(), descriptor);
  }
  return {.crs = crs,
          .left = g[0],
          .top = g[3],
          .dx = g[1],
          .dy = -g[5],
          .width = width,
          .height = height};
}

}  // namespace cube
