#include "engine/svg_chart.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "engine/text.h"
#include "engine/xml_text.h"

namespace cube {

namespace {

// Okabe and Ito's colours, which people with any colour vision tell apart.
constexpr std::array<std::string_view, 8> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                      "#e69f00", "#56b4e9", "#000000", "#8b6914"};
constexpr std::array<std::string_view, 4> kDashes = {"", "7 3", "2 3", "9 3 2 3"};

constexpr double kLeft = 74;  // room for numbers
constexpr double kRight = 24;
constexpr double kTop = 30;     // of a panel, for its title
constexpr double kBottom = 30;  // for times
constexpr double kTitle = 30;   // of the whole
constexpr double kLegendRow = 17;
constexpr double kLetter = 6.6;  // width of one, on average
constexpr std::size_t kMostLetters = 28;
constexpr std::size_t kMostDots = 80;  // of a line that has one at every value

// A length in the picture.
std::string px(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 1);
  return {text.data(), end.ptr};
}

// A number beside a tick: without the digits that rounding has left behind.
std::string tick_text(double value) { return number_text(value, 6); }

std::string text_at(double x, double y, std::string_view anchor, const std::string& text,
                    std::string_view more = {}) {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" text-anchor=\"" + std::string(anchor) +
         "\"" + std::string(more) + ">" + xml_text(text) + "</text>\n";
}

std::string line_at(double x1, double y1, double x2, double y2, std::string_view kind) {
  return "<line class=\"" + std::string(kind) + "\" x1=\"" + px(x1) + "\" y1=\"" + px(y1) +
         "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) + "\"/>\n";
}

struct Span {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  // With a margin, and never without a length.
  Span widened(double part) const {
    if (empty()) return {0, 1};
    const double margin = high > low ? (high - low) * part : std::max(1.0, std::abs(low)) * 0.5;
    return {low - margin, high + margin};
  }
};

// Where values lie in a panel.
struct Frame {
  double left, right, top, bottom;
  Span x, y;

  double at_x(double value) const {
    return left + (value - x.low) / (x.high - x.low) * (right - left);
  }
  double at_y(double value) const {
    return bottom - (value - y.low) / (y.high - y.low) * (bottom - top);
  }
};

std::string head(double width, double height, const ChartStyle& style) {
  const std::string size = " width=\"" + px(width) + "\" height=\"" + px(height) + "\"";
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\"" +
      size + " viewBox=\"0 0 " + px(width) + " " + px(height) +
      "\" font-family=\"sans-serif\" font-size=\"12\">\n";
  if (!style.about.empty()) out += "<desc>" + xml_text(style.about) + "</desc>\n";
  out +=
      "<style>.grid{stroke:#dddddd}.axis{stroke:#555555}.line{fill:none;stroke-width:1.8;"
      "stroke-linejoin:round}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  if (!style.title.empty()) {
    out += text_at(width / 2, 21, "middle", style.title, " font-size=\"15\" font-weight=\"bold\"");
  }
  return out;
}

// Numbers on the left with lines across, and the title above.
std::string y_axis(const Frame& frame, const std::string& title) {
  constexpr double kPixelsATick = 42;
  std::string out = text_at(frame.left, frame.top - 10, "start", title, " font-weight=\"bold\"");
  const int wanted = std::max(2, static_cast<int>((frame.bottom - frame.top) / kPixelsATick));
  for (const double tick : round_ticks(frame.y.low, frame.y.high, wanted)) {
    const double y = frame.at_y(tick);
    out += line_at(frame.left, y, frame.right, y, "grid");
    out += text_at(frame.left - 6, y + 4, "end", tick_text(tick));
  }
  return out + line_at(frame.left, frame.top, frame.left, frame.bottom, "axis") +
         line_at(frame.left, frame.bottom, frame.right, frame.bottom, "axis");
}

std::string time_axis(const Frame& frame) {
  constexpr double kPixelsATick = 90;
  std::string out;
  const int most = std::max(2, static_cast<int>((frame.right - frame.left) / kPixelsATick));
  for (const TimeTick& tick : time_ticks(frame.x.low, frame.x.high, most)) {
    const double x = frame.at_x(tick.time);
    out += line_at(x, frame.bottom, x, frame.bottom + 4, "axis");
    out += text_at(x, frame.bottom + 18, "middle", tick.text);
  }
  return out;
}

std::string number_axis(const Frame& frame) {
  constexpr double kPixelsATick = 90;
  std::string out;
  const int wanted = std::max(2, static_cast<int>((frame.right - frame.left) / kPixelsATick));
  for (const double tick : round_ticks(frame.x.low, frame.x.high, wanted)) {
    const double x = frame.at_x(tick);
    out += line_at(x, frame.bottom, x, frame.bottom + 4, "axis");
    out += text_at(x, frame.bottom + 18, "middle", tick_text(tick));
  }
  return out;
}

std::string stroke_of(std::size_t line) {
  const auto dash = kDashes[line / kColours.size() % kDashes.size()];
  std::string out = " stroke=\"" + std::string(kColours[line % kColours.size()]) + "\"";
  if (!dash.empty()) out += " stroke-dasharray=\"" + std::string(dash) + "\"";
  return out;
}

// Pieces between gaps; dots for values by themselves, and for all where there is room.
std::string draw_line(const ChartLine& line, std::size_t index, const Frame& frame) {
  std::string path;
  std::string dots;
  const auto there = [&](std::size_t i) {
    return i < line.values.size() && std::isfinite(line.values[i]);
  };
  bool going = false;
  for (std::size_t i = 0; i < line.values.size(); ++i) {
    if (!there(i)) {
      going = false;
      continue;
    }
    const std::string x = px(frame.at_x(line.times[i]));
    const std::string y = px(frame.at_y(line.values[i]));
    if (going || there(i + 1)) path += (going ? "L" : "M") + x + " " + y;
    if (line.values.size() <= kMostDots || !(going || there(i + 1))) {
      dots += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"2.4\"/>\n";
    }
    going = true;
  }
  std::string out;
  if (!path.empty()) {
    out += "<path class=\"line\"" + stroke_of(index) + " d=\"" + path + "\"/>\n";
  }
  if (!dots.empty()) {
    out +=
        "<g fill=\"" + std::string(kColours[index % kColours.size()]) + "\">\n" + dots + "</g>\n";
  }
  return out;
}

std::string shortened(const std::string& name) {
  if (name.size() <= kMostLetters) return name;
  std::size_t end = kMostLetters - 1;
  // Not within a letter of several bytes.
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end) + "\xe2\x80\xa6";
}

std::string draw_legend(const std::vector<ChartLine>& lines, double x, double top) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const double y = top + kLegendRow * (static_cast<double>(i) + 0.5);
    out += "<path class=\"line\"" + stroke_of(i) + " d=\"M" + px(x) + " " + px(y) + "L" +
           px(x + 24) + " " + px(y) + "\"/>\n";
    out += text_at(x + 30, y + 4, "start", shortened(lines[i].name));
  }
  return out;
}

double legend_width(const std::vector<ChartLine>& lines) {
  std::size_t letters = 0;
  for (const ChartLine& line : lines) {
    letters = std::max(letters, std::min(line.name.size(), kMostLetters));
  }
  return lines.size() < 2 ? 0 : 44 + kLetter * static_cast<double>(letters);
}

Span times_of(std::span<const LinePanel> panels) {
  Span out;
  for (const LinePanel& panel : panels) {
    for (const ChartLine& line : panel.lines) {
      for (const double time : line.times) out.add(time);
    }
  }
  constexpr double kHalfDay = 43200;
  if (out.empty()) return {0, 1};
  return out.high > out.low ? out : Span{out.low - kHalfDay, out.high + kHalfDay};
}

}  // namespace

std::string draw_lines(std::span<const LinePanel> panels, const ChartStyle& style) {
  const auto width = static_cast<double>(style.width);
  const auto height = static_cast<double>(style.height);
  const double top = style.title.empty() ? 0 : kTitle;
  const double legend = panels.empty() ? 0 : legend_width(panels[0].lines);
  const double rows = legend > 0 ? static_cast<double>(panels[0].lines.size()) : 0;
  const double whole = top + std::max(height * static_cast<double>(panels.size()),
                                      kTop + kLegendRow * rows + kBottom);
  std::string out = head(width, whole, style);
  const Span times = times_of(panels);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const double panel_top = top + height * static_cast<double>(i);
    Span values;
    for (const ChartLine& line : panels[i].lines) {
      for (const double value : line.values) {
        if (std::isfinite(value)) values.add(value);
      }
    }
    const Frame frame = {
        kLeft, width - kRight - legend, panel_top + kTop, panel_top + height - kBottom,
        times, values.widened(0.05)};
    out += y_axis(frame, panels[i].title) + time_axis(frame);
    if (values.empty()) {
      out += text_at((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2, "middle",
                     "no values");
    }
    for (std::size_t line = 0; line < panels[i].lines.size(); ++line) {
      out += draw_line(panels[i].lines[line], line, frame);
    }
  }
  if (legend > 0) out += draw_legend(panels[0].lines, width - legend - kRight + 14, top + kTop);
  return out + "</svg>\n";
}

std::string draw_bars(std::span<const BarPanel> panels, const ChartStyle& style) {
  const auto width = static_cast<double>(style.width);
  const auto height = static_cast<double>(style.height);
  const double top = style.title.empty() ? 0 : kTitle;
  std::string out = head(width, top + height * static_cast<double>(panels.size()), style);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const BarPanel& panel = panels[i];
    const double panel_top = top + height * static_cast<double>(i);
    double most = 1;
    for (const std::int64_t count : panel.counts) most = std::max(most, static_cast<double>(count));
    Span edges{0, 1};
    if (!panel.counts.empty()) edges = {panel.edges.front(), panel.edges.back()};
    const Frame frame = {kLeft, width - kRight,  panel_top + kTop, panel_top + height - kBottom,
                         edges, {0, most * 1.05}};
    out += y_axis(frame, panel.title) + number_axis(frame);
    for (std::size_t bar = 0; bar < panel.counts.size(); ++bar) {
      const double y = frame.at_y(static_cast<double>(panel.counts[bar]));
      const double x = frame.at_x(panel.edges[bar]);
      out += "<rect fill=\"#0072b2\" stroke=\"#ffffff\" stroke-width=\"0.5\" x=\"" + px(x) +
             "\" y=\"" + px(y) + "\" width=\"" + px(frame.at_x(panel.edges[bar + 1]) - x) +
             "\" height=\"" + px(frame.bottom - y) + "\"/>\n";
    }
    if (panel.counts.empty()) {
      out += text_at((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2, "middle",
                     "no values");
    }
  }
  return out + "</svg>\n";
}

}  // namespace cube
