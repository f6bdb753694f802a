#include "catalog/descriptor.h"

#include <algorithm>
#include <optional>

#include "engine/text.h"

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

// Where in a descriptor the name of a file of this machine stands, with what is below it in an
// archive; nullopt where there is none.
struct Part {
  std::size_t begin, end;
};

std::optional<Part> within(const std::string& text, std::size_t begin, std::size_t end) {
  const std::string part = text.substr(begin, end - begin);
  if (part.empty()) return std::nullopt;
  if (is_file_name(part)) return Part{begin, end};
  for (const std::string_view archive : {"/vsizip/", "/vsitar/", "/vsigzip/"}) {
    if (!part.starts_with(archive)) continue;
    begin += archive.size();
    const bool braced = begin < end && text[begin] == '{';
    if (!braced) return within(text, begin, end);
    const std::size_t close = text.rfind('}', end - 1);
    if (close == std::string::npos || close <= begin) return std::nullopt;
    return within(text, begin + 1, close);
  }
  const std::size_t quote = part.find('"');
  if (quote == std::string::npos || !has_driver_prefix(part)) return std::nullopt;
  const std::size_t close = std::min(part.find("\":", quote + 1), part.size() - 1);
  if (close <= quote || part[close] != '"') return std::nullopt;
  return within(text, begin + quote + 1, begin + close);
}

// The descriptor with change(name) for the name of its file.
template <class Change>
std::string with_file(const std::string& descriptor, const Change& change) {
  const auto part = within(descriptor, 0, descriptor.size());
  if (!part) return descriptor;
  std::string out = descriptor.substr(0, part->begin);
  out.append(change(descriptor.substr(part->begin, part->end - part->begin)));
  return out.append(descriptor, part->end);
}

std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

}  // namespace

bool is_file_name(const std::string& descriptor) {
  return !descriptor.starts_with("/vsi") && !descriptor.starts_with("<") &&
         !has_driver_prefix(descriptor);
}

std::string file_named(const std::string& descriptor) {
  const auto part = within(descriptor, 0, descriptor.size());
  return part ? descriptor.substr(part->begin, part->end - part->begin) : std::string();
}

std::string file_of(const std::string& descriptor) {
  // Names in an archive follow its own.
  std::filesystem::path path = file_named(descriptor);
  std::error_code ignored;
  for (; !path.empty() && path != path.root_path(); path = path.parent_path()) {
    if (std::filesystem::is_regular_file(path, ignored)) return path.string();
    if (std::filesystem::exists(path, ignored)) break;
  }
  return {};
}

std::string why_unreadable(const std::string& name, const std::string& reason) {
  static constexpr std::string_view kArchives[] = {"/vsizip/", "/vsitar/", "/vsigzip/"};
  static constexpr std::string_view kKinds[] = {".hdf", ".h4", ".h5", ".he5", ".nc", ".nc4"};
  const auto has_archive = [&](std::string_view archive) {
    return name.find(archive) != std::string::npos;
  };
  const auto ends = [extension = lower(std::filesystem::path(name).extension().string())](
                        std::string_view kind) { return extension == kind; };
  if (!std::ranges::any_of(kArchives, has_archive) || !std::ranges::any_of(kKinds, ends)) {
    return reason;
  }
  return "is HDF or netCDF within an archive, which GDAL cannot read there: unpack the archive";
}

std::string absolute_name(const std::string& name) { return with_file(name, absolute_path); }

std::string resolve_descriptor(const std::string& descriptor, const std::filesystem::path& folder) {
  return with_file(descriptor, [&](const std::string& path) {
    return path.starts_with("/") ? path : (folder / path).lexically_normal().string();
  });
}

std::string stored_descriptor(const std::string& name, const std::filesystem::path& folder) {
  return with_file(name, [&](const std::string& file) {
    const std::string path = absolute_path(file);
    const std::string relative = std::filesystem::path(path).lexically_relative(folder).string();
    const bool below = !relative.empty() && relative != "." && !relative.starts_with("..");
    return below && is_file_name(relative) ? relative : path;
  });
}

void DescriptorCount::add(std::string_view descriptor) {
  hashes_.push_back(std::hash<std::string_view>()(descriptor));
}

std::int64_t DescriptorCount::distinct() {
  std::ranges::sort(hashes_);
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  return static_cast<std::int64_t>(hashes_.size());
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
  return resolve_descriptor(std::string(name), table_folder_);
}

}  // namespace cube
