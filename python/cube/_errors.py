"""The one exception of the package."""
from __future__ import annotations

from typing import Any


class Error(Exception):
    """What the engine refuses or could not do.

    `str(error)` is `WHERE: MESSAGE (HINT)`, as the program prints it.

    Attributes:
        code: "invalid" (a graph, argument or value is wrong; nothing was read), "not_found",
            "unreadable", "unwritable", "cancelled" or "internal".
        message: what was found.
        where: a JSON pointer into the graph ("/in_cube/expr/0"), a file or an argument; "" = none.
        hint: what would be accepted; "" = nothing to say.
        report: of a run that failed, what Cube.write() would have returned; else None.
    """

    def __init__(self, message: str, code: str = "invalid", where: str = "", hint: str = "") -> None:
        super().__init__(message, code, where, hint)
        self.message = message
        self.code = code
        self.where = where
        self.hint = hint
        self.report: dict[str, Any] | None = None

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


class CubeWarning(UserWarning):
    """What is no error but should be known: images that could not be read and were left out."""
