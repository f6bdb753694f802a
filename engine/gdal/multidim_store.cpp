// MultidimStore: the arrays of an HDF4 or HDF5 file, by GDAL's multidimensional API.
//
// libnetcdf would not open HDF4, and tells less of HDF5 that is not netCDF: GDAL gives both their
// dimension scales.
#include <cpl_string.h>

#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "engine/gdal/array_store.h"
#include "engine/gdal/multidim.h"
#include "engine/gdal/raster_info.h"

namespace cube {

namespace {

ArrayType array_type(GDALDataType type) {
  switch (type) {
    case GDT_Byte:
      return ArrayType::kUInt8;
    case GDT_UInt16:
      return ArrayType::kUInt16;
    case GDT_Int16:
      return ArrayType::kInt16;
    case GDT_UInt32:
      return ArrayType::kUInt32;
    case GDT_Int32:
      return ArrayType::kInt32;
    case GDT_UInt64:
      return ArrayType::kUInt64;
    case GDT_Int64:
      return ArrayType::kInt64;
    case GDT_Float32:
      return ArrayType::kFloat32;
    case GDT_Float64:
      return ArrayType::kFloat64;
    default:
      return ArrayType::kOther;
  }
}

ArrayType type_of(GDALMDArrayH array) {
  const MultidimType type(GDALMDArrayGetDataType(array));
  if (GDALExtendedDataTypeGetClass(type.get()) != GEDTC_NUMERIC) return ArrayType::kOther;
  return array_type(GDALExtendedDataTypeGetNumericDataType(type.get()));
}

std::string without_slash(std::string name) {
  if (name.starts_with('/')) name.erase(0, 1);
  return name;
}

CfAttributes attributes_of(GDALMDArrayH array) {
  CfAttributes out;
  std::size_t count = 0;
  GDALAttributeH* attributes = GDALMDArrayGetAttributes(array, &count, nullptr);
  for (std::size_t i = 0; i < count; ++i) {
    const char* name = GDALAttributeGetName(attributes[i]);
    const MultidimType type(GDALAttributeGetDataType(attributes[i]));
    const GDALExtendedDataTypeClass kind = GDALExtendedDataTypeGetClass(type.get());
    if (kind == GEDTC_STRING) {
      const char* text = GDALAttributeReadAsString(attributes[i]);
      out.emplace_back(name, text ? text : "");
    } else if (kind == GEDTC_NUMERIC) {
      std::size_t size = 0;
      double* numbers = GDALAttributeReadAsDoubleArray(attributes[i], &size);
      if (size == 1) out.emplace_back(name, numbers[0]);
      if (size > 1) out.emplace_back(name, std::vector<double>(numbers, numbers + size));
      CPLFree(numbers);
    }
  }
  GDALReleaseAttributes(attributes, count);
  const char* unit = GDALMDArrayGetUnit(array);  // which GDAL takes from among them
  if (unit && *unit) out.emplace_back("units", unit);
  return out;
}

ArrayInfo describe(GDALMDArrayH array) {
  ArrayInfo info;
  info.name = without_slash(GDALMDArrayGetFullName(array));
  info.type = type_of(array);
  std::size_t count = 0;
  GDALDimensionH* dimensions = GDALMDArrayGetDimensions(array, &count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = GDALDimensionGetFullName(dimensions[i]);
    // Dimensions without a name of their own are all called "dim0", "dim1".
    info.dimensions.push_back(name.starts_with('/') ? name.substr(1)
                                                    : info.name + "[" + std::to_string(i) + "]");
    info.shape.push_back(static_cast<std::int64_t>(GDALDimensionGetSize(dimensions[i])));
  }
  GDALReleaseDimensions(dimensions, count);
  info.attributes = attributes_of(array);
  return info;
}

class MultidimStore final : public ArrayStore {
 public:
  explicit MultidimStore(const std::string& file) : file_(file) {
    register_gdal();
    const GdalErrors errors;
    dataset_.reset(GDALOpenEx(file.c_str(), GDAL_OF_MULTIDIM_RASTER, nullptr, nullptr, nullptr));
    const MultidimGroup root(dataset_ ? GDALDatasetGetRootGroup(dataset_.get()) : nullptr);
    if (!root) {
      throw Error(ErrorCode::kUnreadable, "cannot be opened for its arrays: " + errors.first(),
                  file);
    }
    add_group(root.get());
  }

  const std::vector<ArrayInfo>& arrays() const override { return infos_; }
  const CfAttributes& attributes() const override { return none_; }

  bool read(std::size_t array, std::span<const std::int64_t> start,
            std::span<const std::int64_t> count, std::span<std::byte> out) const override {
    if (out.empty()) return true;
    const GdalErrors errors;
    const std::vector<GUInt64> first(start.begin(), start.end());
    const std::vector<std::size_t> sizes(count.begin(), count.end());
    const MultidimType type(GDALMDArrayGetDataType(arrays_[array].get()));
    if (GDALMDArrayRead(arrays_[array].get(), first.data(), sizes.data(), nullptr, nullptr,
                        type.get(), out.data(), out.data(), out.size())) {
      return true;
    }
    throw Error(ErrorCode::kUnreadable,
                "'" + infos_[array].name + "' cannot be read: " + errors.first(), file_);
  }

  std::int64_t scratch_bytes(std::size_t) const override { return 0; }

  std::vector<std::string> texts(std::size_t array) const override {
    const ArrayInfo& info = infos_[array];
    const MultidimType type(GDALMDArrayGetDataType(arrays_[array].get()));
    if (GDALExtendedDataTypeGetClass(type.get()) != GEDTC_STRING || info.shape.size() > 1) {
      return {};
    }
    const GUInt64 start = 0;
    const std::size_t count = info.shape.empty() ? 1 : static_cast<std::size_t>(info.shape[0]);
    std::vector<char*> texts(count, nullptr);
    const GdalErrors errors;
    if (!GDALMDArrayRead(arrays_[array].get(), &start, &count, nullptr, nullptr, type.get(),
                         texts.data(), nullptr, 0)) {
      return {};
    }
    std::vector<std::string> out;
    for (char* text : texts) {
      out.emplace_back(text ? text : "");
      CPLFree(text);
    }
    return out;
  }

 private:
  void add_group(GDALGroupH group) {
    const CPLStringList names(GDALGroupGetMDArrayNames(group, nullptr));
    for (int i = 0; i < names.size(); ++i) {
      MultidimArray array(GDALGroupOpenMDArray(group, names[i], nullptr));
      if (!array) continue;  // of a type that GDAL does not know
      infos_.push_back(describe(array.get()));
      arrays_.push_back(std::move(array));
    }
    const CPLStringList groups(GDALGroupGetGroupNames(group, nullptr));
    for (int i = 0; i < groups.size(); ++i) {
      const MultidimGroup inner(GDALGroupOpenGroup(group, groups[i], nullptr));
      if (inner) add_group(inner.get());
    }
  }

  std::string file_;
  Dataset dataset_;
  std::vector<MultidimArray> arrays_;
  std::vector<ArrayInfo> infos_;  // of arrays_
  CfAttributes none_;
};

}  // namespace

std::unique_ptr<const ArrayStore> open_multidim(const std::string& file) {
  return std::make_unique<const MultidimStore>(file);
}

}  // namespace cube
