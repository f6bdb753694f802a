#include "engine/glob.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

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

// Folders and those below them with their files, each once.
class FolderWalk {
 public:
  explicit FolderWalk(std::vector<fs::path> tops) {
    std::ranges::sort(tops);
    std::error_code ignored;
    for (const fs::path& top : tops) {
      fs::is_symlink(top, ignored) ? links_.push_back(top) : enter(top);
    }
    // Links count after all that lies there itself; those found behind them come last.
    for (std::size_t i = 0; i < links_.size(); ++i) enter(fs::path(links_[i]));
  }

  const std::vector<fs::path>& folders() const { return folders_; }
  std::vector<std::string>& files() { return files_; }

 private:
  void enter(const fs::path& folder) {
    struct stat status {};
    const std::string name = folder.empty() ? "." : folder.string();
    if (::stat(name.c_str(), &status) != 0) return;
    if (!seen_.emplace(status.st_dev, status.st_ino).second) return;
    folders_.push_back(folder);
    std::vector<fs::path> below;
    std::vector<fs::path> links;
    for (const auto& entry : entries_of(folder)) {
      std::error_code ignored;
      const fs::path path = folder / entry.path().filename();
      if (entry.is_regular_file(ignored)) files_.push_back(path.string());
      if (!entry.is_directory(ignored)) continue;
      (entry.is_symlink(ignored) ? links : below).push_back(path);
    }
    std::ranges::sort(links);
    links_.insert(links_.end(), links.begin(), links.end());
    for (const fs::path& path : below) enter(path);
  }

  std::vector<fs::path> folders_;
  std::vector<std::string> files_;
  std::vector<fs::path> links_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

// What a pattern names; the files below folders that it names are part of that.
struct Found {
  std::vector<std::string> files;
  std::vector<fs::path> folders;
};

// Adds what `parts` from `next` on give below `folder` ("" is the working directory).
void expand(const fs::path& folder, const std::vector<std::string>& parts, std::size_t next,
            Found& out) {
  const std::string& part = parts[next];
  const bool last = next + 1 == parts.size();
  if (part == "**" && last) return out.folders.push_back(folder);
  if (part == "**") {
    const FolderWalk walk({folder});
    for (const fs::path& below : walk.folders()) expand(below, parts, next + 1, out);
    return;
  }
  if (!is_glob(part) && !last) return expand(folder / part, parts, next + 1, out);
  for (const auto& entry : entries_of(folder)) {
    const std::string name = entry.path().filename().string();
    const fs::path path = folder / name;
    std::error_code ignored;
    const bool is_folder = entry.is_directory(ignored);
    if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) {
      continue;
    } else if (!last) {
      if (is_folder) expand(path, parts, next + 1, out);
    } else if (is_folder) {
      out.folders.push_back(path);
    } else {
      out.files.push_back(path.string());
    }
  }
}

}  // namespace

bool is_glob(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> files_below(const std::string& folder) {
  return std::move(FolderWalk({folder}).files());
}

std::vector<std::string> files_like(const std::string& pattern) {
  std::vector<std::string> parts = split(pattern, '/');
  std::erase(parts, "");
  Found out;
  if (!parts.empty()) expand(pattern.starts_with("/") ? "/" : "", parts, 0, out);
  const auto below = std::move(FolderWalk(std::move(out.folders)).files());
  out.files.insert(out.files.end(), below.begin(), below.end());
  return std::move(out.files);
}

}  // namespace cube
