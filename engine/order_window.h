// Quantiles of a window that moves over a slice, for windows of many cells.
//
// The cells of a tile and of what its windows reach are ranked once; a window is then a set of
// ranks, one bit each, that two rows or columns of cells at a time are put into and taken out of as
// it moves, and the quantile a place in it that moves little (J. Suomela, Median filtering is
// equivalent to sorting, 2014). Work for a cell grows with the side of the window, not its area.
//
// Thread rule: as of SpaceWindow.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/space_window.h"

namespace cube {

// Values in windows of fewer cells are sorted faster.
inline constexpr std::int64_t kLeastOrderWindow = 40;

// Type 7; missing values are skipped. `quantile` in [0, 1].
std::unique_ptr<SpaceWindow> order_window(double quantile, const SpaceReach& reach);
std::int64_t order_window_bytes(const SpaceReach& reach);
std::int64_t order_window_column_bytes(const SpaceReach& reach);  // for each column of a row

}  // namespace cube
