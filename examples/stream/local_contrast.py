"""How much brighter a cell is than its surroundings: each band minus the mean of the square of cells
around it, in standard deviations of that square. Run by a `stream` node with a halo of the radius."""
import warnings

import cube_stream
import numpy as np

warnings.simplefilter("ignore", RuntimeWarning)  # squares without any value
cells, about = cube_stream.read()
radius = int(about["argument"].get("radius", 1))
side = 2 * radius + 1
# At the edges of the cube there is no halo; the square goes on as missing.
padded = np.pad(cells, ((0, 0), (0, 0), (radius, radius), (radius, radius)), constant_values=np.nan)
squares = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(2, 3))
contrast = (cells - np.nanmean(squares, axis=(-2, -1))) / np.nanstd(squares, axis=(-2, -1))
cube_stream.answer(cube_stream.without_halo(contrast, about))
