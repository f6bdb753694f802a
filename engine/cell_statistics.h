// CellStatistics: what values the bands of a cube hold: extremes, mean, percentiles, a histogram.
//
// Cells are seen in several passes and none is held. The first counts the leading 16 bits of
// order-preserving keys (as RadixSelect does) and finds the extremes; those that follow count how
// the percentiles' keys go on, and cells a bin. Bands of 8 and 16 bits need one pass, of 32 bits
// two, of float64 four. All counts are exact, and so are the percentiles. Mean and deviation come
// from sums of fixed-point numbers, which do not depend on the order of cells: the result is the
// same for any chunks and threads.
//
// Thread rule: add() from several threads at a time; the rest on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/cube_info.h"
#include "engine/sink.h"

namespace cube {

// Of one band. Infinite values are counted and left out of all the rest. Of no value, extremes,
// mean and percentiles are NaN and there are no bins; of one value the deviation is NaN.
struct BandStatistics {
  std::int64_t count = 0;            // finite values
  std::int64_t missing = 0;          // cells
  std::int64_t infinite = 0;         // cells
  double min, max, mean, sd;         // sd of a sample (n - 1)
  std::vector<double> percentiles;   // Hyndman and Fan's type 7, numpy's default
  std::vector<double> edges;         // one more than counts
  std::vector<std::int64_t> counts;  // cells a bin, which holds its left edge, the last both
};

class BandCounter;

class CellStatistics {
 public:
  // `percentiles` from 0 to 100; `bins` of equal width between the extremes, as numpy.histogram.
  CellStatistics(const CubeInfo& info, const std::vector<double>& percentiles, int bins);
  ~CellStatistics();

  // The cells of a chunk with all bands. Every chunk once a pass.
  void add(const Chunk& chunk);

  // Ends a pass; true when another is needed.
  bool wants_again();

  // REQUIRES: no pass is needed any more.
  std::vector<BandStatistics> result() const;

  std::int64_t most_bytes() const;  // of memory

  // What takes the chunks of a pass.
  std::unique_ptr<Sink> sink();

 private:
  std::vector<std::unique_ptr<BandCounter>> bands_;
};

}  // namespace cube
