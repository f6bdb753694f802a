// Hashes that are the same with every compiler and library, for what is kept in files and for
// random numbers. None withstands an adversary.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace cube {

inline constexpr std::uint64_t kFnvBasis = 14695981039346656037U;

// FNV-1a (Fowler, Noll and Vo) of a text, going on from `hash`, that of what is before it.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = kFnvBasis) {
  constexpr std::uint64_t kPrime = 1099511628211U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return hash;
}

// Well mixed bits of a number (the finaliser of SplitMix64; Steele, Lea and Flood 2014).
constexpr std::uint64_t mixed(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

}  // namespace cube
