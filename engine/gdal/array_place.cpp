#include "engine/gdal/array_place.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/error.h"
#include "engine/gdal/array_store.h"
#include "engine/gdal/cf_axes.h"
#include "engine/gdal/eos_grid.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::string_view kHdf5 = "HDF5:";

// A raster as GDAL names it: HDF5:"file"://group/name, HDF4_SDS:kind:"file":number.
struct Named {
  std::string prefix;  // "HDF5:"
  std::string file;
  std::string rest;
};

std::optional<Named> named(std::string_view descriptor) {
  const std::size_t path = descriptor.rfind("://");
  if (descriptor.starts_with(kHdf5) && !descriptor.starts_with("HDF5:\"") &&
      path != std::string_view::npos && path > kHdf5.size()) {
    return Named{std::string(kHdf5),
                 std::string(descriptor.substr(kHdf5.size(), path - kHdf5.size())),
                 std::string(descriptor.substr(path + 1))};
  }
  const std::size_t open = descriptor.find(":\"");
  const std::size_t close = descriptor.rfind("\":");
  if (open == std::string_view::npos || close == std::string_view::npos || close <= open + 1) {
    return std::nullopt;
  }
  return Named{std::string(descriptor.substr(0, open + 1)),
               std::string(descriptor.substr(open + 2, close - open - 2)),
               std::string(descriptor.substr(close + 2))};
}

// GDAL writes "_" for spaces in the names of HDF5.
std::string gdal_name(std::string name) {
  std::ranges::replace(name, ' ', '_');
  return name;
}

// The array that a raster's name stands for; null where it is not found.
const ArrayInfo* array_of(const ArrayStore& store, const Named& raster) {
  const std::vector<ArrayInfo>& arrays = store.arrays();
  if (raster.prefix == kHdf5) {
    const std::size_t begin = raster.rest.find_first_not_of('/');
    if (begin == std::string::npos) return nullptr;
    const std::string name = raster.rest.substr(begin);
    const auto found = std::ranges::find_if(
        arrays, [&](const ArrayInfo& array) { return gdal_name(array.name) == name; });
    return found == arrays.end() ? nullptr : &*found;
  }
  // HDF4 by its number among all data sets of the file.
  const auto number = parse_number(raster.rest);
  if (!number || *number < 0) return nullptr;
  auto left = static_cast<std::int64_t>(*number);
  for (const ArrayInfo& array : arrays) {
    if (array.name.starts_with("scientific_datasets/") && left-- == 0) return &array;
  }
  return nullptr;
}

std::string group_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? std::string() : name.substr(0, slash);
}

// The arrays of a rank that say where cells lie along y or x, those that the variable names first,
// then the nearest: of its group, of those above, of others.
std::vector<const ArrayInfo*> coordinates_near(const ArrayStore& store, const ArrayInfo& variable,
                                               AxisRole role, std::size_t rank) {
  std::vector<std::pair<std::size_t, const ArrayInfo*>> ranked;
  const std::vector<std::string> listed =
      split(text_attribute(variable.attributes, "coordinates"), ' ');
  for (const ArrayInfo& array : store.arrays()) {
    if (array.dimensions.size() != rank || array.type == ArrayType::kOther) continue;
    if (role_of(array) != role) continue;
    const std::string group = group_of(array.name);
    const bool above = group.empty() || variable.name.starts_with(group + "/");
    const bool is_listed = std::ranges::any_of(listed, [&](const std::string& name) {
      const auto index = find_array(store, name, variable);
      return index && &store.arrays()[*index] == &array;
    });
    constexpr std::size_t kFar = 1 << 20;
    const std::size_t away = is_listed ? 0 : above ? variable.name.size() - group.size() : kFar;
    ranked.emplace_back(away, &array);
  }
  std::ranges::stable_sort(ranked, {}, [](const auto& entry) { return entry.first; });
  std::vector<const ArrayInfo*> out;
  for (const auto& entry : ranked) out.push_back(entry.second);
  return out;
}

// Rows and columns of a raster are the last two dimensions of its array.
struct LastTwo {
  std::size_t rows;
  std::size_t columns;
};

LastTwo last_two(const ArrayInfo& variable) {
  return {variable.dimensions.size() - 2, variable.dimensions.size() - 1};
}

// Gives dimensions without a name, as of HDF5 that is not netCDF, those of the arrays that are
// called so in "DimensionNames" (NASA's GPM).
void name_dimensions(const ArrayStore& store, ArrayInfo& variable) {
  const std::vector<std::string> names =
      split(text_attribute(variable.attributes, "DimensionNames"), ',');
  if (names.size() != variable.dimensions.size()) return;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto index = find_array(store, names[i], variable);
    if (!index || !variable.dimensions[i].ends_with(']')) continue;
    const ArrayInfo& array = store.arrays()[*index];
    if (array.shape == std::vector<std::int64_t>{variable.shape[i]}) {
      variable.dimensions[i] = array.dimensions[0];
    }
  }
}

// Gives rows and columns the dimensions of the nearest coordinates that are as many.
void match_coordinates(const ArrayStore& store, ArrayInfo& variable) {
  const auto [rows, columns] = last_two(variable);
  const std::int64_t height = variable.shape[rows];
  const std::int64_t width = variable.shape[columns];
  const auto xs = coordinates_near(store, variable, AxisRole::kX, 1);
  for (const ArrayInfo* y : coordinates_near(store, variable, AxisRole::kY, 1)) {
    for (const ArrayInfo* x : xs) {
      const bool upright = y->shape[0] == height && x->shape[0] == width;
      if (!upright && (y->shape[0] != width || x->shape[0] != height)) continue;
      variable.dimensions[upright ? rows : columns] = y->dimensions[0];
      variable.dimensions[upright ? columns : rows] = x->dimensions[0];
      return;
    }
  }
}

// GDAL's geotransform of a grid whose cells are stored from one of its corners on, and whose rows
// may run along y.
struct Stored {
  bool from_right = false;
  bool from_bottom = false;
  bool along_y = false;
};

std::array<double, 6> geotransform_of(const Grid& grid, const Stored& stored) {
  const double dx = stored.from_right ? -grid.dx : grid.dx;
  const double dy = stored.from_bottom ? grid.dy : -grid.dy;
  const double left = stored.from_right ? grid.right() : grid.left;
  const double top = stored.from_bottom ? grid.bottom() : grid.top;
  if (stored.along_y) return {left, 0, dx, top, dy, 0};
  return {left, dx, 0, top, 0, dy};
}

ArrayPlace without_place(const std::string& reason) {
  ArrayPlace place;
  place.reason = reason;
  return place;
}

std::string shape_text(const ArrayInfo& variable) {
  std::vector<std::string> sizes;
  for (const std::int64_t size : variable.shape) sizes.push_back(std::to_string(size));
  return join(sizes, " x ");
}

// Where arrays of latitudes and longitudes place each cell.
std::optional<ArrayPlace> by_arrays(const ArrayStore& store, const ArrayInfo& variable,
                                    const Named& raster) {
  if (raster.prefix != kHdf5) return std::nullopt;
  const auto [rows, columns] = last_two(variable);
  const std::vector<std::int64_t> shape = {variable.shape[rows], variable.shape[columns]};
  ArrayPlace out;
  for (const AxisRole role : {AxisRole::kX, AxisRole::kY}) {
    const auto arrays = coordinates_near(store, variable, role, 2);
    const auto found = std::ranges::find(arrays, shape, &ArrayInfo::shape);
    if (found == arrays.end()) return std::nullopt;
    out.geolocation.push_back("HDF5:\"" + raster.file + "\"://" + gdal_name((*found)->name));
  }
  return out;
}

// By coordinates of rows and columns.
ArrayPlace by_axes(const ArrayStore& store, ArrayInfo variable, const Named& raster) {
  const LastTwo last = last_two(variable);
  name_dimensions(store, variable);
  const auto role = [&](std::size_t i) { return role_of(store, variable.dimensions[i]); };
  const auto has_axes = [&] {
    return (role(last.rows) == AxisRole::kY && role(last.columns) == AxisRole::kX) ||
           (role(last.rows) == AxisRole::kX && role(last.columns) == AxisRole::kY);
  };
  if (!has_axes()) match_coordinates(store, variable);
  std::string reason;
  if (has_axes()) {
    const bool along_y = role(last.rows) == AxisRole::kX;
    const std::size_t y = along_y ? last.columns : last.rows;
    const std::size_t x = along_y ? last.rows : last.columns;
    try {
      const CfGrid grid =
          decode_grid(store, variable, variable.dimensions[y], variable.dimensions[x]);
      return {.geotransform = geotransform_of(grid.grid, {grid.flip_x, grid.flip_y, along_y}),
              .crs = grid.grid.crs,
              .geolocation = {},
              .reason = {}};
    } catch (const Error& error) {
      reason = error.message();
    }
  } else {
    reason = "no coordinates of its rows and columns, " + shape_text(variable) +
             " cells, were found: neither dimension scales nor arrays such as lat and lon, nor a "
             "StructMetadata of HDF-EOS5";
  }
  if (const auto place = by_arrays(store, variable, raster)) return *place;
  return without_place(reason);
}

std::string eos_metadata(const ArrayStore& store) {
  std::string out;
  for (std::size_t part = 0;; ++part) {
    const auto index =
        find_array(store, "HDFEOS INFORMATION/StructMetadata." + std::to_string(part));
    if (!index) return out;
    for (const std::string& text : store.texts(*index)) out += text;
  }
}

// By the HDF-EOS5 grid that the array is a field of; nullopt where it is of none.
std::optional<ArrayPlace> by_eos_grid(const ArrayStore& store, const ArrayInfo& variable) {
  constexpr std::string_view kGrids = "HDFEOS/GRIDS/";
  if (!variable.name.starts_with(kGrids)) return std::nullopt;
  const std::vector<std::string> path = split(variable.name.substr(kGrids.size()), '/');
  const std::vector<EosGrid> grids = parse_eos_grids(eos_metadata(store));
  const auto grid = std::ranges::find(grids, path.front(), &EosGrid::name);
  if (grid == grids.end()) return std::nullopt;
  const auto field = grid->fields.find(path.back());
  bool along_y = false;
  if (field != grid->fields.end() && field->second.size() >= 2) {
    const std::vector<std::string> last(field->second.end() - 2, field->second.end());
    along_y = last == std::vector<std::string>{"XDim", "YDim"};
    if (!along_y && last != std::vector<std::string>{"YDim", "XDim"}) {
      return without_place("its dimensions, " + join(field->second) +
                           ", do not end with YDim, XDim");
    }
  }
  try {
    const EosPlace place = place_of(*grid);
    const auto [rows, columns] = last_two(variable);
    const std::int64_t width = variable.shape[along_y ? rows : columns];
    const std::int64_t height = variable.shape[along_y ? columns : rows];
    const Grid cells{.crs = place.crs,
                     .left = place.box.left,
                     .top = place.box.top,
                     .dx = (place.box.right - place.box.left) / static_cast<double>(width),
                     .dy = (place.box.top - place.box.bottom) / static_cast<double>(height),
                     .width = width,
                     .height = height};
    return ArrayPlace{
        .geotransform = geotransform_of(cells, {place.from_right, place.from_bottom, along_y}),
        .crs = place.crs,
        .geolocation = {},
        .reason = {}};
  } catch (const Error& error) {
    return without_place(error.message());
  }
}

}  // namespace

bool is_hdf_image(GDALDatasetH dataset) {
  const GDALDriverH driver = GDALGetDatasetDriver(dataset);
  const std::string_view format = driver ? GDALGetDriverShortName(driver) : "";
  return format == "HDF5Image" || format == "HDF4Image";
}

ArrayPlace find_array_place(GDALDatasetH dataset) {
  const auto raster = named(GDALGetDescription(dataset));
  if (!raster || !(raster->prefix == kHdf5 || raster->prefix.starts_with("HDF4_SDS:"))) {
    return without_place("GDAL's driver sees none");
  }
  try {
    const auto store = open_multidim(raster->file);
    const ArrayInfo* variable = array_of(*store, *raster);
    const bool found = variable && variable->shape.size() >= 2 &&
                       variable->shape.back() == GDALGetRasterXSize(dataset) &&
                       variable->shape.end()[-2] == GDALGetRasterYSize(dataset);
    if (!found) return without_place("its array is not found again for its coordinates");
    if (const auto place = by_eos_grid(*store, *variable)) return *place;
    return by_axes(*store, *variable, *raster);
  } catch (const Error& error) {
    return without_place(error.message());
  }
}

}  // namespace cube
