// DType: the type a band's cells are stored in.
// Thread rule: pure functions and values.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cube {

enum class DType : std::uint8_t {
  kUInt8,
  kInt16,
  kUInt16,
  kInt32,
  kUInt32,
  kFloat32,
  kFloat64,
};

// "uint8", "int16", ..., as numpy writes them.
std::string_view name(DType type);
std::optional<DType> parse_dtype(std::string_view name);
std::span<const std::string_view> dtype_names();
inline constexpr const char* kDTypeNames =
    "uint8, int16, uint16, int32, uint32, float32 or float64";

std::size_t size_of(DType type);  // bytes a cell
inline bool is_float(DType type) { return type >= DType::kFloat32; }

// Lowest and highest value that the type can hold.
double lowest(DType type);
double highest(DType type);

// True when a cell can have this very value: any in a floating-point type, whole numbers from
// lowest() to highest() in the others.
bool can_hold(DType type, double value);

// The type of a result of arithmetic on cells of `type`: float32, or float64 where the input has
// more than 24 significant bits (32-bit integers and float64).
DType arithmetic_dtype(DType type);

// The smallest type that holds every value of both.
DType common_dtype(DType a, DType b);

// How cells of a band that needs a missing value are stored.
struct Storage {
  DType dtype;
  std::optional<double> nodata;  // NaN for floating-point types
};

// Storage of a band that can have gaps: itself when it is floating point or has a nodata value,
// else the next wider type with its lowest value as nodata (uint8 -> int16, uint16 -> int32,
// 32-bit -> float64), so that no value of the data is mistaken for missing.
Storage with_missing(DType type, std::optional<double> nodata);

// Calls f(std::type_identity<T>{}) with the C++ type of `type`.
template <class F>
decltype(auto) dispatch(DType type, F&& f) {
  switch (type) {
    case DType::kUInt8:
      return std::forward<F>(f)(std::type_identity<std::uint8_t>{});
    case DType::kInt16:
      return std::forward<F>(f)(std::type_identity<std::int16_t>{});
    case DType::kUInt16:
      return std::forward<F>(f)(std::type_identity<std::uint16_t>{});
    case DType::kInt32:
      return std::forward<F>(f)(std::type_identity<std::int32_t>{});
    case DType::kUInt32:
      return std::forward<F>(f)(std::type_identity<std::uint32_t>{});
    case DType::kFloat32:
      return std::forward<F>(f)(std::type_identity<float>{});
    case DType::kFloat64:
      break;
  }
  return std::forward<F>(f)(std::type_identity<double>{});
}

// `value` as T: integers round to nearest (ties to even) and clamp to T's range.
// REQUIRES: value is not NaN when T is an integer type.
template <class T>
T cell_cast(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::lowest());
    constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
    // Where the numbers are whole, the sum rounds as std::nearbyint does, without a call a cell.
    constexpr double kRound = 0x1.8p52;
    static_assert(sizeof(T) <= 4);
    const double clamped = value < kLow ? kLow : value > kHigh ? kHigh : value;
    return static_cast<T>((clamped + kRound) - kRound);
  }
}

}  // namespace cube
