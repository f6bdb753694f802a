// EosGrid: the grids of an HDF-EOS5 file, by what its StructMetadata says. (HDF-EOS Library User's
// Guide for HDF-EOS5, volume 1, 5 and 6; the projections are those of the USGS's GCTP.)
// Thread rule: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grid.h"

namespace cube {

struct EosGrid {
  std::string name;
  std::map<std::string, std::string> entries;              // "XDim" -> "1200", "Projection" -> ...
  std::map<std::string, std::vector<std::string>> fields;  // dimensions of each, the slowest first
};

std::vector<EosGrid> parse_eos_grids(std::string_view metadata);

// What the cells of a grid cover, and from which corner on they are stored.
struct EosPlace {
  Box box;
  bool from_right = false;
  bool from_bottom = false;
  std::string crs;  // canonical
};

// Throws Error(kInvalid) where the entries do not say it.
EosPlace place_of(const EosGrid& grid);

}  // namespace cube
