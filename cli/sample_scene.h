// SampleScene: a made-up landscape through a year, as a satellite would see it.
//
// Fields with crops that grow and are harvested, woods, a river, clouds with their shadows. Every
// value depends on the place, the day and the seed only, so overlapping images agree on what is on
// the ground.
// Thread rule: immutable.
#pragma once

#include <cstdint>

namespace cube {

// Classes of the Sentinel-2 scene classification that occur here.
enum class SceneClass : std::uint8_t {
  kShadow = 3,
  kVegetation = 4,
  kBare = 5,
  kWater = 6,
  kCloud = 9,
};

struct Observation {
  double red = 0;  // reflectance x 10000
  double nir = 0;
  SceneClass scl = SceneClass::kBare;
};

class SampleScene {
 public:
  explicit SampleScene(std::uint64_t seed) : seed_(seed) {}

  // What never changes at a place; the slow part of observe(), so that it is asked for once.
  struct Ground {
    bool water = false;
    double peak = 0;       // day of the year when it is greenest
    double width = 1;      // days around it
    double base = 0;       // NDVI when it is not green
    double amplitude = 0;  // of NDVI
    double soil = 0;       // red reflectance when bare, x 10000
  };
  // `x`, `y` in metres.
  Ground ground(double x, double y) const;

  // `day` of the year from 1; `image` numbers acquisitions: each has its own clouds and noise.
  Observation observe(const Ground& ground, double x, double y, int day, int image) const;

 private:
  // Noise in [0, 1]: white over whole numbers, and smooth at a scale in metres.
  double white(std::int64_t i, std::int64_t j, std::uint64_t layer) const;
  double smooth(double x, double y, double scale, std::uint64_t layer) const;
  double clouds(double x, double y, int image) const;

  std::uint64_t seed_;
};

}  // namespace cube
