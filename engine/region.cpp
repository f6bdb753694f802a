#include "engine/region.h"

namespace cube {

namespace {

std::string range_text(const char* axis, const Range& range) {
  return std::string(axis) + " " + std::to_string(range.begin) + ":" + std::to_string(range.end);
}

}  // namespace

std::string to_text(const ChunkShape& shape) {
  return std::to_string(shape.t) + "," + std::to_string(shape.y) + "," + std::to_string(shape.x);
}

std::string to_text(const Region& region) {
  return range_text("t", region.t) + ", " + range_text("y", region.y) + ", " +
         range_text("x", region.x);
}

}  // namespace cube
