"""Writes _operators.pyi: the operators' methods and functions for type checkers and editors.

usage: make_stubs.py FILE, with the package that has just been built in PYTHONPATH. They are made from the same
declarations as the methods themselves are when the package is loaded.
"""
import re
import sys
import textwrap

from cube._graph import OPERATORS

HEAD = '''\
"""The operators, as the engine declares them. Made by the build."""
import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from typing_extensions import TypeAlias

from cube._graph import Graph

_T = TypeVar("_T")

class _Node(Protocol):
    def _cube_node(self) -> dict[str, Any]: ...

class _Shape(Protocol):
    @property
    def __geo_interface__(self) -> Any: ...

class _ReferenceSystem(Protocol):
    def to_string(self) -> str: ...

_Cube: TypeAlias = _Node | Mapping[str, Any]
_Text: TypeAlias = str | datetime.date | datetime.timedelta | np.generic | _Shape | _ReferenceSystem
_Number: TypeAlias = float | np.number[Any]
_Whole: TypeAlias = int | np.integer[Any]
_List: TypeAlias = Sequence[_T] | np.ndarray[Any, Any]
'''

# What cube._values takes for what a signature names.
WIDER = {"str": "_Text", "float": "_Number", "int": "_Whole", "Sequence": "_List", "Graph": "_Cube"}


def wider(annotation):
    def items(one):
        kinds = re.findall(r"(?:[^\[\], |]|\[[^\[\]]*\])+", one[1])
        return f"Sequence[{' | '.join(dict.fromkeys(kinds))}]"

    alike = re.sub(r"tuple\[((?:[^\[\]]|\[[^\[\]]*\])+)\]", items, annotation)
    # Keys and paths are texts and nothing else.
    return re.sub(r"(?<!Mapping\[)(?<!PathLike\[)\b(str|float|int|Sequence|Graph)\b", lambda one: WIDER[one[1]], alike)


def declaration(operator, method):
    signature = operator.signature(method)
    words, by_name = [], False
    for name, one in signature.parameters.items():
        if one.kind is one.KEYWORD_ONLY and not by_name:
            by_name = True
            words.append("*")
        if name == "self":
            words.append(name)
            continue
        default = "" if one.default is one.empty else f" = {one.default!r}"
        words.append(f"{name}: {wider(one.annotation)}{default}")
    doc = operator.doc().replace("\\", "\\\\").replace('"""', r"\"\"\"")
    body = textwrap.indent(f'"""{doc}\n"""', "    ", lambda line: line.strip())
    return f"def {operator.id}({', '.join(words)}) -> Graph:\n{body}\n"


def main():
    methods = "\n".join(declaration(one, True) for one in OPERATORS.values() if one.is_method)
    functions = "\n".join(declaration(one, False) for one in OPERATORS.values())
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(f"{HEAD}\nclass Methods:\n{textwrap.indent(methods, '    ')}\n{functions}")


main()
