// shrink: a smaller graph and archive that still show what was found.
// Thread rule: one thread.
#pragma once

#include <functional>

#include "tests/differential/archive.h"

namespace cube::fuzz {

// What was found, enough to find it again.
struct Finding {
  Json archive;
  Json graph;
  Json way;          // its name and settings
  std::string what;  // the difference
};

// Says what is (still) wrong, "" = nothing, also where the documents make no cube.
using Check = std::function<std::string(const Finding&)>;

// Leaves out nodes, arguments, images and slices as long as `check` finds something.
Finding shrunk(Finding finding, const Check& check, double seconds);

}  // namespace cube::fuzz
