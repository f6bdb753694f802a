"""Holds the expected cells of tests/ops/{reduce_time,aggregate_time,coarsen}.json against xarray.

The golden runner holds the program against the same files, so both together say that the program
does what xarray does. Cases that xarray cannot express are left out and counted.
"""

import json
import os
import sys
import warnings

try:
    import numpy as np
    import pandas as pd
    import xarray as xr
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

OPS = os.path.join(os.environ["CUBE_SOURCE"], "tests", "ops")
warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, about windows without values
SIMPLE = ["min", "max", "mean", "median", "sum", "prod", "count", "var", "std"]
XARRAY_NAME = {"sd": "std"}
QUANTILE = {"q1": 0.25, "q3": 0.75, "p50": 0.5, "p90": 0.9}
OFFSETS = {"month": "MS", "season": "QS-DEC", "year": "YS", "day": "D", "week": "W-MON"}


def cells(band):
    return np.array(band["cells"], dtype=float)  # null becomes NaN


def times(time, n):
    if "labels" in time:
        return pd.to_datetime(time["labels"])
    step = {"P1M": "MS", "P1Y": "YS"}.get(time["dt"]) or pd.Timedelta(time["dt"])
    return pd.date_range(time["t0"], periods=n, freq=step)


def cube(source, band):
    values = cells(source["bands"][band])
    grid = source.get("grid", {"left": 0, "top": values.shape[1], "dx": 1, "dy": 1})
    return xr.DataArray(values, dims=("t", "y", "x"), coords={
        "t": times(source["time"], values.shape[0]),
        "y": grid["top"] - (np.arange(values.shape[1]) + 0.5) * grid["dy"],
        "x": grid["left"] + (np.arange(values.shape[2]) + 0.5) * grid["dx"]})


def reduce(grouped, reducer, **where):
    """The reducer by its name, of an array or of a grouped one; None when xarray has none."""
    quantile = reducer.get("quantile") if isinstance(reducer, dict) else QUANTILE.get(reducer)
    if quantile is not None:
        return grouped.quantile(quantile, skipna=True, **where)
    if isinstance(reducer, dict):
        return None
    name = XARRAY_NAME.get(reducer, reducer)
    if name not in SIMPLE:
        return None
    options = {} if name == "count" else {"skipna": True}
    if name in ("sum", "prod"):
        options["min_count"] = 1  # of nothing: missing
    if name in ("var", "std"):
        options["ddof"] = 1
    return getattr(grouped, name)(**options, **where)


def same(title, got, expected):
    got = np.asarray(got, dtype=float).reshape(expected.shape)
    if np.allclose(got, expected, rtol=1e-6, atol=0, equal_nan=True):
        return True
    print(f"{title}:\nxarray\n{got}\nexpected\n{expected}")
    return False


def check_reduce_time(case):
    results = []
    graph, expect = case["graph"], case["expect"]["bands"]
    if "reducers" not in graph and "reducer_bands" not in graph:
        return results
    source = case["input"][graph["in_cube"]]
    pairs = graph.get("reducer_bands") or [(r, b) for b in source["bands"] for r in graph["reducers"]]
    names = graph.get("names") or [None] * len(pairs)
    for (reducer, band), name in zip(pairs, names):
        if band not in source["bands"]:
            continue
        got = reduce(cube(source, band), reducer, dim="t")
        if got is not None:
            results.append(same(case["title"], got, cells(expect[name or f"{band}_{reducer}"])))
    return results


def grouped_in_time(array, graph):
    if "period" in graph and graph["period"] in OFFSETS:
        offset = OFFSETS[graph["period"]]
        weeks = {"closed": "left", "label": "left"} if offset.startswith("W") else {}
        return array.resample(t=offset, **weeks)
    if graph.get("dt") == "P1M":
        return array.resample(t="MS")
    if graph.get("group") in ("month", "dayofyear", "year"):
        return array.groupby("t." + graph["group"])
    return None


def check_aggregate_time(case):
    results = []
    graph, expect = case["graph"], case["expect"]
    source = case["input"][graph["in_cube"]]
    for band in source["bands"]:
        grouped = grouped_in_time(cube(source, band), graph)
        got = None if grouped is None else reduce(grouped, graph.get("func", "mean"))
        if got is None:
            continue
        if "t" in got.dims and "group" not in graph:
            got = got.transpose("t", "y", "x")
            labels = pd.to_datetime(expect["time"]["labels"]) if "time" in expect else got.t
            if list(got.t.values) != list(labels.values):
                print(f"{case['title']}: xarray's slices start at {got.t.values}")
                results.append(False)
        else:
            got = got.transpose(graph["group"], "y", "x")
        expected = cells(expect["bands"][band])
        if graph.get("func") == "count":
            got = got.fillna(0)  # xarray leaves counts of empty groups missing
        results.append(same(case["title"], got, expected))
    return results


def check_coarsen(case):
    results = []
    graph, expect = case["graph"], case["expect"]
    source = case["input"][graph["in_cube"]]
    for band in source["bands"]:
        array = cube(source, band)
        func = graph.get("func", "mean")
        if not isinstance(func, str) or func not in SIMPLE:
            continue
        windows = array.coarsen(graph["factor"], boundary=graph.get("boundary", "exact"),
                                side=graph.get("side", "left"))
        got = getattr(windows, func)()
        if func == "sum":
            got = got.where(windows.count() > 0)  # of nothing xarray's is 0, ours missing
        results.append(same(case["title"], got, cells(expect["bands"][band])))
        grid = expect.get("grid")
        if grid and graph.get("boundary") != "pad":  # xarray averages padded coordinates
            left = got.x.values[0] - grid["dx"] / 2
            top = got.y.values[0] + grid["dy"] / 2
            results.append(same(case["title"], [left, top], np.array([grid["left"], grid["top"]],
                                                                     dtype=float)))
    return results


def main():
    compared, failed, left_out = 0, 0, 0
    for name, check in (("reduce_time", check_reduce_time),
                        ("aggregate_time", check_aggregate_time), ("coarsen", check_coarsen)):
        with open(os.path.join(OPS, name + ".json"), encoding="utf-8") as file:
            cases = [case for case in json.load(file) if "expect" in case]
        for case in cases:
            own = case["graph"]["cube_type"] == name  # not several joined
            results = check(case) if own else []
            compared += len(results)
            failed += results.count(False)
            left_out += not results
    print(f"{compared} results compared with xarray, {failed} differ; "
          f"{left_out} cases cannot be expressed in xarray")
    sys.exit(1 if failed or compared < 50 else 0)


if __name__ == "__main__":
    main()
