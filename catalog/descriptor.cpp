#include "catalog/descriptor.h"

#include <algorithm>

namespace cube {

namespace {

// "NETCDF:", "HDF4_EOS:", "https:": two or more letters, digits or '_' before a colon.
bool has_driver_prefix(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon < 2) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

bool is_file_name(const std::string& descriptor) {
  return !descriptor.starts_with("/vsi") && !descriptor.starts_with("<") &&
         !has_driver_prefix(descriptor);
}

std::string absolute_name(const std::string& name) {
  return is_file_name(name) ? std::filesystem::absolute(name).lexically_normal().string() : name;
}

std::string resolve_descriptor(const std::string& descriptor, const std::filesystem::path& folder) {
  if (descriptor.starts_with("/") || !is_file_name(descriptor)) return descriptor;
  return (folder / descriptor).lexically_normal().string();
}

std::string stored_descriptor(const std::string& name, const std::filesystem::path& folder) {
  if (!is_file_name(name)) return name;
  const std::string path = absolute_name(name);
  const std::string relative = std::filesystem::path(path).lexically_relative(folder).string();
  const bool below = !relative.empty() && relative != "." && !relative.starts_with("..");
  return below && is_file_name(relative) ? relative : path;
}

}  // namespace cube
