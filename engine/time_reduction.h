// TimeReduction: the work of operators that reduce slices of a cube to fewer ones.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/operator.h"
#include "engine/reducers.h"
#include "engine/slabs.h"

namespace cube {

// Result slice i holds, for each band, the reduction of the input slices groups[i], cell by cell.
//
// Slices are pulled in slabs of some 100 KB. Where every reducer asked for is a fold, a slab is
// forgotten once it is folded in; order statistics keep the slabs, in their own dtype.
//
// Thread rule: immutable; its kernels refer to it.
class TimeReduction {
 public:
  struct Band {
    std::size_t source;  // band of the input
    Reducer reducer;
    Storage storage;  // of the result
  };

  // `groups`: for each result slice, the ranges of input slices, in ascending order; none means
  // nothing to reduce. `input` is the input's cube.
  TimeReduction(const CubeInfo& input, std::vector<Band> bands,
                std::vector<std::vector<Range>> groups);

  Request demand(const Request& out) const;
  Cost cost(const Request& request) const;
  PullPlan pulls(const Request& out) const;
  bool passes_emptiness() const;
  std::unique_ptr<Kernel> kernel() const;

 private:
  class Work;

  std::vector<std::size_t> sources(const std::vector<std::size_t>& bands) const;
  bool holds_values(const std::vector<std::size_t>& bands) const;

  std::vector<Band> bands_;
  std::vector<std::vector<Range>> groups_;
  std::vector<double> instants_;  // of the input's slices, epoch seconds
  Slabs slabs_;
  std::int64_t longest_ = 0;  // slices in the largest group
};

}  // namespace cube
