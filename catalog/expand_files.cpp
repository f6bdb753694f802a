// Names of files from arguments: folders, globs and lists.
#include <algorithm>
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

// Names one a line, or as `find -print0` gives them.
void add_list(std::istream& in, std::vector<std::string>& out) {
  std::string line;
  while (std::getline(in, line)) {
    for (std::size_t begin = 0; begin < line.size();) {
      const std::size_t end = std::min(line.find('\0', begin), line.size());
      std::string name = line.substr(begin, end - begin);
      while (!name.empty() && (name.back() == '\r' || name.back() == ' ')) name.pop_back();
      if (!name.empty()) out.push_back(std::move(name));
      begin = end + 1;
    }
  }
}

// "a/{b,c}/*" as "a/b/*" and "a/c/*", as shells do it; itself where there are no such braces.
std::vector<std::string> without_braces(const std::string& text) {
  const std::size_t open = text.find('{');
  if (open == std::string::npos) return {text};
  std::vector<std::size_t> cuts = {open};  // the braces and the commas between them
  int depth = 0;
  std::size_t at = open + 1;
  for (; at < text.size() && depth >= 0; ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}') --depth;
    if (depth < 0 || (depth == 0 && text[at] == ',')) cuts.push_back(at);
  }
  if (depth >= 0 || cuts.size() == 2) return {text};
  std::vector<std::string> out;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const std::string part = text.substr(cuts[i] + 1, cuts[i + 1] - cuts[i] - 1);
    add(without_braces(text.substr(0, open) + part + text.substr(at)), out);
  }
  return out;
}

// Files that globs name; a name without "*", "?" and "[" is one of a file or folder.
std::vector<std::string> files_of_globs(const std::string& text) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const std::string& glob : without_braces(text)) {
    if (is_glob(glob)) {
      add(files_like(glob), out);
    } else if (fs::is_directory(glob, ignored)) {
      add(files_below(glob), out);
    } else if (fs::exists(glob, ignored)) {
      out.push_back(glob);
    }
  }
  return out;
}

std::string normal_name(const std::string& name) {
  return is_file_name(name) ? fs::path(name).lexically_normal().string() : name;
}

// What stands for a file: the files in an archive, also in archives within it, or the archive
// itself where it cannot be read.
std::vector<std::string> contents(const std::string& name, int depth) {
  constexpr int kDeepest = 4;
  if (is_compressed(name)) return {decompressed(absolute_name(name))};
  if (!is_archive(name) || depth == kDeepest) return {name};
  std::vector<std::string> out;
  for (const std::string& inside : list_archive(absolute_name(name))) {
    add(contents(inside, depth + 1), out);
  }
  return out.empty() ? std::vector{name} : out;
}

// `files` and what lies in archives among them.
std::vector<std::string> look_into_archives(const std::set<std::string>& files) {
  const std::vector<std::string> names(files.begin(), files.end());
  std::vector<std::vector<std::string>> found(names.size());
  for_each_parallel(names.size(), 0, [&](std::size_t i) {
    found[i] = is_file_name(names[i]) ? contents(names[i], 0) : std::vector{names[i]};
  });
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
    } else if (!is_file_name(argument)) {  // NOLINT(bugprone-branch-clone): asked in this order
      named.push_back(argument);
    } else if (fs::is_directory(argument, ignored)) {
      add(files_below(argument), found);
    } else if (fs::exists(argument, ignored)) {
      named.push_back(argument);
    } else if (is_glob(argument) || without_braces(argument).size() > 1) {
      add(files_of_globs(argument), found);
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
