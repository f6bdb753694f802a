#include "engine/glob.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <climits>
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

// The longest path of a file, which also bounds how deep patterns go.
constexpr std::size_t kLongestPath = PATH_MAX;

// What a pattern names.
class Expansion {
 public:
  // `parts`: between slashes.
  explicit Expansion(std::vector<std::string> parts) : parts_(std::move(parts)) {}

  // Goes on with `parts` from `next` on below `folder` ("" is the working directory).
  void expand(fs::path folder, std::size_t next) {
    for (; next + 1 < parts_.size() && !is_glob(parts_[next]); ++next) folder /= parts_[next];
    const std::string& part = parts_[next];
    const bool last = next + 1 == parts_.size();
    if (part == "**") return last ? folders_.push_back(folder) : expand_below(folder, next + 1);
    for (const auto& entry : entries_of(folder)) {
      const std::string name = entry.path().filename().string();
      const fs::path path = folder / name;
      std::error_code ignored;
      const bool is_folder = entry.is_directory(ignored);
      if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) {
        continue;
      } else if (!last) {
        if (is_folder) expand(path, next + 1);
      } else if (is_folder) {
        folders_.push_back(path);
      } else {
        files_.push_back(path.string());
      }
    }
  }

  // With those below the folders that it names.
  std::vector<std::string> files() && {
    const auto below = std::move(FolderWalk(std::move(folders_)).files());
    files_.insert(files_.end(), below.begin(), below.end());
    return std::move(files_);
  }

 private:
  // In `folder` and in those below it, each once, by however many "**" it is come to.
  void expand_below(const fs::path& folder, std::size_t next) {
    const FolderWalk walk({folder});
    for (const fs::path& below : walk.folders()) {
      if (seen_.emplace(below.string(), next).second) expand(below, next);
    }
  }

  std::vector<std::string> parts_;
  std::vector<std::string> files_;
  std::vector<fs::path> folders_;
  std::set<std::pair<std::string, std::size_t>> seen_;
};

}  // namespace

bool is_glob(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> files_below(const std::string& folder) {
  return std::move(FolderWalk({folder}).files());
}

std::vector<std::string> files_like(const std::string& pattern) {
  std::vector<std::string> parts = split(pattern, '/');
  std::erase(parts, "");
  if (parts.empty() || pattern.size() > kLongestPath) return {};
  Expansion expansion(std::move(parts));
  expansion.expand(pattern.starts_with("/") ? "/" : "", 0);
  return std::move(expansion).files();
}

}  // namespace cube
