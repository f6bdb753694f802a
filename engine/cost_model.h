// How long chunks take: what a plan knows of them times rates that were measured, for sharing out
// work before any of it is done.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/plan.h"

namespace cube {

// Seconds of one thread. examples/scaling.md says which of the defaults were measured, and how (2
// cores, files in the page cache, DEFLATE), and which are assumed. On another machine all are off
// by much the same factor, which does not matter for sharing out work.
struct CostRates {
  double read_byte = 2.5e-9;    // decoding a byte of cells (5 ns a uint16 cell)
  double image = 1.0e-3;        // opening the files of an image and finding its way to the grid
  double result_byte = 8.0e-9;  // computing, encoding and writing a byte of cells
  double chunk = 2.0e-4;        // whatever is in it
};

double seconds_of(const Plan::ChunkCost& cost, const CostRates& rates = {});

// Of all chunks, in their order.
std::vector<double> chunk_seconds(const Plan& plan, const CostRates& rates = {});

// Cuts a row of costs (none negative) into `parts` runs that follow each other, each of which costs
// within one of the dearest of the mean. Gives where each begins, and the end: parts + 1 numbers.
std::vector<std::int64_t> cut_evenly(std::span<const double> costs, std::int64_t parts);

}  // namespace cube
