// Random numbers that are the same with every compiler and library for the same seed.
// Thread rule: a value of one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/hash.h"

namespace cube::fuzz {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(mixed(seed + 1)) {}

  std::uint64_t bits() { return mixed(state_ += 0x9e3779b97f4a7c15U); }

  // From low to high, both inclusive. REQUIRES: low <= high.
  std::int64_t number(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(high - low + 1));
  }
  // From low up to high.
  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
  }
  bool chance(double probability) { return real(0, 1) < probability; }

  std::size_t index(std::size_t size) { return static_cast<std::size_t>(bits() % size); }
  template <class T>
  T one_of(const std::vector<T>& options) {
    return options[index(options.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace cube::fuzz
