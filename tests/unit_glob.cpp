// Patterns of files: what they name, and how long strange ones take.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "engine/glob.h"
#include "tests/support.h"

namespace {

namespace fs = std::filesystem;
using namespace cube;

// a/1.tif, a/b/1.tif, a/b/a/1.tif, ..., 12 folders deep.
class Folders {
 public:
  Folders() {
    fs::path at = root_.path();
    for (int i = 0; i < 12; ++i) {
      at /= i % 2 == 0 ? "a" : "b";
      fs::create_directory(at);
      std::ofstream(at / "1.tif") << 1;
    }
  }

  // Names from the top on, in order.
  std::vector<std::string> like(const std::string& pattern) const {
    const std::string top = root_.path();
    std::vector<std::string> out = files_like(top + "/" + pattern);
    for (std::string& name : out) name = fs::relative(name, top).string();
    std::ranges::sort(out);
    return out;
  }

 private:
  test::TempDir root_;
};

}  // namespace

TEST_CASE("wildcards stand for parts of names, and ** for folders") {
  const Folders folders;
  using Names = std::vector<std::string>;
  CHECK(folders.like("a/*.tif") == Names{"a/1.tif"});
  CHECK(folders.like("a/b/[0-9].tif") == Names{"a/b/1.tif"});
  CHECK(folders.like("?/?/?.tif") == Names{"a/b/1.tif"});
  CHECK(folders.like("a//./b/1*") == Names{"a/b/1.tif"});
  CHECK(folders.like("**/*.tif").size() == 12);
  CHECK(folders.like("*").size() == 12);  // a folder is all that lies below
  CHECK(folders.like("a/b/**").size() == 11);
  CHECK(folders.like("**/*.tiff").empty());
  CHECK(folders.like("c/*").empty());
}

TEST_CASE("a file is named once, by however many ways a pattern comes to it") {
  const Folders folders;
  CHECK(folders.like("**/**/*.tif").size() == 12);
  CHECK(folders.like("**/a/**/a/**/1.*").size() == 10);
}

TEST_CASE("patterns take no longer than their length and the folders allow") {
  const Folders folders;
  const auto start = std::chrono::steady_clock::now();
  std::string many;
  for (int i = 0; i < 40; ++i) many += "**/[ab]/";
  CHECK(folders.like(many + "*.tif").empty());
  std::string deep;
  for (int i = 0; i < 1000000; ++i) deep += "/a";
  CHECK(folders.like(deep + "?").empty());
  CHECK(folders.like(deep.substr(0, 3000) + "?").empty());
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}
