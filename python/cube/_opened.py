"""Opened cubes: graphs that were compiled, checked, and can be computed."""
from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cube import _cube
from cube._errors import Error
from cube._graph import Graph
from cube._source import Region, Source, adopt, compiled
from cube._values import to_json, to_text

if TYPE_CHECKING:
    import xarray

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Band:
    """What a band is.

    Attributes:
        name: of the band, and of its variable in a dataset.
        dtype: of the stored cells.
        nodata: the stored value that means missing; NaN for floating point; None = no cell can be missing.
        unit: of physical values, UCUM or as the source says; "" = unknown.
        scale, offset: physical value = cell * scale + offset.
    """

    name: str
    dtype: np.dtype[Any]
    nodata: float | None
    unit: str
    scale: float
    offset: float


@dataclass(frozen=True)
class Info:
    """What a cube is, without its cells.

    Attributes:
        bands: in the order of the cube.
        shape: slices, rows and columns.
        chunk: the shape (slices, rows, columns) of the pieces that the engine would compute at a time.
        crs: well-known text; "" = none.
        transform: (a, b, c, d, e, f) of the affine map x = a * column + b * row + c, y = d * column + e * row + f,
            in CRS units, of cells' corners; `affine.Affine(*transform)`.
        times: the start of each slice, UTC, datetime64[s].
        notes: what is no mistake but may not be meant: pairs of a JSON pointer and a text.
    """

    bands: tuple[Band, ...]
    shape: tuple[int, int, int]
    chunk: tuple[int, int, int]
    crs: str
    transform: tuple[float, float, float, float, float, float]
    times: np.ndarray[Any, np.dtype[np.datetime64]]
    notes: tuple[tuple[str, str], ...]


class Cube:
    """A compiled graph, of which no cell is computed yet. Made by `cube.open()`.

    Pickles as the canonical document alone. Thread rule: any thread.
    """

    def __init__(self, source: Source, outputs: Sequence[_cube.Output] = ()) -> None:
        self._source = source
        self._outputs = list(outputs)

    def __reduce__(self) -> tuple[Any, ...]:
        return Cube, (self._source,)

    def __dask_tokenize__(self) -> Any:
        return self._source.__dask_tokenize__()

    def _cube_node(self) -> dict[str, Any]:
        node: dict[str, Any] = json.loads(self._source.text)
        return node

    @property
    def graph(self) -> Graph:
        """The canonical graph: parameters and saved graphs in their places, defaults filled in."""
        return Graph(json.loads(self._source.text))

    @property
    def info(self) -> Info:
        """What the cube is: bands, shape, grid, times."""
        about = compiled(self._source).engine.info()
        bands = tuple(Band(**(one | {"dtype": np.dtype(one["dtype"])})) for one in about["bands"])
        return Info(
            bands=bands, shape=about["shape"], chunk=about["chunk"], crs=about["crs"], transform=about["transform"],
            times=np.asarray(about["times"], "datetime64[s]"), notes=tuple(about["notes"]))

    def to_xarray(self, chunks: Any = None, **options: Any) -> xarray.Dataset:
        """The cube as a lazy dataset: `xarray.open_dataset(self, engine="cube", chunks=chunks, **options)`.

        Args:
            chunks: None: arrays that compute what they are indexed for; {}: dask arrays in the engine's own chunks;
                or as in xarray.
            **options: of xarray.open_dataset and of the engine, see `CubeEntrypoint.open_dataset`.
        """
        import xarray

        return xarray.open_dataset(self, engine="cube", chunks=chunks, **options)

    def read(self, bands: Sequence[str] | str | None = None, region: Region | None = None) -> dict[str, Any]:
        """Computes stored cells on this thread, without xarray.

        Args:
            bands: names; None = all.
            region: ((from, to), (from, to), (from, to)) of slices, rows and columns, the end not in it; None = all.

        Returns:
            A numpy array of shape (slices, rows, columns) and the band's own type for each band.
        """
        info = self.info
        names = [band.name for band in info.bands]
        wanted = names if bands is None else [bands] if isinstance(bands, str) else list(bands)
        for name in wanted:
            if name not in names:
                raise Error(f"there is no band '{name}'", "not_found", "bands", "it has " + ", ".join(names))
        slices, rows, columns = info.shape
        whole = ((0, slices), (0, rows), (0, columns))
        numbers = [names.index(name) for name in wanted]
        return dict(zip(wanted, compiled(self._source).compute(numbers, region or whole)))

    def write(
        self,
        *files: str | os.PathLike[str],
        format: str = "",
        options: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        append: bool = False,
        resume: bool = False,
        keep_going: bool = False,
        threads: int = 0,
        memory: int = 0,
        chunk: tuple[int, int, int] | None = None,
        progress: Progress | bool | None = None,
    ) -> dict[str, Any]:
        """Computes the cube and writes it, as `cube run` does. Ctrl-C ends it within a second.

        Args:
            *files: outputs, relative to the working directory; none = those that the document names.
            format: of the files, e.g. "COG"; "" = by name.
            options: creation options, e.g. {"COMPRESS": "ZSTD"}.
            overwrite: replace files that are there.
            append: put the slices behind those of a Zarr.
            resume: go on with what a run that was stopped has left.
            keep_going: go on after a chunk that cannot be computed; its cells are missing.
            threads: 0 = all cores.
            memory: budget in bytes; 0 = as the program has it.
            chunk: shape of chunks as (slices, rows, columns); None = chosen.
            progress: called with the number of chunks done and of all; True = a line on standard error.

        Returns:
            What happened: "outputs" (names of the files made), "chunks", "seconds", "skipped", "failures", ...

        Raises:
            Error: nothing was made (then an attribute `report` says more), or with keep_going and images left out,
                that it is incomplete.
        """
        made = {str(key): to_text(value) for key, value in (options or {}).items()}
        outputs = [_cube.Output(os.path.abspath(file), format, made) for file in files] or self._outputs
        if not outputs:
            raise Error("nothing says where the result goes", "invalid", "files",
                        'give names, or "outputs" in the document')
        for output in outputs:
            output.overwrite, output.append, output.resume = overwrite, append, resume
        call = _line if progress is True else progress or None
        return _checked(compiled(self._source).engine.run(outputs, threads, memory, chunk, keep_going, call))

    def to_zarr(self, store: str | os.PathLike[str], **options: Any) -> None:
        """Writes the cube to Zarr by regions with dask, all bands of a chunk in one task; see `cube.to_zarr`."""
        from cube._zarr import to_zarr

        to_zarr(self, store, **options)

    def __repr__(self) -> str:
        info = self.info
        names = ", ".join(f"{band.name} {band.dtype}" for band in info.bands)
        sides = " x ".join(str(side) for side in info.shape)
        return f"<cube.Cube of {sides} cells (time, y, x), chunks of {info.chunk}: {names}>"

    def _repr_html_(self) -> str:
        return str(self.to_xarray(chunks={})._repr_html_())


def open(
    graph: str | os.PathLike[str] | Mapping[str, Any] | Graph | Cube,
    /,
    *,
    parameters: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    allow_exec: bool = False,
    **more: Any,
) -> Cube:
    """Compiles a graph and checks all that can be checked without reading pixels.

    Args:
        graph: a file of a graph document, its JSON text, a dict, or a graph that was built.
        parameters: what "${name}" stands for in the document; also as keyword arguments.
        folder: where relative names of a graph that is no file start; None = the working directory.
        allow_exec: the graph may run programs and libraries that it names.
        **more: further parameters, e.g. `year=2022`.

    Raises:
        Error: what is wrong, with its place in the document.
    """
    values = {name: to_text(value, name) for name, value in {**(parameters or {}), **more}.items()}
    if isinstance(graph, Cube) and not values:
        return graph
    base = os.path.abspath(folder if folder is not None else graph._source.folder if isinstance(graph, Cube) else ".")
    if isinstance(graph, os.PathLike) or (isinstance(graph, str) and not graph.lstrip().startswith("{")):
        engine = _cube.load(os.fspath(graph), values, allow_exec)
    else:
        text = graph if isinstance(graph, str) else json.dumps(to_json(graph))
        engine = _cube.open(text, base, values, allow_exec)
    return Cube(adopt(engine, allow_exec), engine.outputs)


def _line(done: int, chunks: int) -> None:
    end = "\n" if done == chunks else ""
    print(f"\rcube: {done} of {chunks} chunks", end=end, file=sys.stderr, flush=True)


def _checked(report: dict[str, Any]) -> dict[str, Any]:
    """Nothing is lost silently: throws Error where the report tells of anything that is missing."""
    told = [f"{one['region']}: {one['reason']}" for one in report["failures"]]
    told += [f"{one['image']} was left out: {one['reason']}" for one in report["skipped"]]
    if not told and report["outputs"]:
        return report
    what = "the outputs are incomplete" if report["outputs"] else "no output was made"
    first = "".join(f": {one}" for one in told[:1])
    more = f" (and {len(told) - 1} more)" if told[1:] else ""
    error = Error(what + first + more, "unwritable" if report["unwritten"] else "unreadable")
    error.report = report
    raise error
