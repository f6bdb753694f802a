// UserBands: the bands that a graph declares for code of the user, and what is passed to it.
// Thread rule: a value.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/cube_info.h"
#include "engine/declared_bands.h"
#include "engine/params.h"

namespace cube {

// What a graph hands to the code as it is.
using FreeValues = std::map<std::string, FreeValue>;

struct UserBands {
  std::vector<std::string> bands;
  DeclaredStorage storage;

  void fields(FieldVisitor& v);

  // The declared bands; `preset` where they have no type. Throws Error that points into the node.
  std::vector<BandInfo> made(DType preset) const;
};

// float32, or float64 where a band of the input has more digits than that.
DType common_arithmetic_dtype(const CubeInfo& cube);

}  // namespace cube
