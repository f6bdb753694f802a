#include "engine/picture.h"

#include <algorithm>
#include <cmath>

#include "engine/bitmap_font.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr std::int64_t kBarWidth = 64;  // font pixels
constexpr std::int64_t kBarMargin = 2;

// Three digits, which is what fits beside a bar.
std::string short_number(double value) { return number_text(value, 3); }

double percentile(const std::vector<std::span<const float>>& samples, double percent) {
  constexpr int kBits = 32;
  constexpr double kWhole = 100;
  RadixSelect select(kBits);
  select.begin(percent / kWhole);
  do {
    for (const auto run : samples) {
      select.add(
          run.size(), [&](std::size_t i) { return !std::isfinite(run[i]); },
          [&](std::size_t i) { return key_of(run[i]); });
    }
  } while (select.wants_again());
  return select.result<float>();
}

}  // namespace

void Picture::set(std::int64_t x, std::int64_t y, const Rgb& colour) {
  auto* pixel = rgba_.data() + 4 * (y * width_ + x);
  std::copy(colour.begin(), colour.end(), pixel);
  pixel[3] = 255;
}

void Picture::fill(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height,
                   const Rgb& colour) {
  for (std::int64_t j = std::max<std::int64_t>(y, 0); j < std::min(y + height, height_); ++j) {
    for (std::int64_t i = std::max<std::int64_t>(x, 0); i < std::min(x + width, width_); ++i) {
      set(i, j, colour);
    }
  }
}

Stretch find_stretch(const std::vector<std::span<const float>>& samples, const StretchRule& rule) {
  const bool any = std::any_of(samples.begin(), samples.end(), [](std::span<const float> run) {
    return std::any_of(run.begin(), run.end(), [](float value) { return std::isfinite(value); });
  });
  Stretch out;
  if (any || rule.min) out.low = rule.min ? *rule.min : percentile(samples, rule.low_percentile);
  out.high = out.low + 1;
  if (any || rule.max) out.high = rule.max ? *rule.max : percentile(samples, rule.high_percentile);
  if (out.high > out.low) return out;
  if (rule.max && !rule.min) return {*rule.max - 1, *rule.max};
  if (rule.min) return {*rule.min, *rule.min + 1};
  return {out.low - 0.5, out.low + 0.5};  // one value only
}

PixelSize legend_size(const Stretch& stretch, std::int64_t scale) {
  const PixelSize low = text_size(short_number(stretch.low), scale);
  const PixelSize high = text_size(short_number(stretch.high), scale);
  return {low.width + kBarWidth * scale + high.width, low.height};
}

PixelSize legend_size(const std::vector<LegendClass>& classes, std::int64_t scale) {
  PixelSize out{0, 0};
  for (const LegendClass& one : classes) {
    const PixelSize text = text_size(one.name, scale);
    out.width = std::max(out.width, text.height + text.width);
    out.height += text.height;
  }
  return out;
}

void draw_legend(Picture& picture, const std::vector<LegendClass>& classes, std::int64_t scale) {
  const PixelSize size = legend_size(classes, scale);
  const std::int64_t left = picture.width() - size.width;
  std::int64_t top = picture.height() - size.height;
  picture.fill(left, top, size.width, size.height, {0, 0, 0});
  for (const LegendClass& one : classes) {
    const std::int64_t side = text_size(one.name, scale).height;
    const std::int64_t margin = kBarMargin * scale;
    picture.fill(left + margin, top + margin, side - 2 * margin, side - 2 * margin, one.colour);
    draw_text(picture, left + side, top, one.name, scale);
    top += side;
  }
}

PixelSize largest_legend() {
  constexpr double kLongest = -1.23e-100;
  return legend_size({kLongest, kLongest}, 1);
}

void draw_legend(Picture& picture, const ColourMap& map, const Stretch& stretch, std::int64_t scale,
                 int levels) {
  const PixelSize size = legend_size(stretch, scale);
  const PixelSize low = text_size(short_number(stretch.low), scale);
  const std::int64_t left = picture.width() - size.width;
  const std::int64_t top = picture.height() - size.height;
  const std::int64_t bar = kBarWidth * scale;
  draw_text(picture, left, top, short_number(stretch.low), scale);
  draw_text(picture, left + low.width + bar, top, short_number(stretch.high), scale);
  picture.fill(left + low.width, top, bar, size.height, {0, 0, 0});
  for (std::int64_t i = 0; i < bar; ++i) {
    const double position = static_cast<double>(i) / static_cast<double>(bar - 1);
    picture.fill(left + low.width + i, top + kBarMargin * scale, 1,
                 size.height - 2 * kBarMargin * scale, map.at(position, levels));
  }
}

}  // namespace cube
