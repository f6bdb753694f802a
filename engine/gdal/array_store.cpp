#include "engine/gdal/array_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "engine/error.h"
#include "engine/limits.h"
#include "engine/text.h"

namespace cube {

namespace {

// A coordinate of 0.1 degrees that is stored in 32 bits is meant to be 0.1.
double meant(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  const auto number = parse_number({text.data(), static_cast<std::size_t>(end.ptr - text.data())});
  return number.value_or(value);
}

const CfValue* find(const CfAttributes& attributes, std::string_view name) {
  for (const auto& [key, value] : attributes) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace

std::size_t size_of(ArrayType type) {
  if (type == ArrayType::kOther) return 0;
  return dispatch_array(type, []<class T>(std::type_identity<T>) { return sizeof(T); });
}

std::optional<std::size_t> find_array(const ArrayStore& store, const std::string& name) {
  const auto& arrays = store.arrays();
  const auto found = std::ranges::find(arrays, name, &ArrayInfo::name);
  if (found == arrays.end()) return std::nullopt;
  return static_cast<std::size_t>(found - arrays.begin());
}

ArrayType stored_type(const ArrayInfo& array) {
  const std::string is_unsigned = lower(text_attribute(array.attributes, "_Unsigned"));
  if (is_unsigned == "true") {
    if (array.type == ArrayType::kInt8) return ArrayType::kUInt8;
    if (array.type == ArrayType::kInt16) return ArrayType::kUInt16;
    if (array.type == ArrayType::kInt32) return ArrayType::kUInt32;
  }
  if (is_unsigned == "false" && array.type == ArrayType::kUInt8) return ArrayType::kInt8;
  return array.type;
}

std::string base_name(const std::string& name) { return name.substr(name.rfind('/') + 1); }

std::optional<std::size_t> find_array(const ArrayStore& store, const std::string& name,
                                      const ArrayInfo& from) {
  if (name.empty()) return std::nullopt;
  if (name[0] == '/') return find_array(store, name.substr(1));
  std::string group = from.name;
  do {
    const std::size_t slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
    const auto found = find_array(store, group.empty() ? name : group + "/" + name);
    if (found) return found;
  } while (!group.empty());
  return std::nullopt;
}

std::vector<double> values_of(const ArrayStore& store, std::size_t array) {
  const ArrayInfo& info = store.arrays()[array];
  if (info.type == ArrayType::kOther) return {};
  if (!info.unreadable.empty()) {
    throw Error(ErrorCode::kUnreadable,
                "'" + info.name + "' " + info.unreadable + ", which cannot be read");
  }
  const std::vector<std::int64_t> start(info.shape.size(), 0);
  std::size_t size = 1;
  for (const std::int64_t side : info.shape) {
    size *= static_cast<std::size_t>(side);
    const bool large =
        side > limits::kCoordinates || size > static_cast<std::size_t>(limits::kCoordinates);
    if (!large) continue;
    throw Error(ErrorCode::kUnreadable,
                "'" + info.name + "' has too many numbers to say where cells lie", "",
                "at most " + std::to_string(limits::kCoordinates));
  }
  const double scale = number_attribute(info.attributes, "scale_factor").value_or(1);
  const double offset = number_attribute(info.attributes, "add_offset").value_or(0);
  std::vector<std::byte> bytes(size * size_of(info.type));
  if (!store.read(array, start, info.shape, bytes)) {
    return std::vector<double>(size, info.fill.value_or(0) * scale + offset);
  }
  std::vector<double> out(size);
  dispatch_array(stored_type(info), [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < size; ++i) {
      T value{};
      std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
      if constexpr (std::is_same_v<T, float>) {
        out[i] = meant(value);
      } else {
        out[i] = static_cast<double>(value);
      }
      out[i] = out[i] * scale + offset;
    }
  });
  return out;
}

std::string text_attribute(const CfAttributes& attributes, std::string_view name) {
  const CfValue* value = find(attributes, name);
  const auto* text = value ? std::get_if<std::string>(value) : nullptr;
  return text ? *text : "";
}

std::optional<double> number_attribute(const CfAttributes& attributes, std::string_view name) {
  const std::vector<double> numbers = numbers_attribute(attributes, name);
  if (numbers.empty()) return std::nullopt;
  return numbers.front();
}

std::vector<double> numbers_attribute(const CfAttributes& attributes, std::string_view name) {
  const CfValue* value = find(attributes, name);
  if (!value) return {};
  if (const auto* one = std::get_if<double>(value)) return {*one};
  if (const auto* all = std::get_if<std::vector<double>>(value)) return *all;
  if (const auto number = parse_number(std::get<std::string>(*value))) return {*number};
  return {};
}

}  // namespace cube
