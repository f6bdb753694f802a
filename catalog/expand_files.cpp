// Names of files from arguments: folders, globs and lists.
#include <fnmatch.h>

#include <filesystem>
#include <iostream>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "engine/error.h"
#include "engine/text.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

bool is_glob(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

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
void expand_glob(const fs::path& folder, const std::vector<std::string>& parts, std::size_t next,
                 std::vector<std::string>& out) {
  const std::string& part = parts[next];
  const bool last = next + 1 == parts.size();
  if (part == "**" && last) return add_below(folder, out);
  if (part == "**") expand_glob(folder, parts, next + 1, out);
  if (!is_glob(part) && !last) return expand_glob(folder / part, parts, next + 1, out);
  for (const auto& entry : entries_of(folder)) {
    const std::string name = entry.path().filename().string();
    const fs::path path = folder / name;
    std::error_code ignored;
    const bool is_folder = entry.is_directory(ignored);
    if (part == "**") {
      if (is_folder && !entry.is_symlink(ignored)) expand_glob(path, parts, next, out);
    } else if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) {
      continue;
    } else if (!last) {
      if (is_folder) expand_glob(path, parts, next + 1, out);
    } else if (is_folder) {
      add_below(path, out);
    } else {
      out.push_back(path.string());
    }
  }
}

void add_glob(const std::string& argument, std::vector<std::string>& out) {
  std::vector<std::string> parts = split(argument, '/');
  std::erase(parts, "");
  expand_glob(argument.starts_with("/") ? "/" : "", parts, 0, out);
}

void add_list(std::istream& in, std::vector<std::string>& out) {
  std::string line;
  while (std::getline(in, line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) out.push_back(line);
  }
}

std::string normal_name(const std::string& name) {
  return is_file_name(name) ? fs::path(name).lexically_normal().string() : name;
}

}  // namespace

FileList expand_files(const std::vector<std::string>& arguments) {
  std::vector<std::string> named;
  std::vector<std::string> found;
  for (const std::string& argument : arguments) {
    const std::size_t before = named.size() + found.size();
    std::error_code ignored;
    if (argument == "-") {
      add_list(std::cin, named);
    } else if (!is_file_name(argument)) {
      named.push_back(argument);
    } else if (fs::is_directory(argument, ignored)) {
      add_below(argument, found);
    } else if (fs::exists(argument, ignored)) {
      named.push_back(argument);
    } else if (is_glob(argument)) {
      add_glob(argument, found);
    } else {
      throw Error(ErrorCode::kNotFound, "no such file or folder", argument);
    }
    if (named.size() + found.size() == before) {
      throw Error(ErrorCode::kNotFound, "gives no files", argument == "-" ? "stdin" : argument);
    }
  }
  FileList out;
  for (const std::string& name : named) out.named.insert(normal_name(name));
  std::set<std::string> all = out.named;
  for (const std::string& name : found) all.insert(normal_name(name));
  out.files.assign(all.begin(), all.end());
  return out;
}

}  // namespace cube
