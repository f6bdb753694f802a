#include "engine/gdal/upright.h"

#include <cpl_string.h>
#include <gdal_utils.h>

#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "engine/gdal/array_place.h"
#include "engine/gdal/crs.h"
#include "engine/gdal/multidim.h"

namespace cube {

namespace {

// NETCDF:"file":variable, as GDAL names data sets of variables.
struct Variable {
  std::string file, name;
};

Variable variable_of(std::string_view descriptor) {
  constexpr std::string_view kPrefix = "NETCDF:\"";
  const std::size_t end = descriptor.rfind("\":");
  if (!descriptor.starts_with(kPrefix) || end == std::string_view::npos || end < kPrefix.size()) {
    return {};
  }
  return {std::string(descriptor.substr(kPrefix.size(), end - kPrefix.size())),
          std::string(descriptor.substr(end + 2))};
}

// Whether the array's last two dimensions are x and y, in this order.
bool has_y_last(const Variable& variable) {
  const Dataset file(
      GDALOpenEx(variable.file.c_str(), GDAL_OF_MULTIDIM_RASTER, nullptr, nullptr, nullptr));
  if (!file) return false;
  const MultidimGroup root(GDALDatasetGetRootGroup(file.get()));
  if (!root) return false;
  const std::string name = (variable.name.starts_with("/") ? "" : "/") + variable.name;
  const MultidimArray array(GDALGroupOpenMDArrayFromFullname(root.get(), name.c_str(), nullptr));
  if (!array) return false;
  std::size_t count = 0;
  GDALDimensionH* dimensions = GDALMDArrayGetDimensions(array.get(), &count);
  const auto is = [&](std::size_t i, std::string_view type) {
    return GDALDimensionGetType(dimensions[i]) == type;
  };
  const bool y_last = count >= 2 && is(count - 1, GDAL_DIM_TYPE_HORIZONTAL_Y) &&
                      is(count - 2, GDAL_DIM_TYPE_HORIZONTAL_X);
  GDALReleaseDimensions(dimensions, count);
  return y_last;
}

// Whether the numbers along x could be latitudes.
bool may_be_turned(GDALDatasetH dataset, const std::array<double, 6>& g) {
  constexpr double kMost = 100;  // degrees; outer cells may reach over a pole
  const double end = g[0] + g[1] * GDALGetRasterXSize(dataset);
  return g[2] == 0 && g[4] == 0 && std::abs(g[0]) <= kMost && std::abs(end) <= kMost;
}

// Puts a data set into a virtual one. False where none can be made.
bool make_virtual(Dataset& dataset) {
  std::string format = "-of";
  std::string vrt = "VRT";
  std::array<char*, 3> arguments = {format.data(), vrt.data(), nullptr};
  GDALTranslateOptions* options = GDALTranslateOptionsNew(arguments.data(), nullptr);
  Dataset out(GDALTranslate("", dataset.get(), options, nullptr));
  GDALTranslateOptionsFree(options);
  if (!out) return false;
  GDALReleaseDataset(dataset.release());  // the virtual one has it now
  dataset = std::move(out);
  return true;
}

Dataset upright_netcdf(Dataset dataset) {
  std::array<double, 6> g{};
  if (GDALGetGeoTransform(dataset.get(), g.data()) != CE_None || !may_be_turned(dataset.get(), g)) {
    return dataset;
  }
  const Variable variable = variable_of(GDALGetDescription(dataset.get()));
  const GdalErrors errors;
  if (variable.file.empty() || !has_y_last(variable) || !make_virtual(dataset)) return dataset;
  std::array<double, 6> columns_along_y = {g[3], 0, g[5], g[0], g[1], 0};
  GDALSetGeoTransform(dataset.get(), columns_along_y.data());
  return dataset;
}

bool has_place(GDALDatasetH dataset) {
  std::array<double, 6> g{};
  return GDALGetGeoTransform(dataset, g.data()) == CE_None || GDALGetGCPCount(dataset) > 0 ||
         GDALGetMetadata(dataset, "GEOLOCATION");
}

// With the place that an HDF file states and GDAL's driver does not see.
Dataset placed_hdf(Dataset dataset) {
  if (has_place(dataset.get())) return dataset;
  const GdalErrors errors;
  const ArrayPlace place = find_array_place(dataset.get());
  if (!place.reason.empty() || !make_virtual(dataset)) return dataset;
  if (place.geolocation.empty()) {
    std::array<double, 6> g = place.geotransform;
    GDALSetGeoTransform(dataset.get(), g.data());
    if (!place.crs.empty()) GDALSetProjection(dataset.get(), crs_wkt(place.crs).c_str());
    return dataset;
  }
  CPLStringList arrays;
  arrays.SetNameValue("SRS", crs_wkt("EPSG:4326").c_str());
  arrays.SetNameValue("X_DATASET", place.geolocation[0].c_str());
  arrays.SetNameValue("Y_DATASET", place.geolocation[1].c_str());
  for (const char* band : {"X_BAND", "Y_BAND"}) arrays.SetNameValue(band, "1");
  for (const char* offset : {"PIXEL_OFFSET", "LINE_OFFSET"}) arrays.SetNameValue(offset, "0");
  for (const char* step : {"PIXEL_STEP", "LINE_STEP"}) arrays.SetNameValue(step, "1");
  arrays.SetNameValue("GEOREFERENCING_CONVENTION", "PIXEL_CENTER");
  GDALSetMetadata(dataset.get(), arrays.List(), "GEOLOCATION");
  return dataset;
}

}  // namespace

Dataset upright(Dataset dataset) {
  const GDALDriverH driver = GDALGetDatasetDriver(dataset.get());
  if (!driver) return dataset;
  const std::string_view format = GDALGetDriverShortName(driver);
  if (format == "netCDF") return upright_netcdf(std::move(dataset));
  if (is_hdf_image(dataset.get())) return placed_hdf(std::move(dataset));
  return dataset;
}

}  // namespace cube
