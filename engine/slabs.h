// Slabs: slices of a cube pulled a few at a time.
// Thread rule: immutable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/operator.h"

namespace cube {

class Slabs {
 public:
  // `input` is the cube that is pulled.
  explicit Slabs(const CubeInfo& input);

  // How many slices are pulled at a time: as fill the second-level cache and no more. Larger slices
  // are pulled one by one, so that those without an image cost nothing.
  std::int64_t slices(const Request& request) const;

  // Calls work(Chunk) for one slab of the request after another.
  template <class F>
  void each(Request request, Inputs& inputs, F&& work) const {
    const Range all = request.region.t;
    const std::int64_t step = slices(request);
    for (std::int64_t t = all.begin; t < all.end; t += step) {
      request.region.t = {t, std::min(t + step, all.end)};
      work(inputs.pull(0, request));
    }
  }

 private:
  std::vector<std::int64_t> cell_bytes_;  // of each band
};

}  // namespace cube
