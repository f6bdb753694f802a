// Picture: a process graph as boxes and arrows, and its forms as text.
// Thread rule: values and pure functions.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cube {

struct Picture {
  struct Box {
    std::string title;
    std::string name;                // beside the title, smaller; "" = none
    std::string kind;                // "source", "pixel", ...: decides the colour
    std::vector<std::string> lines;  // below the title
    std::vector<std::string> notes;  // what a user should know
    std::vector<std::string> tips;   // further lines, shown when the mouse rests on the box
    std::optional<double> share;     // of the whole, from 0 to 1: the length of a bar
    std::vector<std::size_t> inputs;
  };
  std::vector<Box> boxes;  // inputs before their consumers
  std::size_t result = 0;
  std::vector<std::string> caption;  // lines about the whole, the first one stands out
};

// A standalone SVG document, sources at the top, and what graphviz reads. Both end with a newline.
std::string to_svg(const Picture& picture);
std::string to_dot(const Picture& picture);

// The first characters of an UTF-8 text, "..." for the rest where there are more than `most`.
std::string shortened(const std::string& text, std::size_t most);

}  // namespace cube
