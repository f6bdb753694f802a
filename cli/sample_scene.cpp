#include "cli/sample_scene.h"

#include <algorithm>
#include <cmath>

#include "engine/hash.h"

namespace cube {

namespace {

// Layers of noise, so that what has nothing to do with each other differs.
enum Layer : std::uint64_t { kField, kSoil, kWood, kCloudCover, kCloudShape, kGrain };
constexpr std::uint64_t kLayersPerImage = 8;

// A step of SplitMix64.
std::uint64_t next(std::uint64_t value) { return mixed(value + 0x9e3779b97f4a7c15U); }

double ease(double t) { return t * t * (3 - 2 * t); }

std::uint64_t layer_of(Layer layer, int image) {
  return layer + kLayersPerImage * static_cast<std::uint64_t>(image + 1);
}

}  // namespace

double SampleScene::white(std::int64_t i, std::int64_t j, std::uint64_t layer) const {
  const std::uint64_t hash = next(next(next(seed_ + layer) + static_cast<std::uint64_t>(i)) +
                                  static_cast<std::uint64_t>(j));
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

double SampleScene::smooth(double x, double y, double scale, std::uint64_t layer) const {
  const double u = x / scale;
  const double v = y / scale;
  const auto i = static_cast<std::int64_t>(std::floor(u));
  const auto j = static_cast<std::int64_t>(std::floor(v));
  const double fx = ease(u - std::floor(u));
  const double fy = ease(v - std::floor(v));
  const double low = white(i, j, layer) * (1 - fx) + white(i + 1, j, layer) * fx;
  const double high = white(i, j + 1, layer) * (1 - fx) + white(i + 1, j + 1, layer) * fx;
  return low * (1 - fy) + high * fy;
}

SampleScene::Ground SampleScene::ground(double x, double y) const {
  constexpr double kRiverHalfWidth = 60;  // metres
  const double river = 900 * std::sin(x / 1700) + 250 * std::sin(x / 430);
  const double across = std::fmod(y, 5200) - 2600 - river;
  if (std::abs(across) < kRiverHalfWidth) return {.water = true};
  const double soil = 900 + 700 * smooth(x, y, 800, kSoil);
  const double wood = 0.8 * smooth(x, y, 900, kWood) + 0.2 * smooth(x, y, 170, kWood);
  if (wood > 0.62) return {false, 190, 75, 0.45, 0.42, soil * 0.4};
  // Fields lie along a lattice that is turned against the grid.
  const auto i = static_cast<std::int64_t>(std::floor((0.94 * x + 0.34 * y) / 330));
  const auto j = static_cast<std::int64_t>(std::floor((-0.34 * x + 0.94 * y) / 190));
  const double crop = white(i, j, kField);
  if (crop < 0.35) return {false, 145 + 40 * crop, 38, 0.18, 0.62, soil};          // winter cereals
  if (crop < 0.65) return {false, 205 + 40 * (crop - 0.35), 42, 0.12, 0.7, soil};  // maize, beet
  if (crop < 0.9) return {false, 175, 110, 0.4, 0.3, soil * 0.7};                  // meadows
  return {false, 180, 60, 0.1, 0.08, soil * 1.3};                                  // fallow
}

double SampleScene::clouds(double x, double y, int image) const {
  const std::uint64_t layer = layer_of(kCloudShape, image);
  return 0.6 * smooth(x, y, 1500, layer) + 0.28 * smooth(x, y, 480, layer) +
         0.12 * smooth(x, y, 130, layer);
}

Observation SampleScene::observe(const Ground& ground, double x, double y, int day,
                                 int image) const {
  constexpr double kShadowX = 260;  // metres from a cloud to its shadow
  constexpr double kShadowY = 340;
  const auto cell = [](double metres) {
    return static_cast<std::int64_t>(std::floor(metres / 10));
  };
  const double grain = white(cell(x), cell(y), layer_of(kGrain, image)) - 0.5;
  const double threshold = 0.45 + 0.4 * white(0, 0, layer_of(kCloudCover, image));
  const double cloud = clouds(x, y, image) - threshold;
  if (cloud > 0) {
    const double bright = 3000 + 14000 * std::min(cloud, 0.3) + 300 * grain;
    return {bright, bright * 1.05, SceneClass::kCloud};
  }
  Observation out;
  if (ground.water) {
    out = {320 + 40 * grain, 180 + 40 * grain, SceneClass::kWater};
  } else {
    const double away = (day - ground.peak) / ground.width;
    const double ndvi =
        std::min(0.95, ground.base + ground.amplitude * std::exp(-away * away) + 0.02 * grain);
    out.red = ground.soil * (1.05 - ndvi) + 40 * grain;
    out.nir = out.red * (1 + ndvi) / (1 - ndvi);
    out.scl = ndvi > 0.4 ? SceneClass::kVegetation : SceneClass::kBare;
  }
  if (clouds(x - kShadowX, y + kShadowY, image) > threshold) {
    return {out.red * 0.45, out.nir * 0.4, SceneClass::kShadow};
  }
  return out;
}

}  // namespace cube
