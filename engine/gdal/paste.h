// Paste: source cells put onto a grid that they line up with, one for one.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/block.h"
#include "engine/gdal/sampling.h"
#include "engine/gdal/source_window.h"

namespace cube {

// Rows and columns that follow each other in the source and on the grid.
struct Paste {
  Range rows;  // of the source
  Range columns;
  std::int64_t row = 0;  // where the first goes, counted from the first cell located
  std::int64_t column = 0;
};

// True when each target cell is a source cell: nearest on grids that line up, or others where in
// addition centres lie on centres. cubicspline smooths even there.
bool is_paste(const Positions& at, Resampling method);

// What a nearest stencil does, if it is a paste of whole lines.
std::optional<Paste> paste_of(const Stencil& stencil);

// True when cells of a type can be pasted into a storage: their own type, or float32 where it has
// each of their values.
bool pastes(DType from, const Storage& to);

// The window's cells into the first slice of `out`, from its cell (row, column) on, which may be
// undefined yet. REQUIRES: pastes(); a nodata value where a cell is missing.
void paste_window(const SourceWindow& window, std::int64_t row, std::int64_t column, Block& out);

// Reads the cells straight into the first slice of `out`, from its cell (row, column) on; they may
// be undefined yet. What `hidden` hides (C order, or empty) becomes missing. Returns how many cells
// were asked of GDAL.
// REQUIRES: the band's cells have the type of `out`, which has a nodata value unless none
// is missing; no mask band. Throws
// Error(kUnreadable).
std::int64_t read_paste(const SourceBand& source, const Paste& lines, std::optional<double> nodata,
                        std::span<const std::uint8_t> hidden, std::int64_t row, std::int64_t column,
                        Block& out);

}  // namespace cube
