// Palette: a few colours that stand for the many of a picture, as formats of one byte a pixel need.
//
// As many colours as fit are taken as they are. Of more, boxes of the colour cube are halved at
// their median, the fullest and longest first (median cut; Heckbert, Color image quantization for
// frame buffer display, SIGGRAPH 1982), 32 steps a channel; black and white, of which labels are
// made, stay.
//
// Thread rule: add() and build() on one thread; then immutable.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/picture.h"

namespace cube {

class Palette {
 public:
  // REQUIRES: most >= 3.
  explicit Palette(std::size_t most);

  // The opaque pixels of a picture.
  void add(const Picture& picture);

  // Chooses the colours of what was added.
  void build();

  const std::vector<Rgb>& colours() const { return colours_; }

  // Index of the colour that stands for `colour`. REQUIRES: it was added.
  std::size_t index(const Rgb& colour) const;

  static std::int64_t bytes();  // of memory, at most

 private:
  void cut();

  std::size_t most_;
  std::unordered_map<std::uint32_t, std::size_t> exact_;  // colour -> index; few enough, or empty
  bool too_many_ = false;
  std::vector<std::int64_t> counts_;  // pixels a bin
  std::vector<std::uint8_t> of_bin_;  // index of the colour of a bin
  std::vector<Rgb> colours_;
};

}  // namespace cube
