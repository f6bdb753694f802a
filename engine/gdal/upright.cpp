#include "engine/gdal/upright.h"

#include <gdal_utils.h>

#include <array>
#include <cmath>
#include <string_view>

namespace cube {

namespace {

struct GroupRelease {
  void operator()(GDALGroupH group) const { GDALGroupRelease(group); }
};
using Group = std::unique_ptr<std::remove_pointer_t<GDALGroupH>, GroupRelease>;

struct ArrayRelease {
  void operator()(GDALMDArrayH array) const { GDALMDArrayRelease(array); }
};
using Array = std::unique_ptr<std::remove_pointer_t<GDALMDArrayH>, ArrayRelease>;

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
  const Group root(GDALDatasetGetRootGroup(file.get()));
  if (!root) return false;
  const std::string name = (variable.name.starts_with("/") ? "" : "/") + variable.name;
  const Array array(GDALGroupOpenMDArrayFromFullname(root.get(), name.c_str(), nullptr));
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

}  // namespace

Dataset upright(Dataset dataset) {
  const GDALDriverH driver = GDALGetDatasetDriver(dataset.get());
  if (!driver || std::string_view(GDALGetDriverShortName(driver)) != "netCDF") return dataset;
  std::array<double, 6> g{};
  if (GDALGetGeoTransform(dataset.get(), g.data()) != CE_None || !may_be_turned(dataset.get(), g)) {
    return dataset;
  }
  const Variable variable = variable_of(GDALGetDescription(dataset.get()));
  const GdalErrors errors;
  if (variable.file.empty() || !has_y_last(variable)) return dataset;
  std::string format = "-of";
  std::string vrt = "VRT";
  std::array<char*, 3> arguments = {format.data(), vrt.data(), nullptr};
  GDALTranslateOptions* options = GDALTranslateOptionsNew(arguments.data(), nullptr);
  Dataset turned(GDALTranslate("", dataset.get(), options, nullptr));
  GDALTranslateOptionsFree(options);
  if (!turned) return dataset;
  std::array<double, 6> columns_along_y = {g[3], 0, g[5], g[0], g[1], 0};
  GDALSetGeoTransform(turned.get(), columns_along_y.data());
  GDALReleaseDataset(dataset.release());  // the virtual one has it now
  return turned;
}

}  // namespace cube
