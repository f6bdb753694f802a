// Charts as SVG: lines over time and histograms, one panel below the other.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cube {

// A line; the two vectors are as long as each other.
struct ChartLine {
  std::string name;
  std::vector<double> times;   // epoch seconds, ascending
  std::vector<double> values;  // NaN = a gap in the line
};

struct LinePanel {
  std::string title;  // the axis: "NDVI_mean", "temperature [K]"
  std::vector<ChartLine> lines;
};

struct BarPanel {
  std::string title;
  std::vector<double> edges;         // one more than counts, ascending
  std::vector<std::int64_t> counts;  // of each bar
};

struct ChartStyle {
  std::int64_t width = 900;   // pixels
  std::int64_t height = 260;  // of a panel
  std::string title = {};     // of the whole; "" = none
  std::string about = {};     // as <desc>
};

// Panels have one time axis, which begins with the first and ends with the last value there is, and
// one legend, where there is more than one line. Values that have no neighbour are dots.
std::string draw_lines(std::span<const LinePanel> panels, const ChartStyle& style);

std::string draw_bars(std::span<const BarPanel> panels, const ChartStyle& style);

// Round numbers (1, 2 or 5 times a power of ten apart) inside [low, high], about `wanted` of them.
// REQUIRES: low < high, finite.
std::vector<double> round_ticks(double low, double high, int wanted);

// Instants that begin a minute, hour, day, month, year, or a round number of them, inside
// [low, high] epoch seconds, at most `most`, with their texts. REQUIRES: low <= high.
struct TimeTick {
  double time;
  std::string text;
};
std::vector<TimeTick> time_ticks(double low, double high, int most);

}  // namespace cube
