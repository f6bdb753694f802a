// Copying blocks of cells into memory of the caller.
// Thread rule: pure functions.
#pragma once

#include "cube/cube.h"

namespace cube {

// Throws Error(kInvalid) unless `out` has room for the cells of `region`, and its type can be
// given: the band's own, float32 or float64.
void check_out(const CellsOut& out, const BandInfo& band, const Region& region);

// Copies the cells of `block`, null = all missing, over `piece` into `out`, which holds `whole`.
// REQUIRES: check_out(out, band, whole); piece inside whole.
void copy_cells(const Block* block, const BandInfo& band, const Region& piece, const Region& whole,
                const CellsOut& out);

}  // namespace cube
