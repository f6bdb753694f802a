// SpaceStatistic: a reducer over all cells of a slice, however many, in bounded memory.
//
// Pieces of the slice are added one after the other, always the same pieces in the same order, so
// that the result does not depend on anything else. Some statistics need to see all of them several
// times.
//
//   sums     in twice the precision of a double (Knuth's two-sum), so that the order does not show
//            but in rare last bits; var and sd from sums of deviations from the first value
//   quantile median, q1, q3: kept values up to kHeldCells cells; beyond, for types of 8 and 16 bits
//   a
//            histogram, for others one of 16 bits of their order-preserving keys after the other:
//            two passes for types of 32 bits, four for float64
//   mad      the same twice: median, then the median of the deviations
//   mode     a histogram for types of 8 and 16 bits; else in passes over partitions of the values
//            (counted_mode.h)
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/block.h"
#include "engine/reducers.h"

namespace cube {

class SpaceStatistic {
 public:
  static constexpr std::int64_t kHeldCells = std::int64_t{1} << 20;

  virtual ~SpaceStatistic() = default;

  // Forgets everything: another slice follows.
  virtual void begin() = 0;

  // The cells of slice `t` of a block whose rows and columns are those of the whole slice.
  virtual void add(const Block& block, std::int64_t t) = 0;

  // After all pieces: true when they are needed once more, in the same order.
  virtual bool wants_again() { return false; }

  // REQUIRES: wants_again() said no.
  virtual double result() const = 0;
};

// For slices of `cells` cells, `columns` in a row, of a band stored like that.
std::unique_ptr<SpaceStatistic> make_space_statistic(const Reducer& reducer, const Storage& storage,
                                                     std::int64_t cells, std::int64_t columns);

// Memory that it takes, at most.
std::int64_t space_statistic_bytes(const Reducer& reducer, const Storage& storage,
                                   std::int64_t cells);

// Order statistics; used by make_space_statistic() only.
std::unique_ptr<SpaceStatistic> make_space_order(const Reducer& reducer, const Storage& storage,
                                                 std::int64_t cells);
std::int64_t space_order_bytes(const Reducer& reducer, const Storage& storage, std::int64_t cells);

}  // namespace cube
