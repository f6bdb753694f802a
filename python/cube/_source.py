"""What is sent to workers: the graph document alone, compiled once in each process.

Thread rule: everything here may be used from any thread. After a fork the child compiles anew: open files, whose
positions it would share with its parent, are not taken along.
"""
from __future__ import annotations

import functools
import os
import threading
import uuid
import warnings
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from cube import _cube
from cube._errors import CubeWarning

Region = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]  # half-open, of slices, rows and columns

# Bands that were computed along with the one that was asked for wait in each process, up to so many bytes.
_CACHE_BYTES = 256 << 20

# Of so many regions it is known which bands were asked for.
_RECENT_REGIONS = 256


@dataclass(frozen=True)
class Source:
    """A graph as text: what a pickle holds.

    Attributes:
        text: the canonical document with saved graphs and parameters in their places.
        folder: where its relative names start.
        allow_exec: whether it may run the user's own programs and libraries.
        opening: tells one opening of the document from a later one, for which processes compile it anew: catalogs and
            files may have changed.
    """

    text: str
    folder: str
    allow_exec: bool
    opening: str

    def __dask_tokenize__(self) -> tuple[str, ...]:
        return ("cube", self.text, self.folder, self.opening)


class Compiled:
    """A compiled graph, and the cells of bands that were computed together with others.

    dask asks for one band of a chunk at a time. Bands that the graph's last operator makes from the same bands, as
    those of a trend or of a program of the user, take hardly longer together: they are computed along, and wait for
    those who ask for them soon. Others are computed when they are asked for, by themselves.
    """

    def __init__(self, engine: _cube.Engine) -> None:
        self.engine = engine
        self._chunks = _Chunks(_CACHE_BYTES)
        self._recent: OrderedDict[Region, frozenset[int]] = OrderedDict()  # bands that were asked for
        self._lock = threading.Lock()

    @functools.cached_property
    def riding(self) -> list[frozenset[int]]:
        """Of each band, the bands that are computed along with it; itself one of them."""
        return [frozenset(bands) for bands in self.engine.riding_bands()]

    def read(self, band: int, region: Region) -> np.ndarray[Any, Any]:
        """Cells of one band, of shape (slices, rows, columns) and the band's own type."""
        return self._chunks.get(region, band, self._together(band, region), self.compute)

    def _together(self, band: int, region: Region) -> list[int]:
        """The bands that a request for one had better compute, and the note that it was asked for."""
        with self._lock:
            there = self._recent.pop(region, frozenset())
            self._recent[region] = there | {band}
            if len(self._recent) > _RECENT_REGIONS:
                self._recent.popitem(last=False)
        return sorted((self.riding[band] - there) | {band})

    def compute(self, bands: list[int], region: Region) -> list[np.ndarray[Any, Any]]:
        """Cells of some bands in one go, each as read() gives them. Warns of images that were left out."""
        cells, skipped = self.engine.read(bands, region)
        for image, reason in skipped:
            warnings.warn(f"{image} was left out: {reason}", CubeWarning, stacklevel=2)
        return cells


class _Chunks:
    """Bands of regions, each handed out once; least recently made first out. Two threads that ask for bands that are
    computed together at the same time wait for one computation."""

    def __init__(self, bytes_kept: int) -> None:
        self._room = bytes_kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Region, int], Future[np.ndarray[Any, Any]]] = OrderedDict()

    def get(self, region: Region, band: int, together: list[int], compute: Any) -> np.ndarray[Any, Any]:
        with self._lock:
            there = self._kept.pop((region, band), None)
            if there is None:
                bands = [one for one in together if (region, one) not in self._kept]
                made: dict[int, Future[np.ndarray[Any, Any]]] = {one: Future() for one in bands if one != band}
                self._kept.update({(region, one): future for one, future in made.items()})
        if there is not None:
            return there.result()
        try:
            cells: dict[int, np.ndarray[Any, Any]] = dict(zip(bands, compute(bands, region)))
        except BaseException as error:
            self._give_up(region, made, error)
            raise
        for one, future in made.items():
            future.set_result(cells[one])
        self._make_room()
        return cells[band]

    def _give_up(self, region: Region, made: dict[int, Any], error: BaseException) -> None:
        with self._lock:
            for one, future in made.items():
                self._kept.pop((region, one), None)
                future.set_exception(error)

    def _make_room(self) -> None:
        with self._lock:
            done = {key: future.result().nbytes for key, future in self._kept.items() if future.done()}
            held = sum(done.values())
            for key, size in done.items():
                if held <= self._room:
                    break
                del self._kept[key]
                held -= size


_MOST_COMPILED = 16

_lock = threading.Lock()
_compiled: OrderedDict[Source, Compiled] = OrderedDict()  # of this process, least recently used first
_of_parents: list[OrderedDict[Source, Compiled]] = []  # kept, not closed: the parent uses what they hold


def compiled(source: Source) -> Compiled:
    """The source's graph, compiled once in this process."""
    with _lock:  # once, also where several threads begin with it
        found = _compiled.pop(source, None)
        if found is None:
            found = Compiled(_cube.open(source.text, source.folder, {}, source.allow_exec))
        _remember(source, found)
        return found


def adopt(engine: _cube.Engine, allow_exec: bool) -> Source:
    """The source of a graph that was just compiled."""
    source = Source(engine.text, engine.folder, allow_exec, uuid.uuid4().hex)
    with _lock:
        _remember(source, Compiled(engine))
    return source


def _remember(source: Source, made: Compiled) -> None:
    _compiled[source] = made
    while len(_compiled) > _MOST_COMPILED:
        _compiled.popitem(last=False)


def _after_fork() -> None:
    global _lock, _compiled
    _of_parents.append(_compiled)
    _lock = threading.Lock()
    _compiled = OrderedDict()


os.register_at_fork(after_in_child=_after_fork)
