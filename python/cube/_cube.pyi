"""The engine, compiled. Cells are arrays of shape (slices, rows, columns)."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

version: str

def operators_json() -> str: ...
def open(text: str, folder: str, parameters: Mapping[str, str], allow_exec: bool) -> Engine: ...
def load(file: str, parameters: Mapping[str, str], allow_exec: bool) -> Engine: ...

class Output:
    overwrite: bool
    append: bool
    resume: bool
    def __init__(self, file: str, format: str = "", options: Mapping[str, str] = ...) -> None: ...

class Engine:
    @property
    def text(self) -> str: ...
    @property
    def folder(self) -> str: ...
    @property
    def outputs(self) -> list[Output]: ...
    def info(self) -> dict[str, Any]: ...
    def describe(self) -> dict[str, Any]: ...
    def riding_bands(self) -> list[list[int]]: ...
    def read(
        self, bands: Sequence[int], region: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    ) -> tuple[list[np.ndarray[Any, Any]], list[tuple[str, str]]]: ...
    def run(
        self,
        outputs: Sequence[Output],
        threads: int,
        memory: int,
        chunk: tuple[int, int, int] | None,
        keep_going: bool,
        progress: Callable[[int, int], Any] | None,
    ) -> dict[str, Any]: ...
