// Picture: pixels as red, green, blue and alpha bytes, and how samples of cells become one.
// Thread rule: values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/colour_map.h"
#include "engine/radix_select.h"

namespace cube {

struct PixelSize {
  std::int64_t width;
  std::int64_t height;
};

class Picture {
 public:
  // All pixels transparent black.
  Picture(std::int64_t width, std::int64_t height)
      : width_(width), height_(height), rgba_(static_cast<std::size_t>(4 * width * height), 0) {}

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }

  // Four bytes a pixel, row by row from the top; alpha is 0 or 255.
  std::span<const std::uint8_t> rgba() const { return rgba_; }

  // REQUIRES: inside.
  void set(std::int64_t x, std::int64_t y, const Rgb& colour);

  // The part of the box that lies inside.
  void fill(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height,
            const Rgb& colour);

 private:
  std::int64_t width_;
  std::int64_t height_;
  std::vector<std::uint8_t> rgba_;
};

// Values that become the darkest and the brightest.
struct Stretch {
  double low = 0;
  double high = 1;

  double position(double value) const { return (value - low) / (high - low); }
};

// How a stretch is found: limits that are given count, else percentiles (numpy's "linear") of the
// finite samples.
struct StretchRule {
  std::optional<double> min;
  std::optional<double> max;
  double low_percentile = 2;
  double high_percentile = 98;
};

// The stretch common to several runs of samples, NaN = missing. Of samples that are all the same
// the value is in the middle; of none it is 0 to 1. Takes kStretchBytes of memory.
inline constexpr std::int64_t kStretchBytes = RadixSelect::kBytes;
Stretch find_stretch(const std::vector<std::span<const float>>& samples, const StretchRule& rule);

// A bar of the ramp with the stretch's ends as texts, on black, in the lower right corner.
// `levels` as of ColourMap::at().
void draw_legend(Picture& picture, const ColourMap& map, const Stretch& stretch, std::int64_t scale,
                 int levels);
// Its size, and the largest there is where a pixel of the font is one.
PixelSize legend_size(const Stretch& stretch, std::int64_t scale);
PixelSize largest_legend();

// The same of classes: their colours and names, one under the other.
struct LegendClass {
  std::string name;
  Rgb colour;
};
void draw_legend(Picture& picture, const std::vector<LegendClass>& classes, std::int64_t scale);
PixelSize legend_size(const std::vector<LegendClass>& classes, std::int64_t scale);

}  // namespace cube
