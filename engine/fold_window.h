// Sums and extremes of a window that moves over a slice: first along each row, which is kept for
// all windows that it is a row of, then down the rows.
//
// Values of a row are taken from left to right, then the rows from the top down, so that a sum
// depends on nothing but its window.
//
// Thread rule: as of SpaceWindow.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/space_window.h"

namespace cube {

// Null where a reducer is made otherwise. count, sum, mean, rms, min, max and range are made here.
std::unique_ptr<SpaceWindow> fold_window(const Reducer& reducer, const SpaceReach& reach);
std::int64_t fold_window_column_bytes(const SpaceReach& reach);  // for each column of a row

}  // namespace cube
