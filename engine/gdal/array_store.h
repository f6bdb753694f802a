// ArrayStore: a file of named arrays with named dimensions and attributes, netCDF or Zarr.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/gdal/cf.h"

namespace cube {

// How numbers stand in a file. kOther: texts and whatever else holds no numbers.
enum class ArrayType : std::uint8_t {
  kInt8,
  kUInt8,
  kInt16,
  kUInt16,
  kInt32,
  kUInt32,
  kInt64,
  kUInt64,
  kFloat32,
  kFloat64,
  kOther,
};

struct ArrayInfo {
  std::string name;  // of one in a group below the root "group/name", its dimensions likewise
  ArrayType type = ArrayType::kOther;
  std::vector<std::string> dimensions;  // the slowest first
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> chunks;  // that are stored each by itself; empty = in one piece
  CfAttributes attributes;
  std::string unreadable = {};      // why its cells cannot be read, "is compressed with ..."
  std::optional<double> fill = {};  // the value of cells that were never written, where it is known
  // Whether valid_min, valid_max and valid_range are of the values that scale_factor and
  // add_offset give: where they have that type and the cells a smaller one (NetCDF users' guide).
  bool unpacked_range = false;
};

// Thread rule: read() may be called from any thread.
class ArrayStore {
 public:
  virtual ~ArrayStore() = default;

  virtual const std::vector<ArrayInfo>& arrays() const = 0;
  virtual const CfAttributes& attributes() const = 0;  // of the file

  // The cells of a box in the array's type and the machine's byte order, C order. False where
  // surely none was ever written; `out` is then undefined. Throws Error(kUnreadable).
  // REQUIRES: `out` has room for them.
  virtual bool read(std::size_t array, std::span<const std::int64_t> start,
                    std::span<const std::int64_t> count, std::span<std::byte> out) const = 0;

  // Bytes that a read holds besides `out`, at most.
  virtual std::int64_t scratch_bytes(std::size_t array) const = 0;

  // The texts of an array of texts along one dimension; empty when it is none. Of HDF4 and HDF5 by
  // GDAL the one text of an array without dimensions too.
  virtual std::vector<std::string> texts(std::size_t array) const = 0;

  // What a user should know of how the file is read; "" = nothing.
  virtual std::string note() const { return {}; }
};

// Throw Error(kNotFound or kUnreadable).
std::shared_ptr<const ArrayStore> open_netcdf(const std::string& file);
std::shared_ptr<const ArrayStore> open_zarr(const std::string& folder);

// Of HDF4 and HDF5, as GDAL sees their arrays. For one thread, with NetcdfLock held as long as it
// lives.
std::unique_ptr<const ArrayStore> open_multidim(const std::string& file);

// Calls f(std::type_identity<T>{}) with the C++ type. REQUIRES: not kOther.
template <class F>
decltype(auto) dispatch_array(ArrayType type, F&& f) {
  switch (type) {
    case ArrayType::kInt8:
      return std::forward<F>(f)(std::type_identity<std::int8_t>{});
    case ArrayType::kUInt8:
      return std::forward<F>(f)(std::type_identity<std::uint8_t>{});
    case ArrayType::kInt16:
      return std::forward<F>(f)(std::type_identity<std::int16_t>{});
    case ArrayType::kUInt16:
      return std::forward<F>(f)(std::type_identity<std::uint16_t>{});
    case ArrayType::kInt32:
      return std::forward<F>(f)(std::type_identity<std::int32_t>{});
    case ArrayType::kUInt32:
      return std::forward<F>(f)(std::type_identity<std::uint32_t>{});
    case ArrayType::kInt64:
      return std::forward<F>(f)(std::type_identity<std::int64_t>{});
    case ArrayType::kUInt64:
      return std::forward<F>(f)(std::type_identity<std::uint64_t>{});
    case ArrayType::kFloat32:
      return std::forward<F>(f)(std::type_identity<float>{});
    default:
      return std::forward<F>(f)(std::type_identity<double>{});
  }
}

// A fill value as T; integers are cut off and clamped: 2^64, which is what becomes of the largest
// number of 64 bits as a double, is that number again.
template <class T>
T array_cast(double value) {
  if constexpr (std::is_integral_v<T>) {
    if (std::isnan(value)) return 0;
    if (value <= static_cast<double>(std::numeric_limits<T>::lowest())) {
      return std::numeric_limits<T>::lowest();
    }
    if (value >= static_cast<double>(std::numeric_limits<T>::max())) {
      return std::numeric_limits<T>::max();
    }
  }
  return static_cast<T>(value);
}

std::size_t size_of(ArrayType type);  // bytes; 0 for kOther

// The type that cells are stored in: "_Unsigned" (NetCDF users' guide) makes up for types that the
// classic format lacks.
ArrayType stored_type(const ArrayInfo& array);

// Index of an array; nullopt when there is none.
std::optional<std::size_t> find_array(const ArrayStore& store, const std::string& name);

// Index of the array that an attribute of `from` names: in its group, else in those above it.
std::optional<std::size_t> find_array(const ArrayStore& store, const std::string& name,
                                      const ArrayInfo& from);

// A name without the groups it is in.
std::string base_name(const std::string& name);

// All values of an array as doubles, unpacked; those that are stored as float32 as the decimal
// numbers they stand for. Empty when it holds no numbers.
std::vector<double> values_of(const ArrayStore& store, std::size_t array);

// Attributes by name: "" and nullopt where there is none of that kind.
std::string text_attribute(const CfAttributes& attributes, std::string_view name);
std::optional<double> number_attribute(const CfAttributes& attributes, std::string_view name);
std::vector<double> numbers_attribute(const CfAttributes& attributes, std::string_view name);

}  // namespace cube
