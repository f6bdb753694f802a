"""Every reducer through every operator that takes reducers, against one plain definition of each.

Each operator is a way to cut the cube into windows of cells; what a window holds is worked out here by
going through the cube cell by cell, in the order of time, rows, columns.
"""
import csv
import math
import sys
import unittest

try:
    import numpy as np
    import xarray as xr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from array_files import ArrayCase, crs_attributes
from program import cube

RANDOM = np.random.default_rng(41)
TIMES = np.array(["2019-12-30", "2020-01-03", "2020-01-17T10:30:00", "2020-01-31", "2020-02-29", "2020-03-01",
                  "2020-03-20", "2020-06-02", "2020-06-03"], dtype="datetime64[s]")
SHAPE = (9, 10, 14)
SIDE = 10  # of a cell
PLAIN = ["min", "max", "mean", "median", "sum", "prod", "count", "var", "sd", "first", "last", "mode", "range",
         "q1", "q3", "p90", {"quantile": 1 / 3}, "any", "all", "rms", "mad"]
WHICH = ["which_min", "which_max", {"name": "which_min", "index": True}, {"name": "which_max", "index": True}]


def series():
    """a: one decimal, with ties and zeros; u: no value twice; i: small whole numbers."""
    a = np.round(RANDOM.normal(1, 2, SHAPE), 1)
    a[RANDOM.random(SHAPE) < 0.2] = 0
    u = RANDOM.permutation(math.prod(SHAPE)).reshape(SHAPE) / 7 - 60
    i = RANDOM.integers(-3, 4, SHAPE).astype(float)
    for cells in (a, u, i):
        cells[RANDOM.random(SHAPE) < 0.3] = np.nan
        cells[:, 2:6, 3:9] = np.nan  # nothing
        cells[4, 3, 4] = 5  # but one value
        cells[6] = np.nan
    return {"a": a, "u": u, "i": i}


CELLS = series()
SECONDS = TIMES.astype(float)


def text_of(reducer):
    if isinstance(reducer, str):
        return reducer
    return reducer.get("name", "q") + ("_index" if "index" in reducer else "")


def quantile_of(reducer):
    if isinstance(reducer, dict):
        return reducer["quantile"]
    return {"median": 0.5, "q1": 0.25, "q3": 0.75, "p90": 0.9}[reducer]


def quantile(pairs, part):
    """Of (value, weight): cell k of n stands at k w + (n - 1) times the weights before it."""
    pairs = sorted(pairs)
    n = len(pairs)
    places, before = [], 0
    for k, (_, weight) in enumerate(pairs):
        places.append(k * weight + (n - 1) * before)
        before += weight
    return np.interp(part * places[-1], places, [v for v, _ in pairs])


def variance(pairs):
    if len(pairs) < 2:
        return math.nan
    total = math.fsum(w for _, w in pairs)
    mean = math.fsum(v * w for v, w in pairs) / total
    squares = math.fsum(w * (v - mean) ** 2 for v, w in pairs)
    return squares / (total - math.fsum(w * w for _, w in pairs) / total)


def mode(pairs):
    weights = {}
    for value, weight in pairs:
        weights[value] = weights.get(value, 0) + weight
    return min(weights, key=lambda value: (-weights[value], value))


def reduced(reducer, pairs):
    """A reducer of (value, weight) in order."""
    if reducer == "count":
        return math.fsum(w for _, w in pairs)
    if not pairs:
        return math.nan
    values = [v for v, _ in pairs]
    total = math.fsum(w for _, w in pairs)
    simple = {"min": min, "max": max, "prod": math.prod, "first": lambda v: v[0], "last": lambda v: v[-1],
              "range": lambda v: max(v) - min(v), "any": lambda v: any(x != 0 for x in v),
              "all": lambda v: all(x != 0 for x in v)}
    if isinstance(reducer, str) and reducer in simple:
        return float(simple[reducer](values))
    if reducer in ("sum", "mean"):
        return math.fsum(v * w for v, w in pairs) / (total if reducer == "mean" else 1)
    if reducer == "rms":
        return math.sqrt(math.fsum(v * v * w for v, w in pairs) / total)
    if reducer in ("var", "sd"):
        return variance(pairs) ** (0.5 if reducer == "sd" else 1)
    if reducer == "mode":
        return mode(pairs)
    if reducer == "mad":
        middle = quantile(pairs, 0.5)
        return quantile([(abs(v - middle), w) for v, w in pairs], 0.5)
    return quantile(pairs, quantile_of(reducer))


def located(reducer, cells):
    """which_min and which_max of (value, position) in order."""
    name = text_of(reducer)
    if not cells:
        return math.nan
    best = (min if "min" in name else max)(v for v, _ in cells)
    return next(place for v, place in cells if v == best)


class Reducers(ArrayCase):
    def setUp(self):
        super().setUp()
        data = xr.Dataset(coords={
            "time": TIMES.astype("datetime64[ns]"), "y": 5e6 - (np.arange(SHAPE[1]) + 0.5) * SIDE,
            "x": 5e5 + (np.arange(SHAPE[2]) + 0.5) * SIDE})
        for name, cells in CELLS.items():
            data[name] = (("time", "y", "x"), cells, {"grid_mapping": "crs"})
        data["crs"] = xr.DataArray(0, attrs=crs_attributes(32631))
        self.source = {"cube_type": "ncdf", "file": self.save(data, "ncdf", encoding={
            "i": {"dtype": "int16", "_FillValue": -999}})}

    def bands(self, document):
        """Of the result, the same for any chunks."""
        made = []
        for more in ((), ("--chunk", "2,3,5", "--threads", "3")):
            out = self.path("out.nc")
            result = cube("run", self.graph(document), "-o", out, "--overwrite", *more)
            self.assertEqual(result.returncode, 0, result.stderr)
            with xr.open_dataset(out, decode_times=False) as file:
                made.append({name: v.values.astype(float) for name, v in file.data_vars.items()
                             if v.ndim == 3 and np.issubdtype(v.dtype, np.number)})
        for name, cells in made[0].items():
            np.testing.assert_array_equal(cells, made[1][name])
        return made[0]

    def compare(self, got, shape, windows, reducer, band):
        """`windows`: of each cell of the result a list of ((t, y, x), instant, index)."""
        name = text_of(reducer)
        wanted = np.full(shape, np.nan)
        for place in np.ndindex(*shape):
            cells = [(CELLS[band][at], when, index) for at, when, index in windows(*place)]
            cells = [c for c in cells if not math.isnan(c[0])]
            if name.startswith("which"):
                wanted[place] = located(reducer, [(v, i if "index" in name else p) for v, p, i in cells])
            else:
                wanted[place] = reduced(reducer, [(v, 1) for v, _, _ in cells])
        tight = 1e-9 if band != "i" or name in ("min", "max", "first", "last", "mode", "count") else 1e-6
        np.testing.assert_allclose(got, wanted, rtol=tight, atol=1e-300 if name == "prod" else tight,
                                   err_msg=f"{name} of {band}")

    def check_pairs(self, node, shape, windows, which=WHICH):
        """An operator with reducer_bands."""
        for band in CELLS:
            reducers = PLAIN + which
            names = [f"r{i}" for i in range(len(reducers))]
            got = self.bands({**node, "in_cube": self.source, "names": names,
                              "reducer_bands": [[r, band] for r in reducers]})
            for name, reducer in zip(names, reducers):
                self.compare(got[name], shape, windows, reducer, band)

    def check_func(self, node, shape, windows, which=WHICH, plain=PLAIN):
        """An operator with func, over all bands."""
        reducers = plain + which
        prefixes = [f"r{i}" for i in range(len(reducers))]
        got = self.bands({"cube_type": "join_bands", "prefixes": prefixes, "in_cubes": [
            {**node, "func": r, "in_cube": self.source} for r in reducers]})
        for prefix, reducer in zip(prefixes, reducers):
            for band in CELLS:
                self.compare(got[f"{prefix}.{band}"], shape, windows, reducer, band)

    def test_reduce_time(self):
        self.check_pairs({"cube_type": "reduce_time"}, (1,) + SHAPE[1:],
                         lambda _, y, x: [((t, y, x), SECONDS[t], t) for t in range(9)])

    def test_window_time(self):
        self.check_pairs({"cube_type": "window_time", "window": [2, 1]}, SHAPE,
                         lambda at, y, x: [((t, y, x), SECONDS[t], t)
                                           for t in range(max(0, at - 2), min(9, at + 2))])

    def test_aggregate_time(self):
        months = TIMES.astype("datetime64[M]").astype(int)
        self.check_func({"cube_type": "aggregate_time", "period": "month"}, (7,) + SHAPE[1:],
                        lambda m, y, x: [((t, y, x), SECONDS[t], t)
                                         for t in np.flatnonzero(months == months[0] + m)])

    def test_cumulate_time(self):
        folds = ["sum", "prod", "min", "max", "mean", "count", "var", "sd", "first", "last", "range", "any", "all",
                 "rms"]
        self.check_func({"cube_type": "cumulate_time"}, SHAPE,
                        lambda at, y, x: [((t, y, x), SECONDS[t], t) for t in range(at + 1)], plain=folds)

    def test_reduce_space(self):
        every = [(y, x) for y in range(SHAPE[1]) for x in range(SHAPE[2])]
        self.check_pairs({"cube_type": "reduce_space"}, (9, 1, 1),
                         lambda t, _, __: [((t, y, x), y * 14 + x, y * 14 + x) for y, x in every], WHICH[:2])

    def test_coarsen(self):
        def windows(t, y, x):
            return [((s, v, u), SECONDS[s], s) for s in range(2 * t, min(9, 2 * t + 2))
                    for v in range(3 * y, min(10, 3 * y + 3)) for u in range(4 * x, min(14, 4 * x + 4))]

        self.check_func({"cube_type": "coarsen", "factor": {"t": 2, "y": 3, "x": 4}, "boundary": "pad"},
                        (5, 4, 4), windows)

    def test_aggregate_space(self):
        # 14 columns in 6 of 25, which begin 5 before the first; 10 rows in 4 of 30, 10 above.
        rows = np.floor((np.arange(10) + 0.5 + 1) * SIDE / 30).astype(int)
        columns = np.floor(((np.arange(14) + 0.5) * SIDE + 5) / 25).astype(int)

        def windows(t, y, x):
            return [((t, v, u), v * 14 + u, v * 14 + u) for v in np.flatnonzero(rows == y)
                    for u in np.flatnonzero(columns == x)]

        self.check_func({"cube_type": "aggregate_space", "dx": 25, "dy": 30}, (9, 4, 6), windows, WHICH[:2])

    def test_window_space(self):
        def windows(t, y, x):
            places = [(y + v, x + u, 5 * (v + 1) + u + 2) for v in (-1, 0, 1) for u in range(-2, 3)]
            return [((t, v, u), i, i) for v, u, i in places if 0 <= v < 10 and 0 <= u < 14]

        self.check_pairs({"cube_type": "window_space", "win_size_y": 3, "win_size_x": 5}, SHAPE, windows,
                         WHICH[:2])

    # Left, right, top and bottom edges from the upper left corner, in cells.
    AREAS = ((0.25, 4.25, 0.75, 3.0), (-2, 9.25, 3.25, 20), (3.25, 3.375, 1.25, 1.75), (3.75, 8.25, 2.75, 5.75))

    @staticmethod
    def covered(area, y, x):
        left, right, top, bottom = area
        return max(0, min(right, x + 1) - max(left, x)) * max(0, min(bottom, y + 1) - max(top, y))

    def weight(self, kind, area, y, x):
        left, right, top, bottom = area
        if kind == "center":
            return float(left < x + 0.5 < right and top < y + 0.5 < bottom)
        share = self.covered(area, y, x)
        return share if kind == "coverage" else float(share > 0)

    def areas(self):
        shapes = []
        for left, right, top, bottom in self.AREAS:
            west, east, north, south = 5e5 + SIDE * left, 5e5 + SIDE * right, 5e6 - SIDE * top, 5e6 - SIDE * bottom
            shapes.append({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [
                [[west, north], [west, south], [east, south], [east, north], [west, north]]]}})
        return self.graph({"type": "FeatureCollection", "features": shapes, "crs": {
            "type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}}, "areas.geojson")

    def test_zonal(self):
        file = self.areas()
        for kind in ("center", "coverage", "touched"):
            # Of equal values of several weights, quantiles depend on their order.
            ordered = [r for r in PLAIN if isinstance(r, dict) or r in ("median", "q1", "q3", "p90", "mad")]
            pairs = [(r, band) for band in CELLS for r in PLAIN
                     if band == "u" or kind != "coverage" or r not in ordered]
            document = {"cube_type": "zonal", "file": file, "weights": kind, "in_cube": self.source,
                        "reducer_bands": [list(p) for p in pairs]}
            tables = []
            for more in ((), ("--chunk", "2,1,1", "--threads", "3")):
                result = cube("run", self.graph(document), "-o", self.path("out.csv"), "--overwrite", *more)
                self.assertEqual(result.returncode, 0, result.stderr)
                with open(self.path("out.csv"), newline="") as f:
                    tables.append(list(csv.reader(f)))
            self.assertEqual(tables[0], tables[1])
            table = tables[0][1:]
            self.assertEqual(len(table), len(self.AREAS) * 9)
            for number, line in enumerate(table):
                area, t = self.AREAS[number // 9], number % 9
                for (reducer, band), text in zip(pairs, line[-len(pairs):]):
                    cells = [(CELLS[band][t, y, x], self.weight(kind, area, y, x)) for y in range(10)
                             for x in range(14)]
                    wanted = reduced(reducer, [c for c in cells if c[1] > 0 and not math.isnan(c[0])])
                    got = float(text) if text else math.nan
                    np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=1e-7,
                                               err_msg=f"{kind} {reducer} of {band}, area {number // 9}, {t}")


if __name__ == "__main__":
    unittest.main()
