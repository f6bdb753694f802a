// Translation: the cells of a cube moved by whole cells, for crops, slices and shifts.
// Thread rule: immutable; its kernels refer to it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/operator.h"

namespace cube {

// Cell (t, y, x) of the result is cell (t + dt, y + dy, x + dx) of the input, or missing where that
// lies beyond it.
class Translation {
 public:
  struct By {
    std::int64_t t = 0, y = 0, x = 0;
  };

  // `input` is the input's cube, `bands` those of the result, which may be stored wider.
  Translation(const CubeInfo& input, std::span<const BandInfo> bands, const By& by);

  // The part of the input under a request; an empty region where there is none.
  Request source(const Request& out) const;

  // Where nothing moves, blocks are passed on as they are.
  std::unique_ptr<Kernel> kernel() const;

 private:
  class Move;

  Region extent_;  // of the input
  std::vector<Storage> storages_;
  By by_;
};

}  // namespace cube
