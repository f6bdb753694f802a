// Packing: how physical values are stored as other numbers, and how they are got back.
// Thread rule: values and pure functions.
#pragma once

#include "engine/block.h"
#include "engine/cube_info.h"

namespace cube {

// physical value = stored * scale + offset.
struct Packing {
  double scale = 1;
  double offset = 0;

  bool any() const { return scale != 1 || offset != 0; }
  bool operator==(const Packing&) const = default;
};

// Of the argument of sources that asks for physical values.
inline constexpr const char* kUnpackHelp =
    "Apply scale and offset: bands become physical values, float32 or, from 32-bit integers and "
    "float64, float64. Otherwise they stay attributes of the bands.";

// Takes scale and offset off a band, which becomes one of physical values: a floating-point type
// that is wide enough, with a note of what was applied. Without them the band stays as it is.
Packing take_packing(BandInfo& band);

// The note of a band that was unpacked.
std::string unpacking_note(const Packing& packing);

// The physical values of stored ones, which are held in the type that the result has. Null stays
// null.
BlockPtr unpacked(BlockPtr block, const Packing& packing);

}  // namespace cube
