#include "engine/dtype.h"

#include <array>

#include "engine/missing.h"

namespace cube {

namespace {

constexpr std::array<std::string_view, 7> kNames = {"uint8",  "int16",   "uint16", "int32",
                                                    "uint32", "float32", "float64"};

bool is_signed(DType type) { return lowest(type) < 0; }

}  // namespace

std::string_view name(DType type) { return kNames[static_cast<std::size_t>(type)]; }

std::span<const std::string_view> dtype_names() { return kNames; }

std::optional<DType> parse_dtype(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<DType>(i);
  }
  return std::nullopt;
}

std::size_t size_of(DType type) {
  return dispatch(type, []<class T>(std::type_identity<T>) { return sizeof(T); });
}

double lowest(DType type) {
  return dispatch(type, []<class T>(std::type_identity<T>) {
    return static_cast<double>(std::numeric_limits<T>::lowest());
  });
}

double highest(DType type) {
  return dispatch(type, []<class T>(std::type_identity<T>) {
    return static_cast<double>(std::numeric_limits<T>::max());
  });
}

bool can_hold(DType type, double value) {
  return is_float(type) ||
         (value >= lowest(type) && value <= highest(type) && value == std::nearbyint(value));
}

DType arithmetic_dtype(DType type) {
  const bool wide = type == DType::kInt32 || type == DType::kUInt32 || type == DType::kFloat64;
  return wide ? DType::kFloat64 : DType::kFloat32;
}

DType common_dtype(DType a, DType b) {
  if (a == b) return a;
  if (is_float(a) || is_float(b)) {
    const DType wide_a = is_float(a) ? a : arithmetic_dtype(a);
    const DType wide_b = is_float(b) ? b : arithmetic_dtype(b);
    return wide_a > wide_b ? wide_a : wide_b;
  }
  for (const DType candidate :
       {DType::kUInt8, DType::kInt16, DType::kUInt16, DType::kInt32, DType::kUInt32}) {
    const bool holds_sign = is_signed(candidate) || (!is_signed(a) && !is_signed(b));
    if (holds_sign && highest(candidate) >= highest(a) && highest(candidate) >= highest(b)) {
      return candidate;
    }
  }
  return DType::kFloat64;
}

Storage with_missing(DType type, std::optional<double> nodata) {
  if (is_float(type)) return {type, kMissing};
  if (nodata) return {type, nodata};
  switch (type) {
    case DType::kUInt8:
      return {DType::kInt16, lowest(DType::kInt16)};
    case DType::kInt16:
    case DType::kUInt16:
      return {DType::kInt32, lowest(DType::kInt32)};
    default:
      return {DType::kFloat64, kMissing};
  }
}

}  // namespace cube
