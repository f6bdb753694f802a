#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "cli/picture.h"
#include "cli/picture_layout.h"
#include "engine/xml_text.h"

namespace cube {

namespace {

constexpr double kTitleSize = 14;  // of fonts, in px
constexpr double kTextSize = 12;
constexpr double kLine = 17;  // from one line to the next
constexpr double kPad = 12;
constexpr double kHead = 28;  // height of a box's head
constexpr double kBar = 7;
constexpr double kMargin = 24;

// As many characters of a line as are shown.
constexpr std::size_t kMostCharacters = 46;

struct Colours {
  const char* kind;
  const char* head;
  const char* line;
};
constexpr std::array kColours = {
    Colours{"source", "#d7e8d4", "#4f8a4a"}, Colours{"pixel", "#d6e4f5", "#3f72af"},
    Colours{"time", "#f6e2c8", "#c07a22"},   Colours{"space", "#e6dcf3", "#7b56b0"},
    Colours{"merge", "#e4e6ea", "#5f6875"},
};

const Colours& colours_of(const std::string& kind) {
  const auto found = std::find_if(kColours.begin(), kColours.end(),
                                  [&](const Colours& c) { return kind == c.kind; });
  return found == kColours.end() ? kColours.back() : *found;
}

// Width of a character as a part of the font's size, as in Verdana and DejaVu Sans, the widest of
// the fonts that systems use.
double width_of(char32_t c) {
  constexpr std::u32string_view kThin = U"iljI|!.,:;' ";
  constexpr std::u32string_view kNarrow = U"ftr()[]{}/\\-\"";
  constexpr std::u32string_view kWide = U"mwMWOQGDNHU@%&<>=+~_#";
  if (c > 0x7e) return c > 0x2000 && c < 0x2030 ? 1.0 : c > 0x1100 ? 1.1 : 0.85;
  if (kThin.find(c) != kThin.npos) return 0.42;
  if (kNarrow.find(c) != kNarrow.npos) return 0.48;
  if (kWide.find(c) != kWide.npos) return c == U'm' || c == U'M' || c > 0x7d ? 0.98 : 0.99;
  return c >= U'A' && c <= U'Z' ? 0.74 : 0.65;
}

// Calls f(first byte, code point) for each character of UTF-8; bytes that are none count as one.
template <class F>
void for_characters(std::string_view text, F&& f) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t code = bytes == 1 ? lead : lead & (0xffU >> (bytes + 1));
    for (std::size_t k = 1; k < bytes && i + k < text.size(); ++k) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    }
    f(i, code);
    i += bytes;
  }
}

double text_width(const std::string& text, double size, bool bold = false) {
  double sum = 0;
  for_characters(text, [&](std::size_t, char32_t c) { sum += width_of(c); });
  return sum * size * (bold ? 1.1 : 1);
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string attribute(const char* name, double value) {
  return std::string(" ").append(name) + "=\"" + number(value) + "\"";
}

std::string text_at(const char* style, double x, double y, const std::string& text) {
  return "<text class=\"" + std::string(style) + "\"" + attribute("x", x) + attribute("y", y) +
         ">" + xml_text(text) + "</text>\n";
}

std::string rectangle(double x, double y, double width, double height, const std::string& more) {
  return "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", width) +
         attribute("height", height) + " " + more + "/>\n";
}

double inner_width(const Picture::Box& box) {
  double width = text_width(box.title, kTitleSize, true);
  if (!box.name.empty()) width += kPad + text_width(shortened(box.name, 24), kTextSize);
  for (const auto* lines : {&box.lines, &box.notes}) {
    for (const std::string& line : *lines) {
      const double flag = lines == &box.notes ? kLine : 0;
      width = std::max(width, flag + text_width(shortened(line, kMostCharacters), kTextSize));
    }
  }
  return width;
}

double height_of(const Picture::Box& box) {
  const double lines = static_cast<double>(box.lines.size() + box.notes.size());
  return kHead + (lines > 0 ? lines * kLine + kPad : 0) + (box.share ? kBar : 0);
}

std::string box_at(const Picture::Box& box, const Layout::Place& place, double width,
                   bool is_result) {
  const Colours& colours = colours_of(box.kind);
  const double height = height_of(box);
  const std::string line = std::string("stroke=\"") + colours.line + "\"";
  std::string out = "<g class=\"node " + box.kind + "\">\n<title>" + xml_text(box.title);
  for (const auto* lines : {&box.lines, &box.tips, &box.notes}) {
    for (const std::string& tip : *lines) out.append("\n").append(xml_text(tip));
  }
  out += "</title>\n";
  out += rectangle(place.x, place.y, width, height,
                   "class=\"box\" rx=\"5\" fill=\"#ffffff\" " + line +
                       (is_result ? " stroke-width=\"2.5\"" : ""));
  out += rectangle(place.x + 1.2, place.y + 1.2, width - 2.4, kHead - 3,
                   std::string("rx=\"4\" fill=\"") + colours.head + "\"");
  out += text_at("title", place.x + kPad, place.y + 19, box.title);
  if (!box.name.empty()) {
    const std::string name = shortened(box.name, 24);
    out +=
        text_at("name", place.x + width - kPad - text_width(name, kTextSize), place.y + 19, name);
  }
  double y = place.y + kHead + kLine - 2;
  for (const std::string& text : box.lines) {
    out += text_at("line", place.x + kPad, y, shortened(text, kMostCharacters));
    y += kLine;
  }
  for (const std::string& text : box.notes) {
    out += "<circle class=\"flag\"" + attribute("cx", place.x + kPad + 5) +
           attribute("cy", y - 4.5) + " r=\"6\" fill=\"#d97706\"/>\n" +
           text_at("mark", place.x + kPad + 3, y - 0.5, "!") +
           text_at("note", place.x + kPad + kLine, y, shortened(text, kMostCharacters));
    y += kLine;
  }
  if (box.share) {
    const double full = width - 2 * kPad;
    const double at = place.y + height - kBar - 3;
    out += rectangle(place.x + kPad, at, full, kBar - 2, "rx=\"2\" fill=\"#eef0f3\"");
    out += rectangle(place.x + kPad, at, full * std::clamp(*box.share, 0.0, 1.0), kBar - 2,
                     std::string("class=\"share\" rx=\"2\" fill=\"") + colours.line + "\"");
  }
  return out + "</g>\n";
}

// A curve from the bottom of a box to the top of another, straight down where it passes layers.
std::string edge(double x0, double y0, double x1, double y1,
                 const std::vector<Layout::Bend>& bends) {
  std::string path("M");
  const auto point = [&](double x, double y) {
    path.append(number(x)).append(" ").append(number(y));
  };
  point(x0, y0);
  const auto curve = [&](double x, double y) {
    const double middle = (y0 + y) / 2;
    path += " C";
    point(x0, middle);
    path += " ";
    point(x, middle);
    path += " ";
    point(x, y);
    x0 = x;
    y0 = y;
  };
  for (const Layout::Bend& bend : bends) {
    curve(bend.x, bend.top);
    path.append(" V").append(number(bend.bottom));
    y0 = bend.bottom;
  }
  constexpr double kTip = 7;
  curve(x1, y1 - kTip);
  return "<path class=\"edge\" d=\"" + path +
         "\" fill=\"none\" stroke=\"#6b7280\" stroke-width=\"1.5\" marker-end=\"url(#tip)\"/>\n";
}

// The colours of the kinds that are there.
std::string legend(const Picture& picture, double x, double y) {
  std::string out;
  for (const Colours& colours : kColours) {
    const bool used = std::any_of(picture.boxes.begin(), picture.boxes.end(),
                                  [&](const Picture::Box& b) { return b.kind == colours.kind; });
    if (!used) continue;
    out += rectangle(
        x, y - 10, 12, 12,
        std::string("rx=\"2\" fill=\"") + colours.head + "\" stroke=\"" + colours.line + "\"");
    out += text_at("legend", x + 18, y, colours.kind);
    x += 18 + text_width(colours.kind, kTextSize) + 14;
  }
  return out;
}

constexpr const char* kStyle =
    "<style>\n"
    "text { font-family: \"Helvetica Neue\", Helvetica, Arial, \"Liberation Sans\", sans-serif; "
    "font-size: 12px; fill: #1f2937; }\n"
    ".title { font-size: 14px; font-weight: bold; }\n"
    ".heading { font-size: 15px; font-weight: bold; }\n"
    ".name, .legend { fill: #4b5563; }\n"
    ".note { fill: #92400e; }\n"
    ".mark { fill: #ffffff; font-weight: bold; font-size: 11px; }\n"
    "</style>\n"
    "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"1\" refY=\"4\" markerWidth=\"7\" "
    "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0.5 L7.5 4 L0 7.5 z\" "
    "fill=\"#6b7280\"/></marker></defs>\n";

std::string edges(const Picture& picture, const Layout& places, double width) {
  std::string out;
  for (std::size_t i = 0; i < picture.boxes.size(); ++i) {
    const auto& inputs = picture.boxes[i].inputs;
    // Inputs arrive side by side, in the order of the boxes that they come from.
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const auto& bends = places.bends[i][k];
      order.emplace_back(bends.empty() ? places.nodes[inputs[k]].x + width / 2 : bends.back().x, k);
    }
    std::sort(order.begin(), order.end());
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      const std::size_t k = order[rank].second;
      const Layout::Place& from = places.nodes[inputs[k]];
      const double spread = std::min(40.0, width * 0.7 / static_cast<double>(order.size()));
      const double port =
          (static_cast<double>(rank) - static_cast<double>(order.size() - 1) / 2) * spread;
      out += edge(from.x + width / 2, from.y + height_of(picture.boxes[inputs[k]]),
                  places.nodes[i].x + width / 2 + port, places.nodes[i].y, places.bends[i][k]);
    }
  }
  return out;
}

}  // namespace

std::string shortened(const std::string& text, std::size_t most) {
  std::size_t count = 0;
  std::size_t cut = 0;
  for_characters(text, [&](std::size_t at, char32_t) {
    if (++count + 2 == most) cut = at;
  });
  return count <= most ? text : text.substr(0, cut) + "...";
}

std::string to_svg(const Picture& picture) {
  constexpr double kLeastWidth = 150;
  double width = kLeastWidth;
  for (const Picture::Box& box : picture.boxes) width = std::max(width, inner_width(box));
  width = std::ceil(width) + 2 * kPad;
  std::vector<LayoutNode> nodes;
  for (const Picture::Box& box : picture.boxes) {
    nodes.push_back({width, height_of(box), box.inputs});
  }
  Layout places = layout(nodes);
  const double caption_height = 20 * static_cast<double>(picture.caption.size() + 1) + 12;
  double whole = std::max(places.width, 300.0);
  for (const std::string& line : picture.caption) {
    whole = std::max(whole, text_width(line, 15, true));
  }
  const double shift = kMargin + (whole - places.width) / 2;
  const double down = kMargin + caption_height;
  for (Layout::Place& place : places.nodes) place = {place.x + shift, place.y + down};
  for (auto& inputs : places.bends) {
    for (auto& bends : inputs) {
      for (Layout::Bend& b : bends) b = {b.x + shift, b.top + down, b.bottom + down};
    }
  }
  const double full_width = whole + 2 * kMargin;
  const double full_height = places.height + down + kMargin;
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", full_width) +
                    attribute("height", full_height) + " viewBox=\"0 0 " + number(full_width) +
                    " " + number(full_height) + "\">\n" + kStyle +
                    "<rect width=\"100%\" height=\"100%\" fill=\"#fafafa\"/>\n";
  double y = kMargin + 12;
  for (std::size_t i = 0; i < picture.caption.size(); ++i, y += 20) {
    out += text_at(i == 0 ? "heading" : "caption", kMargin, y, picture.caption[i]);
  }
  out += legend(picture, kMargin, y);
  out += edges(picture, places, width);
  for (std::size_t i = 0; i < picture.boxes.size(); ++i) {
    out += box_at(picture.boxes[i], places.nodes[i], width, i == picture.result);
  }
  return out + "</svg>\n";
}

}  // namespace cube
