"""Python's values as those of JSON documents."""
from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cube._errors import Error

_SECOND = np.timedelta64(1, "s")


def to_json(value: Any, where: str = "") -> Any:
    """`value` as json.dumps takes it.

    Besides what JSON has: paths, numpy's numbers and arrays, times and dates (UTC where they have no
    zone; dates and numpy's times of days, months and years are the whole span), durations (ISO 8601
    periods), geometries (WKT; shapely's, or any with `__geo_interface__`), reference systems of pyproj and
    rasterio, and graphs. `where` is the JSON pointer of the value, for errors.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return _finite(value, where)
    if isinstance(value, Mapping):
        return {str(key): to_json(item, f"{where}/{key}") for key, item in value.items()}
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    for is_one, convert in _CONVERSIONS:
        if is_one(value):
            return convert(value, where)
    if isinstance(value, Iterable):
        return [to_json(item, f"{where}/{i}") for i, item in enumerate(value)]
    raise Error(f"{type(value).__name__} cannot stand in a graph", "invalid", where)


def to_text(value: Any, where: str = "") -> str:
    """A parameter of a document, which takes the place of "${name}" in its texts."""
    value = to_json(value, where)
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (dict, list)):
        raise Error("a parameter is a text, a number, a time or a path", "invalid", where)
    return json.dumps(value)


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise Error(f"{value} has no place in JSON", "invalid", where)
    return value


def _from_numpy(value: Any, where: str) -> Any:
    if value.dtype.kind == "M":
        if value.ndim > 0:
            return [_time_text(item, where) for item in value]
        return _time_text(value[()], where)
    if value.dtype.kind == "m":
        return _period_text(value[()], where)
    return to_json(value.tolist(), where)


def _time_text(value: np.datetime64, where: str) -> str:
    if np.isnat(value):
        raise Error("NaT is no time", "invalid", where)
    if np.datetime_data(value.dtype)[0] in tuple("YMDhms"):
        return str(value)
    whole = value.astype("datetime64[s]")
    if whole != value:
        raise Error(f"times are whole seconds, which {value} is not", "invalid", where)
    return str(whole)


def _from_datetime(value: datetime.datetime, where: str) -> str:
    if value != value:  # pandas' NaT
        raise Error("NaT is no time", "invalid", where)
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return _time_text(np.datetime64(value.isoformat()), where)


def _period_text(value: np.timedelta64, where: str) -> str:
    if np.datetime_data(value.dtype)[0] in ("Y", "M"):
        unit = np.datetime_data(value.dtype)[0]
        return f"P{value.astype(int)}{unit}"
    seconds = int(value / _SECOND)
    if seconds <= 0 or seconds * _SECOND != value:
        raise Error(f"a period is a positive number of whole seconds, which {value} is not", "invalid", where)
    return f"P{seconds // 86400}D" if seconds % 86400 == 0 else f"PT{seconds}S"


def _wkt(shape: Mapping[str, Any]) -> str:
    """WKT of a GeoJSON geometry."""
    kind = shape["type"]
    if kind == "Feature":
        return _wkt(shape["geometry"])
    if kind in ("GeometryCollection", "FeatureCollection"):
        parts = shape["geometries"] if kind == "GeometryCollection" else shape["features"]
        return f"GEOMETRYCOLLECTION ({', '.join(_wkt(part) for part in parts)})"
    text = _coordinates(shape["coordinates"])
    return f"{kind.upper()} {text if text.startswith('(') else f'({text})'}"


def _coordinates(places: Sequence[Any]) -> str:
    if isinstance(places[0], (int, float, np.number)):
        return " ".join(repr(float(number)) for number in places[:2])
    return f"({', '.join(_coordinates(place) for place in places)})"


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda value: any(hasattr(value, name) for name in names)


_CONVERSIONS: list[tuple[Callable[[Any], bool], Callable[[Any, str], Any]]] = [
    (_has("_cube_node"), lambda value, where: value._cube_node()),
    (lambda value: isinstance(value, datetime.datetime), _from_datetime),
    (lambda value: isinstance(value, datetime.date), lambda value, where: value.isoformat()),
    (lambda value: isinstance(value, datetime.timedelta),
     lambda value, where: _period_text(np.timedelta64(value), where)),
    (_has("__geo_interface__"), lambda value, where: _wkt(value.__geo_interface__)),
    (_has("to_wkt", "crs_wkt"), lambda value, where: value.to_string()),
    (lambda value: isinstance(value, (np.generic, np.ndarray)), _from_numpy),
    (_has("__array__"), lambda value, where: _from_numpy(np.asarray(value), where)),
]
