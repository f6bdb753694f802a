#include "engine/gdal/array_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

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

std::vector<double> values_of(const ArrayStore& store, std::size_t array) {
  const ArrayInfo& info = store.arrays()[array];
  if (info.type == ArrayType::kOther) return {};
  const std::vector<std::int64_t> start(info.shape.size(), 0);
  std::size_t size = 1;
  for (const std::int64_t side : info.shape) size *= static_cast<std::size_t>(side);
  std::vector<std::byte> bytes;
  if (!store.read(array, start, info.shape, bytes)) {
    return std::vector<double>(size, info.fill.value_or(0));
  }
  std::vector<double> out(size);
  dispatch_array(info.type, [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < size; ++i) {
      T value{};
      std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
      if constexpr (std::is_same_v<T, float>) {
        out[i] = meant(value);
      } else {
        out[i] = static_cast<double>(value);
      }
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
