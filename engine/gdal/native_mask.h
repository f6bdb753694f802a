// Native masks: which cells of an image another of its bands hides, on the image's own grid.
// Thread rule: one a thread.
#pragma once

#include <string>
#include <vector>

#include "engine/gdal/dataset_pool.h"
#include "engine/gdal/source_window.h"
#include "engine/image_reader.h"

namespace cube {

// Hides cells of `window` (adds to window.hidden), which lies in `image`, read at a resolution of
// `scale_y` x `scale_x` full-resolution cells a cell. A cell is hidden when the cell of the mask
// band that holds its centre is. The mask band may have another grid, in the same CRS; its
// overviews are used as far as they are no coarser than the window's cells.
//
// Dilation grows hidden areas by a square of cells of the mask band at full resolution (Chebyshev
// distance). Cells outside the mask band and its missing cells match nothing: they are visible, or
// hidden when the rule is inverted.
//
// Throws Error(kUnreadable).
void hide_cells(SourceWindow& window, OpenImage& image, double scale_y, double scale_x,
                const NativeMask::Layer& layer, DatasetPool& pool);

}  // namespace cube
