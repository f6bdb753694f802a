"""xarray: `xr.open_dataset("graph.json", engine="cube", chunks={})`."""
from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.backends.common import AbstractDataStore
from xarray.backends.store import StoreBackendEntrypoint
from xarray.core import indexing

from cube._source import Source, compiled


class BandArray(BackendArray):
    """One band's stored cells, of dimensions (time, y, x), computed when they are asked for.

    Pickles as the graph document and the band's number. Thread rule: any thread; the interpreter's lock is not held
    while the engine computes.
    """

    __slots__ = ("source", "band", "shape", "dtype")

    def __init__(self, source: Source, band: int, shape: tuple[int, ...], dtype: np.dtype[Any] | str) -> None:
        self.source = source
        self.band = band
        self.shape = shape
        self.dtype = np.dtype(dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return BandArray, (self.source, self.band, self.shape, self.dtype.str)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray[Any, Any]:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._cells)

    def _cells(self, key: tuple[Any, ...]) -> np.ndarray[Any, Any]:
        region: list[tuple[int, int]] = []
        within: list[slice | int] = []
        shape: list[int] = []
        for one, size in zip(key, self.shape):
            if isinstance(one, slice):
                start, stop, step = one.indices(size)
                region.append((start, max(start, stop)))
                within.append(slice(None, None, step))
                shape.append(len(range(start, stop, step)))
            else:
                place = int(one) + (size if one < 0 else 0)
                region.append((place, place + 1))
                within.append(0)
        if 0 in shape:
            return np.empty(shape, self.dtype)
        slices, rows, columns = region
        cells: np.ndarray[Any, Any] = compiled(self.source).read(self.band, (slices, rows, columns))[tuple(within)]
        return cells


class CubeStore(AbstractDataStore):
    """A cube in the words of CF, as netCDF outputs have it, before it is decoded."""

    __slots__ = ("source", "about")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.about: dict[str, Any] = compiled(source).engine.describe()

    def get_attrs(self) -> dict[str, Any]:
        return dict(self.about["attributes"])

    def get_dimensions(self) -> dict[str, int]:
        return dict(self.about["sizes"])

    def get_variables(self) -> dict[str, xr.Variable]:
        variables = {
            name: xr.Variable(one["dims"], one["values"], one["attributes"])
            for name, one in self.about["variables"].items()
        }
        for number, one in enumerate(self.about["bands"]):
            variables[one["name"]] = self._band(number, one)
        return variables

    def _band(self, number: int, one: Mapping[str, Any]) -> xr.Variable:
        sizes = self.about["sizes"]
        shape = tuple(sizes[name] for name in one["dims"])
        cells = BandArray(self.source, number, shape, np.dtype(one["dtype"]))
        chunks = tuple(min(a, b) for a, b in zip(self.about["chunk"], shape))
        encoding = {"preferred_chunks": dict(zip(one["dims"], chunks)), "chunksizes": chunks, "original_shape": shape}
        return xr.Variable(one["dims"], indexing.LazilyIndexedArray(cells), one["attributes"], encoding)


class CubeEntrypoint(BackendEntrypoint):
    """Graphs of cube as lazy datasets.

    `filename_or_obj` is the file of a graph document, a dict, a `cube.Graph` or a `cube.Cube`. The dataset is what
    xarray makes of the netCDF that `cube run` writes of the graph: a variable a band with the dimensions time, y, x
    (latitude and longitude for geographic grids), and time, y and x as cell centres in units of the CRS.
    """

    description = "Open graph documents of cube"
    open_dataset_parameters = (
        "filename_or_obj", "mask_and_scale", "decode_times", "concat_characters", "decode_coords", "drop_variables",
        "use_cftime", "decode_timedelta", "parameters", "allow_exec",
    )

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        mask_and_scale: bool = True,
        decode_times: bool = True,
        concat_characters: bool = True,
        decode_coords: bool | str = "all",
        drop_variables: str | Iterable[str] | None = None,
        use_cftime: bool | None = None,
        decode_timedelta: bool | None = None,
        parameters: Mapping[str, Any] | None = None,
        allow_exec: bool = False,
    ) -> xr.Dataset:
        """Opens a graph lazily.

        Args:
            filename_or_obj: see the class.
            mask_and_scale: missing cells become NaN, and scale and offset are applied; as in all of xarray.
            decode_times: times become datetime64.
            concat_characters: of no effect: cubes have no texts.
            decode_coords: "all" (the default here) makes `spatial_ref` a coordinate, where rioxarray looks for
                the CRS, and the bounds of times too; True leaves them variables, as xarray does by default.
            drop_variables: names to leave out.
            use_cftime: as in xarray.
            decode_timedelta: as in xarray.
            parameters: what "${name}" stands for in the document.
            allow_exec: the graph may run programs and libraries that it names.
        """
        from cube._opened import Cube
        from cube._opened import open as open_graph

        opened = filename_or_obj if isinstance(filename_or_obj, Cube) else open_graph(
            filename_or_obj, parameters=parameters, allow_exec=allow_exec)
        return StoreBackendEntrypoint().open_dataset(
            CubeStore(opened._source),
            mask_and_scale=mask_and_scale,
            decode_times=decode_times,
            concat_characters=concat_characters,
            decode_coords=decode_coords,
            drop_variables=drop_variables,
            use_cftime=use_cftime,
            decode_timedelta=decode_timedelta,
        )

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether it is a graph: by its keys, as many things are JSON."""
        if hasattr(filename_or_obj, "_cube_node"):
            return True
        if not isinstance(filename_or_obj, (str, os.PathLike)) or not os.fspath(filename_or_obj).endswith(".json"):
            return False
        try:
            with open(filename_or_obj, encoding="utf-8") as file:
                document = json.load(file)
        except (OSError, ValueError):
            return False
        return isinstance(document, dict) and ("cube_type" in document or "cubes" in document)
