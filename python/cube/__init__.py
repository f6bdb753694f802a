"""cube: graphs over satellite images as lazy data cubes (band, time, y, x).

    import cube

    months = cube.image_collection(file="s2.db", view={...})
    ndvi = months.apply_pixel("(B08-B04)/(B08+B04)", band_names="NDVI")
    ndvi.open().write("ndvi.nc")
    dataset = cube.open("graph.json", year=2022).to_xarray(chunks={})

There is a function for each operator that reads something (`cube.image_collection`, `cube.raster`, ...), and a method
of `Graph` for each that takes a cube; their arguments have the names of the JSON documents.
`xarray.open_dataset("graph.json", engine="cube", chunks={})` works too. Errors are `cube.Error`.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from cube._errors import CubeWarning, Error
from cube._cube import version as __version__
from cube._graph import FUNCTIONS as _FUNCTIONS
from cube._graph import Graph
from cube._opened import Band, Cube, Info, open

if TYPE_CHECKING:
    from cube._operators import *
else:
    globals().update(_FUNCTIONS)

__all__ = ["Band", "Cube", "CubeWarning", "Error", "Graph", "Info", "open", *_FUNCTIONS]
