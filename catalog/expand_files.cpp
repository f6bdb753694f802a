// Names of files from arguments: folders, globs and lists.
#include <filesystem>
#include <iostream>

#include "catalog/catalog.h"
#include "catalog/descriptor.h"
#include "engine/error.h"
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
  out.files.assign(all.begin(), all.end());
  return out;
}

}  // namespace cube
