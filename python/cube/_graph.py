"""Building graphs: a function and a method for each operator, made from the engine's own declarations.

The names are those of the JSON documents, and so is what is built: `Graph.to_dict()` is the document that one
would write by hand.
"""
from __future__ import annotations

import difflib
import inspect
import json
import keyword
import os
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cube import _cube
from cube._errors import Error
from cube._values import to_json

if TYPE_CHECKING:
    from cube._opened import Cube
    from cube._operators import Methods
else:
    Methods = object  # those are made below

_ANNOTATIONS = {
    "true or false": "bool",
    "whole number": "int",
    "number": "float",
    "text": "str",
    "number or text": "float | str",
    "file name": "str | os.PathLike[str]",
    "object": "Mapping[str, Any]",
    "text or object": "str | Mapping[str, Any]",
}
_WIDTH = 100  # of lines of help


class Graph(Methods):
    """A cube that is described and not computed: a node of a process graph, with all that it is made from.

    Immutable: each operator gives a new graph. Cells have the dimensions time, y, x in each band; nothing is read
    or checked against files before `open()`.
    """

    __slots__ = ("_node",)

    def __init__(self, node: Mapping[str, Any]) -> None:
        self._node = to_json(node)

    def _cube_node(self) -> dict[str, Any]:
        node: dict[str, Any] = json.loads(json.dumps(self._node))
        return node

    def to_dict(self) -> dict[str, Any]:
        """The document, as json.load() would give it."""
        return self._cube_node()

    def to_json(self) -> str:
        """The document's text."""
        return json.dumps(self._node, indent=2, ensure_ascii=False) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the document to a file, for `cube run`, `open()` and other graphs.

        Relative names in a document start from the folder of its file. Here they start from the working directory,
        so that a file of another folder gets them as they are seen from there.
        """
        path = os.fspath(path)
        folder = os.path.dirname(os.path.abspath(path))
        node = _seen_from(folder, self._cube_node())
        with open(path, "w", encoding="utf-8") as file:
            file.write(Graph(node).to_json())

    def open(self, **options: Any) -> Cube:
        """Compiles the graph: `cube.open(self, **options)`."""
        from cube._opened import open as open_graph

        return open_graph(self, **options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self._node == other._node

    def __hash__(self) -> int:
        return hash(json.dumps(self._node, sort_keys=True))

    def __repr__(self) -> str:
        return f"<cube.Graph {_chain(self._node)}>"

    def _repr_html_(self) -> str:
        return self.open()._repr_html_()


def _chain(node: Any) -> str:
    """ "image_collection > apply_pixel", from the first to the last operator."""
    if not isinstance(node, Mapping):
        return str(node)
    name = str(node.get("cube_type", "document"))
    inputs = node.get("in_cube", node.get("in_cubes"))
    if inputs is None:
        return name
    before = f"({', '.join(_chain(one) for one in inputs)})" if isinstance(inputs, list) else _chain(inputs)
    return f"{before} > {name}"


class Operator:
    """What the engine says of an operator, and the function that makes its node."""

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.id: str = about["id"]
        self.about = about
        self.parameters: dict[str, Mapping[str, Any]] = {one["name"]: one for one in about["parameters"]}
        # An input that may also be a file's name is among the parameters.
        self.inputs: dict[str, Mapping[str, Any]] = {
            one["name"]: one for one in about["inputs"] if one["name"] not in self.parameters
        }
        self.aliases = {
            alias: name for name, one in self.parameters.items() for alias in one.get("aliases", ())
        }

    @property
    def is_method(self) -> bool:
        """Whether graphs have it as a method: whether it takes one cube before others."""
        first = next(iter(self.inputs.values()), None)
        return first is not None and not first["many"]

    def node(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The node with these arguments. Throws Error for keys that it has not, with what may be meant."""
        made: dict[str, Any] = {"cube_type": self.id}
        for given in arguments:
            name = given[:-1] if keyword.iskeyword(given[:-1]) else given
            if name not in self.parameters and name not in self.inputs and name not in self.aliases:
                raise _unknown(given, f"{self.id}()", [*self.parameters, *self.inputs], "")
        for given, value in arguments.items():
            name = given[:-1] if keyword.iskeyword(given[:-1]) else given
            made[name] = to_json(value, f"/{name}")
            _check_keys(made[name], self.parameters.get(self.aliases.get(name, name), {}), f"/{name}")
        for name in self.inputs:
            if name in made:
                made[name] = made.pop(name)  # inputs are last
        missing = [
            one["name"] for one in (*self.inputs.values(), *self.parameters.values())
            if one["required"] and one["name"] not in made
            and not any(alias in made for alias in one.get("aliases", ()))
        ]
        if missing:
            raise Error(f"{self.id}() lacks {', '.join(missing)}", "invalid")
        return made

    def signature(self, method: bool) -> inspect.Signature:
        """Inputs and what is required (else the first parameter), in this order, by place or name; the rest by
        name."""
        kinds = inspect.Parameter
        inputs = [
            kinds("self" if method and i == 0 else name, kinds.POSITIONAL_OR_KEYWORD,
                  annotation="Sequence[Graph]" if one["many"] else "Graph")
            for i, (name, one) in enumerate(self.inputs.items())
        ]
        required, others = [], []
        for name, one in self.parameters.items():
            safe = name + "_" if keyword.iskeyword(name) else name
            note = _annotation(one["type"])
            if one["required"]:
                required.append(kinds(safe, kinds.POSITIONAL_OR_KEYWORD, annotation=note))
                continue
            default = one.get("default")
            others.append(kinds(safe, kinds.KEYWORD_ONLY, default=default,
                                annotation=f"{note} | None" if default is None else note))
        if not required and others:
            required.append(others.pop(0).replace(kind=kinds.POSITIONAL_OR_KEYWORD))
        return inspect.Signature([*inputs, *required, *others], return_annotation="Graph")

    def doc(self) -> str:
        """Summary, help and the parameters, as Python's help() shows them."""
        parts = [self.about["summary"]]
        if self.about["help"]:
            parts.append("\n".join(textwrap.fill(line, _WIDTH) for line in self.about["help"].split("\n")))
        lines = []
        for one in (*self.inputs.values(), *self.parameters.values()):
            kind = one.get("type", "list of cubes" if one.get("many") else "cube")
            lines += _field_lines({**one, "type": kind}, 4)
        if lines:
            parts.append("Args:\n" + "\n".join(lines))
        parts.append("Returns:\n    A graph whose result has the dimensions time, y, x in each band.")
        return "\n\n".join(parts)

    def function(self, method: bool) -> Callable[..., Graph]:
        """The function of the module, or the method of Graph."""
        signature = self.signature(method)
        positional = [
            name for name, one in signature.parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD
        ]
        if method:
            positional[0] = next(iter(self.inputs))

        def make(*arguments: Any, **named: Any) -> Graph:
            if len(arguments) > len(positional):
                raise TypeError(f"{self.id}() takes {len(positional)} arguments by place, {len(arguments)} were given")
            given = dict(zip(positional, arguments))
            for name in named:
                if name in given:
                    raise TypeError(f"{self.id}() got '{name}' twice")
            return Graph(self.node({**given, **named}))

        make.__name__ = self.id
        make.__qualname__ = f"Graph.{self.id}" if method else self.id
        make.__module__ = "cube"
        make.__doc__ = self.doc()
        make.__signature__ = signature  # type: ignore[attr-defined]
        return make


def _annotation(text: str) -> str:
    """A type of the engine's help as a type hint."""
    if text in _ANNOTATIONS:
        return _ANNOTATIONS[text]
    if text.endswith(' or "auto"'):
        return f"{_annotation(text[:-10])} | str"
    either = re.fullmatch(r"(.+?) or list of \1", text)
    if either:
        inner = _annotation(either[1])
        return f"{inner} | Sequence[{inner}]"
    if text.startswith("list of "):
        return f"Sequence[{_annotation(text[8:])}]"
    if text.startswith("text or object of "):
        return f"str | Mapping[str, {_annotation(text[18:])}]"
    if text.startswith("object of "):
        return f"Mapping[str, {_annotation(text[10:])}]"
    if re.fullmatch(r"\[[^\[\]]+\]", text):
        items = text[1:-1].split(", ")
        return f"tuple[{', '.join(_annotation(item) for item in items)}]"
    return "Any"


def _field_lines(one: Mapping[str, Any], indent: int) -> list[str]:
    told = one["help"]
    if one.get("choices"):
        told += " One of " + ", ".join(one["choices"]) + "."
    if one.get("default") not in (None, "", [], {}):
        told += f" Default {json.dumps(one['default'])}."
    head = " " * indent + f"{one['name']} ({one['type']}): "
    lines = [textwrap.fill(head + told, _WIDTH, subsequent_indent=" " * (indent + 4))]
    for inner in one.get("fields", ()):
        lines += _field_lines(inner, indent + 4)
    return lines


def _unknown(name: str, place: str, known: list[str], where: str) -> Error:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean '{near[0]}'?" if near else "it takes " + ", ".join(known)
    return Error(f"{place} knows no '{name}'", "invalid", where, hint)


def _check_keys(value: Any, field: Mapping[str, Any], where: str) -> None:
    """Throws Error for keys that a record in `value` has not."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            _check_keys(item, field, f"{where}/{i}")
    fields = field.get("fields")
    if not fields or not isinstance(value, dict) or "cube_type" in value:
        return
    known = {one["name"]: one for one in fields}
    also = {alias for one in fields for alias in one.get("aliases", ())}
    for name, item in value.items():
        if name not in known and name not in also and name not in ("title", "description", "$schema"):
            raise _unknown(name, where.rsplit("/", 1)[-1], list(known), f"{where}/{name}")
        _check_keys(item, known.get(name, {}), f"{where}/{name}")


OPERATORS = {about["id"]: Operator(about) for about in json.loads(_cube.operators_json())}
FUNCTIONS = {name: operator.function(method=False) for name, operator in OPERATORS.items()}
for _name, _operator in OPERATORS.items():
    if _operator.is_method:
        setattr(Graph, _name, _operator.function(method=True))


def _seen_from(folder: str, node: Any) -> Any:
    """A node with names of files that start from the working directory as they are seen from `folder`."""
    if folder == os.getcwd() or not isinstance(node, (dict, list)):
        return node
    if isinstance(node, list):
        return [_seen_from(folder, item) for item in node]
    operator = OPERATORS.get(node.get("cube_type", ""))
    files = {
        name for name, one in (operator.parameters.items() if operator else ())
        if one["type"].startswith("file name") or one["type"].endswith("list of file name")
    }
    return {
        name: _moved(folder, value) if name in files else _seen_from(folder, value)
        for name, value in node.items()
    }


def _moved(folder: str, name: Any) -> Any:
    if isinstance(name, list):
        return [_moved(folder, one) for one in name]
    if not isinstance(name, str) or os.path.isabs(name) or "://" in name or "${" in name:
        return _seen_from(folder, name)
    return os.path.relpath(name, folder)
