// Names of files from arguments: folders, globs and lists.
#include <filesystem>
#include <iostream>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "catalog/parallel.h"
#include "engine/error.h"
#include "engine/gdal/archive.h"
#include "engine/glob.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

void add(std::vector<std::string> files, std::vector<std::string>& out) {
  out.insert(out.end(), files.begin(), files.end());
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

// What stands for a file: the files in an archive, or the archive itself where it cannot be read.
std::vector<std::string> contents(const std::string& name) {
  if (!is_file_name(name)) return {name};
  if (is_compressed(name)) return {decompressed(absolute_name(name))};
  if (!is_archive(name)) return {name};
  const auto inside = list_archive(absolute_name(name));
  return inside.empty() ? std::vector{name} : inside;
}

// `files` and what lies in archives among them.
std::vector<std::string> look_into_archives(const std::set<std::string>& files) {
  const std::vector<std::string> names(files.begin(), files.end());
  std::vector<std::vector<std::string>> found(names.size());
  for_each_parallel(names.size(), 0, [&](std::size_t i) { found[i] = contents(names[i]); });
  std::set<std::string> all;
  for (auto& some : found) all.insert(some.begin(), some.end());
  return {all.begin(), all.end()};
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
      add(files_below(argument), found);
    } else if (fs::exists(argument, ignored)) {
      named.push_back(argument);
    } else if (is_glob(argument)) {
      add(files_like(argument), found);
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
  out.files = look_into_archives(all);
  return out;
}

}  // namespace cube
