// The main function of test programs that have none of their own.
#include <iostream>

#include "tests/support.h"

int main(int argc, char** argv) {
  const std::string program = std::filesystem::path(argv[0]).filename().string();
  if (program.starts_with("data_") && cube::test::shared_dir().empty()) {
    std::cout << "skipped: ../shared is not here\n";
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
