// ZonalReduction: the work of zonal, statistics of the cells of a cube in each of several zones.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/operator.h"
#include "engine/weighted_reducers.h"
#include "engine/zones.h"

namespace cube {

// Row i of the result is zone i, its slices are those of the input.
//
// Cells are gone through piece by piece of a zone, in order of rows, then of columns. Order
// statistics hold the cells of a zone, or count them where they are of 8 or 16 bits; of zones of
// many cells of wider types they are found in several passes (weighted_passes.h), where that takes
// less memory than to hold the largest zone.
//
// Thread rule: immutable; its kernels refer to it.
class ZonalReduction {
 public:
  struct Band {
    std::size_t source;  // band of the input
    WeightedReducer reducer;
    Storage storage;  // of the result
  };

  // `input` is the input's cube.
  ZonalReduction(const CubeInfo& input, Zones zones, std::vector<Band> bands);

  const Zones& zones() const { return zones_; }

  Request demand(const Request& out) const;
  PullPlan pulls() const;
  Cost cost(const Request& request) const;
  bool passes_emptiness() const;
  std::unique_ptr<Kernel> kernel() const;

 private:
  class Work;

  std::vector<std::size_t> sources(const std::vector<std::size_t>& bands) const;
  // Whether an order statistic of a zone of so many whole cells is found in passes.
  bool takes_passes(std::size_t band, std::int64_t whole) const;

  Zones zones_;
  std::vector<Band> bands_;
  std::vector<Storage> storages_;  // of the input's bands
};

}  // namespace cube
