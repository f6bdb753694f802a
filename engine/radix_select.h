// RadixSelect: an order statistic of values seen several times and kept never.
//
// Values come as keys, unsigned numbers in the same order. Each pass counts, of the keys that begin
// like the one looked for, the next 16 bits (a most-significant-digit radix selection; Knuth, The
// Art of Computer Programming 3, 5.2.5), so that keys of 32 bits take two passes, of 64 four.
//
// Thread rule: one thread.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <vector>

#include "engine/quantile_position.h"

namespace cube {

// Keys in the order of values; values equal to 0 are one. The high bits of a key of 64 bits are
// those of the key of a shorter type. REQUIRES: not NaN.
inline std::uint64_t key_of(double value) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
  return bits & kSign ? ~bits : bits | kSign;
}
inline std::uint64_t key_of(float value) {
  constexpr std::uint32_t kSign = std::uint32_t{1} << 31;
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);
  return static_cast<std::uint64_t>(bits & kSign ? ~bits : bits | kSign) << 32;
}
inline std::uint64_t key_of(std::uint32_t value) { return static_cast<std::uint64_t>(value) << 32; }
inline std::uint64_t key_of(std::int32_t value) {
  constexpr std::uint32_t kSign = std::uint32_t{1} << 31;
  return key_of(static_cast<std::uint32_t>(value) ^ kSign);
}

// The value of a key, of type T.
template <class T>
double value_of(std::uint64_t key);
template <>
inline double value_of<double>(std::uint64_t key) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  return std::bit_cast<double>(key & kSign ? key ^ kSign : ~key);
}
template <>
inline double value_of<float>(std::uint64_t key) {
  constexpr std::uint32_t kSign = std::uint32_t{1} << 31;
  const auto bits = static_cast<std::uint32_t>(key >> 32);
  return static_cast<double>(std::bit_cast<float>(bits & kSign ? bits ^ kSign : ~bits));
}
template <>
inline double value_of<std::uint32_t>(std::uint64_t key) {
  return static_cast<double>(key >> 32);
}
template <>
inline double value_of<std::int32_t>(std::uint64_t key) {
  constexpr std::uint32_t kSign = std::uint32_t{1} << 31;
  return static_cast<double>(
      static_cast<std::int32_t>(static_cast<std::uint32_t>(key >> 32) ^ kSign));
}

// Looks for the keys on both sides of a quantile.
class RadixSelect {
 public:
  static constexpr int kDigitBits = 16;
  static constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
  // Two keys are looked for, with a histogram each.
  static constexpr std::int64_t kBytes = 2 * kDigits * sizeof(std::int64_t);

  // `bits` of a key differ, 32 or 64.
  explicit RadixSelect(int bits) : bits_(bits) {}

  void begin(double quantile) {
    quantile_ = quantile;
    known_ = 0;
    count_ = 0;
    targets_ = {};
    looked_for_ = 1;
    clear();
  }

  // Adds the `n` keys that key(i) gives, those for which skip(i) says no.
  template <class Skip, class Key>
  void add(std::size_t n, const Skip& skip, const Key& key) {
    const int digit = 64 - known_ - kDigitBits;
    for (std::size_t k = 0; k < looked_for_; ++k) {
      std::int64_t* counts = targets_[k].counts.data();
      const std::uint64_t prefix = targets_[k].prefix;
      for (std::size_t i = 0; i < n; ++i) {
        if (skip(i)) continue;
        const std::uint64_t top = key(i) >> digit;
        if ((top >> kDigitBits) == prefix) ++counts[top & (kDigits - 1)];
      }
    }
  }

  // Ends a pass; true when another is needed.
  bool wants_again() {
    if (known_ == 0 && !find_ranks()) return false;
    for (std::size_t k = 0; k < looked_for_; ++k) targets_[k].descend();
    known_ += kDigitBits;
    if (known_ >= bits_) return false;
    clear();
    return true;
  }

  std::int64_t count() const { return count_; }  // of keys

  // The quantile of the values; REQUIRES: the last pass is over and count() > 0.
  template <class T>
  double result() const {
    const QuantilePosition at(quantile_, static_cast<double>(count_));
    const auto value = [&](std::size_t k) {
      return value_of<T>(targets_[k].prefix << (64 - bits_));
    };
    return at.fraction > 0 ? at.between(value(0), value(1)) : value(0);
  }

 private:
  struct Target {
    std::uint64_t prefix = 0;  // the known bits
    std::int64_t rank = 0;     // among the keys that begin with them
    std::vector<std::int64_t> counts;

    void descend() {
      std::size_t digit = 0;
      while (rank >= counts[digit]) rank -= counts[digit++];
      prefix = prefix << kDigitBits | digit;
    }
  };

  void clear() {
    for (std::size_t k = 0; k < looked_for_; ++k) targets_[k].counts.assign(kDigits, 0);
  }

  // After the first pass, which counts all keys; false when there are none.
  bool find_ranks() {
    for (const std::int64_t count : targets_[0].counts) count_ += count;
    if (count_ == 0) return false;
    const QuantilePosition at(quantile_, static_cast<double>(count_));
    targets_[0].rank = static_cast<std::int64_t>(at.index);
    if (!(at.fraction > 0)) return true;
    targets_[1] = targets_[0];
    targets_[1].rank += 1;
    looked_for_ = 2;
    return true;
  }

  int bits_;
  double quantile_ = 0.5;
  int known_ = 0;  // bits of the keys looked for
  std::int64_t count_ = 0;
  std::array<Target, 2> targets_;
  std::size_t looked_for_ = 1;
};

}  // namespace cube
