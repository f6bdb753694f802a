// What the fuzz targets share. A target is a function that takes any bytes and must come back soon,
// with no sanitizer's complaint: what is wrong with the bytes is a cube::Error.
//
// One program holds all targets. It fuzzes as fuzz_NAME (links to it; clang's libFuzzer, built with
// CUBE_FUZZ), and replays the files in corpus/NAME as fuzz_replay, which any build can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.h"

namespace cube::fuzz {

using Run = int (*)(const std::uint8_t* data, std::size_t size);

struct Target {
  const char* name;
  Run run;
};

// All that are linked in, by name.
std::vector<Target>& targets();

struct Registration {
  Registration(const char* name, Run run) { targets().push_back({name, run}); }
};

// Defines LLVMFuzzerTestOneInput of the target NAME: the body gets `bytes`. Errors of ours end it.
#define CUBE_FUZZ_TARGET(NAME)                                                       \
  static void fuzz_##NAME(std::string_view bytes);                                   \
  static int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {    \
    try {                                                                            \
      fuzz_##NAME({reinterpret_cast<const char*>(data), size});                      \
    } catch (const cube::Error&) {                                                   \
    }                                                                                \
    return 0;                                                                        \
  }                                                                                  \
  static const cube::fuzz::Registration kRegistered{#NAME, &LLVMFuzzerTestOneInput}; \
  static void fuzz_##NAME(std::string_view bytes)

// Ends the process when a property does not hold.
void require(bool holds, const char* what);

// Runs `work`, whose errors are expected.
template <class F>
void attempt(F&& work) {
  try {
    work();
  } catch (const Error&) {
  }
}

// A file with these bytes, the same name each time, in memory where the system has a place for it.
std::string scratch_file(std::string_view bytes, const std::string& ending);

// Takes the first line off; "" when there is none left.
std::string_view take_line(std::string_view& text);

}  // namespace cube::fuzz
