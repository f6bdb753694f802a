// WeightedPasses: an order statistic of weighted cells that come several times and of which few are
// held: what WeightedCells makes of zones that fit into memory, to the bit.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/weighted_reducers.h"

namespace cube {

class WeightedPasses {
 public:
  // So many whole cells are held instead, which takes less time.
  static constexpr std::int64_t kMostHeld = std::int64_t{1} << 20;

  virtual ~WeightedPasses() = default;

  // Forgets everything; at most `parts` cells of weights below 1 follow.
  virtual void begin(std::int64_t parts) = 0;

  // As WeightedCells has it. Every pass gets the same cells.
  virtual void add(std::span<const double> values, std::span<const double> weights) = 0;

  // After all cells: true when they are needed once more. REQUIRES: the last call said so, too.
  virtual bool wants_again() = 0;

  // REQUIRES: wants_again() said no.
  virtual double result() const = 0;
};

// REQUIRES: reducer.of_cells().
std::unique_ptr<WeightedPasses> make_weighted_passes(const WeightedReducer& reducer);

// Memory that it takes, at most.
std::int64_t weighted_passes_bytes(const WeightedReducer& reducer, std::int64_t parts);

}  // namespace cube
