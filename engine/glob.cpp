#include "engine/glob.h"

#include <fnmatch.h>

#include <filesystem>

#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::error_code unreadable;
  std::vector<fs::directory_entry> out;
  const fs::path here = folder.empty() ? fs::path(".") : folder;
  for (const auto& entry : fs::directory_iterator(here, unreadable)) out.push_back(entry);
  return out;
}

void add_below(const fs::path& folder, std::vector<std::string>& out) {
  for (const auto& entry : entries_of(folder)) {
    std::error_code ignored;
    if (entry.is_directory(ignored)) {
      if (!entry.is_symlink(ignored)) add_below(entry.path(), out);  // a link may lead in circles
    } else if (entry.is_regular_file(ignored)) {
      out.push_back(entry.path().string());
    }
  }
}

// Adds what `parts` from `next` on give below `folder` ("" is the working directory).
void expand(const fs::path& folder, const std::vector<std::string>& parts, std::size_t next,
            std::vector<std::string>& out) {
  const std::string& part = parts[next];
  const bool last = next + 1 == parts.size();
  if (part == "**" && last) return add_below(folder, out);
  if (part == "**") expand(folder, parts, next + 1, out);
  if (!is_glob(part) && !last) return expand(folder / part, parts, next + 1, out);
  for (const auto& entry : entries_of(folder)) {
    const std::string name = entry.path().filename().string();
    const fs::path path = folder / name;
    std::error_code ignored;
    const bool is_folder = entry.is_directory(ignored);
    if (part == "**") {
      if (is_folder && !entry.is_symlink(ignored)) expand(path, parts, next, out);
    } else if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) {
      continue;
    } else if (!last) {
      if (is_folder) expand(path, parts, next + 1, out);
    } else if (is_folder) {
      add_below(path, out);
    } else {
      out.push_back(path.string());
    }
  }
}

}  // namespace

bool is_glob(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> out;
  add_below(folder, out);
  return out;
}

std::vector<std::string> files_like(const std::string& pattern) {
  std::vector<std::string> parts = split(pattern, '/');
  std::erase(parts, "");
  std::vector<std::string> out;
  if (!parts.empty()) expand(pattern.starts_with("/") ? "/" : "", parts, 0, out);
  return out;
}

}  // namespace cube
