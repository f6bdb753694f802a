#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/support.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace cube::test {

std::filesystem::path shared_dir() {
  const auto path = std::filesystem::path(CUBE_SOURCE_DIR).parent_path() / "shared";
  return std::filesystem::is_directory(path / "data") ? path : std::filesystem::path();
}

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "cube-test-XXXXXX").string();
  if (!mkdtemp(name.data())) std::abort();
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

CommandResult run_command(const std::string& command) {
  const TempDir dir;
  const std::string line =
      "( " + command + " ) >" + dir.file("out") + " 2>" + dir.file("err") + " </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(dir.file("out")),
          read_text(dir.file("err"))};
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

}  // namespace cube::test
