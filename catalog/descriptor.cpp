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

// A relative name that stays as it is when it is made normal: no ".", ".." or empty step in it.
bool is_plain(std::string_view name) {
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view step = name.substr(begin, end - begin);
    if (step.empty() || step == "." || step == "..") return false;
    begin = end + 1;
  }
  return true;
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

TableDescriptors::TableDescriptors(std::filesystem::path table_folder,
                                   std::filesystem::path catalog_folder)
    : table_folder_(std::move(table_folder)), catalog_folder_(std::move(catalog_folder)) {
  // Of a file in the table's folder, to see what stands before its name in the catalog.
  const std::string sample = stored_descriptor((table_folder_ / "x").string(), catalog_folder_);
  prefix_ = sample.substr(0, sample.size() - 1);
}

std::string_view TableDescriptors::stored(std::string_view name) {
  if (name.find(':') == std::string_view::npos && is_plain(name) && name.front() != '<') {
    if (prefix_.empty()) return name;
    scratch_.assign(prefix_).append(name);
  } else {
    scratch_ = stored_descriptor(absolute(name), catalog_folder_);
  }
  return scratch_;
}

std::string TableDescriptors::absolute(std::string_view name) const {
  const std::string text(name);
  if (!is_file_name(text)) return text;
  return (table_folder_ / text).lexically_normal().string();
}

}  // namespace cube
