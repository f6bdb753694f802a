// What the test programs share. The main function is in main.cpp.
// Programs named data_* are skipped (exit status 77) where ../shared is absent.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/resources.h"

namespace cube::test {

// ../shared beside the project, or an empty path.
std::filesystem::path shared_dir();

// A new empty folder, removed when the object goes.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Runs `work`, which must throw a cube::Error, and returns what() ("" when nothing is thrown).
std::string error_of(const std::function<void()>& work);

struct CommandResult {
  int status = -1;
  std::string out;
  std::string err;
};
// Runs a shell command line.
CommandResult run_command(const std::string& command);

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace cube::test
