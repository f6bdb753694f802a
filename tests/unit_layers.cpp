// Folders link downward only: cli, python -> api -> graphs, catalog -> engine.
#include <fstream>
#include <regex>

#include "tests/support.h"

using namespace cube;

namespace {

// Includes of `folder` that start with one of `forbidden`, as "file: line".
std::vector<std::string> upward(const std::string& folder,
                                const std::vector<std::string>& forbidden) {
  std::vector<std::string> found;
  const auto root = std::filesystem::path(CUBE_SOURCE_DIR) / folder;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string kind = entry.path().extension().string();
    if (kind != ".h" && kind != ".cpp") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      for (const std::string& other : forbidden) {
        if (line.starts_with("#include \"" + other))
          found.push_back(entry.path().string() + ": " + line);
      }
    }
  }
  return found;
}

// Files of `folder` outside `allowed` that include a header matching `pattern`.
std::vector<std::string> users(const std::string& folder, const std::string& allowed,
                               const std::regex& pattern) {
  std::vector<std::string> found;
  const auto root = std::filesystem::path(CUBE_SOURCE_DIR) / folder;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || entry.path().string().find(allowed) != std::string::npos)
      continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      if (std::regex_search(line, pattern)) found.push_back(entry.path().string() + ": " + line);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("no folder includes one above it") {
  const std::vector<std::string> none;
  CHECK(upward("engine", {"graphs/", "catalog/", "api/", "cube/", "cli/", "tests/"}) == none);
  CHECK(upward("graphs", {"catalog/", "api/", "cube/", "cli/", "tests/"}) == none);
  CHECK(upward("catalog", {"graphs/", "api/", "cube/", "cli/", "tests/"}) == none);
  CHECK(upward("api", {"cli/", "tests/"}) == none);
  CHECK(upward("python", {"cli/", "tests/"}) == none);
  CHECK(upward("include", {"catalog/", "api/", "engine/gdal/", "cli/", "tests/"}) == none);
}

TEST_CASE("only engine/gdal touches GDAL in the engine, and the engine knows no JSON or SQLite") {
  CHECK(users("engine", "engine/gdal/", std::regex(R"(#include <(gdal|ogr|cpl)[_a-z]*\.h>)")) ==
        std::vector<std::string>{});
  CHECK(users("engine", "nothing", std::regex(R"(#include <(nlohmann|sqlite3|CLI/))")) ==
        std::vector<std::string>{});
}
