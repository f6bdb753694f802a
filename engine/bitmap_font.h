// Text in pixels: capital letters, digits and what stands in dates and numbers, 5 x 7 each, white
// on a black box so that it is readable on any ground. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "engine/picture.h"

namespace cube {

// Size of a text's box in pixels, each of the font's being `scale` pixels wide and high.
PixelSize text_size(const std::string& text, std::int64_t scale);

// Draws the box with its upper left corner at (x, y); what lies beyond the picture is left out.
// Letters are drawn as capitals, and what the font does not have as an empty frame.
void draw_text(Picture& picture, std::int64_t x, std::int64_t y, const std::string& text,
               std::int64_t scale);

}  // namespace cube
