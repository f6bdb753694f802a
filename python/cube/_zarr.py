"""Zarr by regions: a task a chunk computes all bands in one go and writes them where they belong."""
from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cube._source import Region, Source, compiled

if TYPE_CHECKING:
    from cube._opened import Cube


def to_zarr(
    opened: Cube,
    store: str | os.PathLike[str],
    *,
    mode: str = "w-",
    client: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes a cube to a Zarr store with dask.

    The metadata are written here. Then each chunk of the engine is a task that computes the cells of all its bands
    and writes them into its region of the store, so that no cell passes through the client or from one worker to
    another, and what bands share is computed once. Chunks of the store are those of the engine, so that no two tasks
    write the same. A worker that is lost costs the chunks that it was computing: those that it had written are not
    asked for again.

    Args:
        opened: what `cube.open()` gave.
        store: a path or URL that all workers can write to.
        mode: "w-": the store must not be there; "w": it is replaced.
        client: a distributed.Client; None = the current one, else the threads of this process.
        progress: called with the number of chunks done and of all.
    """
    store = os.fspath(store)
    dataset = opened.to_xarray(chunks={}, mask_and_scale=False, decode_times=False, decode_coords=False)
    names = [band.name for band in opened.info.bands]
    encoding: dict[str, dict[str, Any]] = {name: {"chunks": opened.info.chunk} for name in names}
    for name in set(dataset.variables).difference(names):
        dataset.variables[name].load()  # written here, not by tasks
        encoding[name] = {"_FillValue": None}  # no coordinate is missing
    dataset.to_zarr(store, mode=mode, compute=False, consolidated=True, encoding=encoding)
    regions = list(_regions(opened))
    for done, _ in enumerate(_written(opened._source, store, names, regions, client or _current_client()), 1):
        if progress:
            progress(done, len(regions))


def _regions(opened: Cube) -> Iterator[Region]:
    info = opened.info
    spans = [
        [(start, min(start + side, size)) for start in range(0, size, side)]
        for size, side in zip(info.shape, info.chunk)
    ]
    return ((t, y, x) for t in spans[0] for y in spans[1] for x in spans[2])


def write_region(region: Region, source: Source, store: str, names: list[str]) -> None:
    """Computes one region of all bands and writes it into the arrays of the store. Chunks of which all is missing
    are not stored."""
    import zarr

    place = tuple(slice(*span) for span in region)
    for name, cells in zip(names, compiled(source).compute(list(range(len(names))), region)):
        array = zarr.open_array(store, path=name, mode="r+", write_empty_chunks=False)
        array[place] = cells


def _written(source: Source, store: str, names: list[str], regions: list[Region], client: Any) -> Iterator[None]:
    """One item for each region that is written, as they come."""
    if client is None:
        from multiprocessing.pool import ThreadPool

        write = functools.partial(write_region, source=source, store=store, names=names)
        with ThreadPool() as pool:
            yield from pool.imap_unordered(write, regions)
        return
    from distributed import as_completed

    # The document is sent once, by a task that can be done again where it is lost.
    sent = client.submit(Source, *dataclasses.astuple(source), pure=False)
    futures = client.map(write_region, regions, source=sent, store=store, names=names, pure=False)
    waiting = as_completed(futures)
    del futures  # those that are done are forgotten, so that nobody does them again
    for future in waiting:
        yield future.result()


def _current_client() -> Any:
    try:
        from distributed import get_client

        return get_client()
    except (ImportError, ValueError):
        return None
