// --part: which part of an output a run computes, given or as the launcher of the process says.
// Thread rule: pure functions.
#pragma once

#include <functional>
#include <string>

#include "engine/sink.h"

namespace cube {

struct PartChoice {
  Part part;
  std::string note;  // which launcher said so, where that was not clear; "" = it was
};

// "2/8", "env" or "env/8". `variable` gives the value of an environment variable, nullptr = not
// set. Throws Error(kInvalid) naming --part.
PartChoice parse_part(const std::string& text,
                      const std::function<const char*(const char* name)>& variable);

// For --help: the variables in the order in which they are looked for.
std::string part_variables();

}  // namespace cube
