// MaskTest: whether a value of a mask band hides the cell.
// Thread rule: immutable.
#pragma once

#include <cstdint>

#include "engine/image_reader.h"

namespace cube {

// A MaskRule made ready for many values. `dilate` is left to who knows the neighbours.
class MaskTest {
 public:
  explicit MaskTest(const MaskRule& rule);

  // Missing (NaN) is on no list: it hides only when the rule is inverted.
  bool hides(double value) const;

 private:
  bool listed(double value) const;

  MaskRule rule_;
  std::uint64_t bits_ = 0;
  int shift_ = 0;
};

}  // namespace cube
