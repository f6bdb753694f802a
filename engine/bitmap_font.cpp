#include "engine/bitmap_font.h"

#include <array>
#include <string_view>

namespace cube {

namespace {

constexpr std::int64_t kGlyphWidth = 5;
constexpr std::int64_t kGlyphHeight = 7;
constexpr std::int64_t kAdvance = kGlyphWidth + 1;
constexpr std::int64_t kMargin = 2;  // of the box, font pixels
constexpr Rgb kInk = {255, 255, 255};
constexpr Rgb kGround = {0, 0, 0};

struct Glyph {
  char letter;
  std::array<std::string_view, kGlyphHeight> rows;
};

constexpr std::array kGlyphs = {
    Glyph{'0', {" ### ", "#   #", "#  ##", "# # #", "##  #", "#   #", " ### "}},
    Glyph{'1', {"  #  ", " ##  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "}},
    Glyph{'2', {" ### ", "#   #", "    #", "   # ", "  #  ", " #   ", "#####"}},
    Glyph{'3', {"#####", "   # ", "  #  ", "   # ", "    #", "#   #", " ### "}},
    Glyph{'4', {"   # ", "  ## ", " # # ", "#  # ", "#####", "   # ", "   # "}},
    Glyph{'5', {"#####", "#    ", "#### ", "    #", "    #", "#   #", " ### "}},
    Glyph{'6', {"  ## ", " #   ", "#    ", "#### ", "#   #", "#   #", " ### "}},
    Glyph{'7', {"#####", "    #", "   # ", "  #  ", " #   ", " #   ", " #   "}},
    Glyph{'8', {" ### ", "#   #", "#   #", " ### ", "#   #", "#   #", " ### "}},
    Glyph{'9', {" ### ", "#   #", "#   #", " ####", "    #", "   # ", " ##  "}},
    Glyph{'-', {"     ", "     ", "     ", "#####", "     ", "     ", "     "}},
    Glyph{'+', {"     ", "  #  ", "  #  ", "#####", "  #  ", "  #  ", "     "}},
    Glyph{'.', {"     ", "     ", "     ", "     ", "     ", " ##  ", " ##  "}},
    Glyph{':', {"     ", " ##  ", " ##  ", "     ", " ##  ", " ##  ", "     "}},
    Glyph{'/', {"    #", "    #", "   # ", "  #  ", " #   ", "#    ", "#    "}},
    Glyph{'_', {"     ", "     ", "     ", "     ", "     ", "     ", "#####"}},
    Glyph{'%', {"##  #", "##  #", "   # ", "  #  ", " #   ", "#  ##", "#  ##"}},
    Glyph{' ', {"     ", "     ", "     ", "     ", "     ", "     ", "     "}},
    Glyph{'A', {" ### ", "#   #", "#   #", "#####", "#   #", "#   #", "#   #"}},
    Glyph{'B', {"#### ", "#   #", "#   #", "#### ", "#   #", "#   #", "#### "}},
    Glyph{'C', {" ### ", "#   #", "#    ", "#    ", "#    ", "#   #", " ### "}},
    Glyph{'D', {"#### ", "#   #", "#   #", "#   #", "#   #", "#   #", "#### "}},
    Glyph{'E', {"#####", "#    ", "#    ", "#### ", "#    ", "#    ", "#####"}},
    Glyph{'F', {"#####", "#    ", "#    ", "#### ", "#    ", "#    ", "#    "}},
    Glyph{'G', {" ### ", "#   #", "#    ", "# ###", "#   #", "#   #", " ####"}},
    Glyph{'H', {"#   #", "#   #", "#   #", "#####", "#   #", "#   #", "#   #"}},
    Glyph{'I', {" ### ", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "}},
    Glyph{'J', {"  ###", "   # ", "   # ", "   # ", "   # ", "#  # ", " ##  "}},
    Glyph{'K', {"#   #", "#  # ", "# #  ", "##   ", "# #  ", "#  # ", "#   #"}},
    Glyph{'L', {"#    ", "#    ", "#    ", "#    ", "#    ", "#    ", "#####"}},
    Glyph{'M', {"#   #", "## ##", "# # #", "# # #", "#   #", "#   #", "#   #"}},
    Glyph{'N', {"#   #", "##  #", "##  #", "# # #", "#  ##", "#  ##", "#   #"}},
    Glyph{'O', {" ### ", "#   #", "#   #", "#   #", "#   #", "#   #", " ### "}},
    Glyph{'P', {"#### ", "#   #", "#   #", "#### ", "#    ", "#    ", "#    "}},
    Glyph{'Q', {" ### ", "#   #", "#   #", "#   #", "# # #", "#  # ", " ## #"}},
    Glyph{'R', {"#### ", "#   #", "#   #", "#### ", "# #  ", "#  # ", "#   #"}},
    Glyph{'S', {" ####", "#    ", "#    ", " ### ", "    #", "    #", "#### "}},
    Glyph{'T', {"#####", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ", "  #  "}},
    Glyph{'U', {"#   #", "#   #", "#   #", "#   #", "#   #", "#   #", " ### "}},
    Glyph{'V', {"#   #", "#   #", "#   #", "#   #", "#   #", " # # ", "  #  "}},
    Glyph{'W', {"#   #", "#   #", "#   #", "# # #", "# # #", "## ##", "#   #"}},
    Glyph{'X', {"#   #", "#   #", " # # ", "  #  ", " # # ", "#   #", "#   #"}},
    Glyph{'Y', {"#   #", "#   #", " # # ", "  #  ", "  #  ", "  #  ", "  #  "}},
    Glyph{'Z', {"#####", "    #", "   # ", "  #  ", " #   ", "#    ", "#####"}},
};

constexpr Glyph kUnknown = {'\0', {"#####", "#   #", "#   #", "#   #", "#   #", "#   #", "#####"}};

const Glyph& glyph_of(char letter) {
  const char capital =
      letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  for (const Glyph& glyph : kGlyphs) {
    if (glyph.letter == capital) return glyph;
  }
  return kUnknown;
}

}  // namespace

PixelSize text_size(const std::string& text, std::int64_t scale) {
  const auto letters = static_cast<std::int64_t>(text.size());
  return {(letters * kAdvance - 1 + 2 * kMargin) * scale, (kGlyphHeight + 2 * kMargin) * scale};
}

void draw_text(Picture& picture, std::int64_t x, std::int64_t y, const std::string& text,
               std::int64_t scale) {
  const PixelSize box = text_size(text, scale);
  picture.fill(x, y, box.width, box.height, kGround);
  std::int64_t left = x + kMargin * scale;
  for (const char letter : text) {
    const Glyph& glyph = glyph_of(letter);
    for (std::int64_t row = 0; row < kGlyphHeight; ++row) {
      for (std::int64_t column = 0; column < kGlyphWidth; ++column) {
        const std::string_view pixels = glyph.rows[static_cast<std::size_t>(row)];
        if (pixels[static_cast<std::size_t>(column)] != '#') continue;
        picture.fill(left + column * scale, y + (kMargin + row) * scale, scale, scale, kInk);
      }
    }
    left += kAdvance * scale;
  }
}

}  // namespace cube
