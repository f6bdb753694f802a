#include "engine/mask_rule.h"

#include <algorithm>
#include <cmath>

namespace cube {

MaskTest::MaskTest(const MaskRule& rule) : rule_(rule) {
  for (const int bit : rule.bits) bits_ |= std::uint64_t{1} << bit;
  if (rule.shift && !rule.bits.empty()) shift_ = std::ranges::min(rule.bits);
}

bool MaskTest::hides(double value) const {
  if (std::isnan(value)) return rule_.invert;
  if (bits_ != 0) {
    // Through a signed type, so that a negative number gives its two's complement.
    const auto whole = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
    value = static_cast<double>((whole & bits_) >> shift_);
  }
  return listed(value) != rule_.invert;
}

bool MaskTest::listed(double value) const {
  if (std::ranges::find(rule_.values, value) != rule_.values.end()) return true;
  if (!rule_.min && !rule_.max) return false;
  return (!rule_.min || value >= *rule_.min) && (!rule_.max || value <= *rule_.max);
}

}  // namespace cube
