#!/usr/bin/env python3
"""Operators on time series against numpy and xarray: a random cube with gaps, written as GeoTIFFs of
uneven dates, once with these as labels and once as regular months.
"""
import datetime
import os
import sys
import unittest

try:
    import netCDF4
    import numpy as np
    import pandas as pd
    import xarray as xr
    from osgeo import gdal, osr
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from program import Case, cube

gdal.UseExceptions()
SLICES, HEIGHT, WIDTH = 30, 4, 5
YEAR = 365.25 * 86400
RANDOM = np.random.default_rng(4)
EPOCH = datetime.datetime(1970, 1, 1)
# Most months from 2018 on, on any day; a month has one at most.
MONTHS = np.sort(RANDOM.choice(36, SLICES, replace=False))
DATES = [datetime.datetime(2018 + m // 12, m % 12 + 1, int(d), 10, 20, 30)
         for m, d in zip(MONTHS, RANDOM.integers(1, 28, SLICES))]
VALUES = 50 + np.cumsum(RANDOM.normal(size=(SLICES, HEIGHT, WIDTH)), axis=0)
VALUES[RANDOM.random(VALUES.shape) < 0.25] = np.nan
VALUES[:, 0, 0] = np.nan  # nothing
VALUES[:, 0, 1] = np.nan
VALUES[7, 0, 1] = 3  # one value
VALUES[:, 0, 2] = np.round(VALUES[:, 0, 2])  # ties


def seconds(dates):
    return np.array([(d - EPOCH).total_seconds() for d in dates])


def each_series(function, values, *more):
    """The function of every series along the first axis."""
    flat = values.reshape(values.shape[0], -1)
    results = [np.atleast_1d(function(flat[:, i], *more)) for i in range(flat.shape[1])]
    return np.stack(results, axis=1).reshape((-1,) + values.shape[1:])


def windows(values, before, after, function):
    n = values.shape[0]
    return np.stack([function(values[max(0, t - before):t + after + 1]) for t in range(n)])


def or_missing(function):
    """Reducers of nothing are missing, without numpy's warning."""
    def reduce(window):
        valid = ~np.isnan(window)
        out = np.full(window.shape[1:], np.nan)
        for index in np.ndindex(*out.shape):
            cells = window[(slice(None),) + index][valid[(slice(None),) + index]]
            if cells.size:
                out[index] = function(cells)
        return out
    return reduce


def filled(series, places, method, limit):
    """Every missing value by looking at all others."""
    out = series.copy()
    valid = np.flatnonzero(~np.isnan(series))
    for t in np.flatnonzero(np.isnan(series)):
        before = [v for v in valid if v < t and places[t] - places[v] <= limit]
        after = [v for v in valid if v > t and places[v] - places[t] <= limit]
        if method == "locf" and before:
            out[t] = series[before[-1]]
        elif method == "nocb" and after:
            out[t] = series[after[0]]
        elif method == "linear" and before and after:
            out[t] = np.interp(places[t], [places[before[-1]], places[after[0]]],
                               [series[before[-1]], series[after[0]]])
        elif method == "near" and (before or after):
            near = before[-1:] + after[:1]
            out[t] = series[min(near, key=lambda v: abs(places[v] - places[t]))]
    return out


def student_p(t, dof):
    """Both tails of Student's t by integrating its density, without scipy."""
    u = np.linspace(0, np.arctan(abs(t) / np.sqrt(dof)), 200001)
    inside = np.trapz(np.cos(u) ** (dof - 1), u)
    whole = np.trapz(np.cos(w := np.linspace(0, np.pi / 2, 200001)) ** (dof - 1), w)
    return 1 - inside / whole


def least_squares(series, years, harmonics):
    valid = ~np.isnan(series)
    y, t = series[valid], years[valid]
    terms = 2 + 2 * harmonics
    if y.size < terms:
        return [np.nan] * 4 + [y.size or np.nan]
    columns = [np.ones_like(t), t]
    for k in range(1, harmonics + 1):
        columns += [np.cos(2 * np.pi * k * t), np.sin(2 * np.pi * k * t)]
    a = np.stack(columns, axis=1)
    factors = np.linalg.lstsq(a, y, rcond=None)[0]
    residual = np.sum((y - a @ factors) ** 2)
    dof = y.size - terms
    error = np.sqrt(residual / dof * np.linalg.inv(a.T @ a)[1, 1])
    return [factors[1], factors[0], 1 - residual / np.sum((y - y.mean()) ** 2),
            student_p(factors[1] / error, dof), y.size]


def theil_sen(series, years, groups=None):
    valid = ~np.isnan(series)
    y, t = series[valid], years[valid]
    if y.size < 2:
        return [np.nan] * 3 + [y.size or np.nan]
    group = (np.zeros(len(series)) if groups is None else groups)[valid]
    i, j = np.triu_indices(y.size, 1)
    i, j = i[group[i] == group[j]], j[group[i] == group[j]]
    slope = np.median((y[j] - y[i]) / (t[j] - t[i]))
    score = np.sum(np.sign(y[j] - y[i]))
    variance = 0
    for own in np.unique(group):
        n = np.sum(group == own)
        ties = np.unique(y[group == own], return_counts=True)[1]
        variance += (n * (n - 1) * (2 * n + 5) - np.sum(ties * (ties - 1) * (2 * ties + 5))) / 18
    # erfc by its integral
    z = max(0, abs(score) - 1) / np.sqrt(variance)
    u = np.linspace(z, z + 12, 200001)
    return [slope, np.median(y) - slope * np.median(t),
            2 * np.trapz(np.exp(-u * u / 2), u) / np.sqrt(2 * np.pi), y.size]


def savgol(series, places, window, order):
    out = np.full_like(series, np.nan)
    for t in range(series.size):
        first = min(max(t - window // 2, 0), series.size - window)
        there = [s for s in range(first, first + window) if not np.isnan(series[s])]
        if len(there) > order and there[0] <= t <= there[-1]:
            x = (np.array(places)[there] - places[t]) / (places[-1] - places[0])
            out[t] = np.polyfit(x, series[there], order)[-1]
    return out


def whittaker(series, places, strength, order):
    valid = ~np.isnan(series)
    if valid.sum() < order:
        return np.full_like(series, np.nan)
    x = np.array(places, dtype=float)
    step = (x[-1] - x[0]) / (x.size - 1)
    differences = np.eye(x.size)
    for k in range(1, order + 1):
        differences = np.diag(k * step / (x[k:] - x[:-k])) @ np.diff(differences, axis=0)
    return np.linalg.solve(np.diag(valid * 1.0) + strength * differences.T @ differences,
                           np.where(valid, series, 0))


class SeriesCase(Case):
    def written(self, bands, dates):
        """GeoTIFFs of the slices of bands [t, y, x], as simple_cube names them."""
        driver = gdal.GetDriverByName("GTiff")
        crs = osr.SpatialReference()
        crs.ImportFromEPSG(32631)
        height, width = bands[0].shape[1:]
        for t in range(len(dates)):
            file = driver.Create(self.path(f"{t}.tif"), width, height, len(bands),
                                 gdal.GDT_Float64)
            file.SetSpatialRef(crs)
            file.SetGeoTransform([500000, 10, 0, 5000000, 0, -10])
            for i, cells in enumerate(bands, 1):
                file.GetRasterBand(i).WriteArray(cells[t])
                file.GetRasterBand(i).SetNoDataValue(np.nan)
            del file
        return {"files": [self.path(f"{t}.tif") for t in range(len(dates))],
                "datetime": [d.isoformat() for d in dates]}

    def computed(self, node, *options):
        """The bands of the result, the same for whole series and for odd chunks; self.times are
        those of its slices."""
        results = []
        for chunk in ([], ["--chunk", "7,3,2"]):
            out = self.path(f"out{len(results)}.nc")
            run = cube("run", self.graph(node), "-o", out, "--overwrite", "-q", *chunk, *options)
            self.assertEqual(run.returncode, 0, run.stderr)
            with netCDF4.Dataset(out) as file:
                time = file.variables["time"]
                self.times = [datetime.datetime(*d.timetuple()[:6])
                              for d in netCDF4.num2date(time[:], time.units)]
                results.append({name: np.ma.filled(v[:].astype(float), np.nan)
                                for name, v in file.variables.items()
                                if v.dimensions[-2:] == ("y", "x")})
        for name, cells in results[0].items():
            np.testing.assert_array_equal(cells, results[1][name])
        return results[0]

    def computed_each(self, nodes):
        """The cells of band "a" of several cubes on the same axes, computed in one run."""
        prefixes = [f"p{i}" for i in range(len(nodes))]
        got = self.computed({"cube_type": "join_bands", "prefixes": prefixes, "in_cubes": nodes})
        return [got[prefix + ".a"] for prefix in prefixes]

    def same(self, cells, expected, tolerance=1e-9):
        expected = np.asarray(expected).reshape(cells.shape)
        self.assertTrue(np.isfinite(expected).any())
        np.testing.assert_allclose(cells, expected, rtol=tolerance, atol=tolerance)


class Series(SeriesCase):
    def setUp(self):
        super().setUp()
        self.labelled = {"cube_type": "simple_cube", "band_names": ["a"],
                         **self.written([VALUES], DATES)}
        self.regular = {"cube_type": "aggregate_time", "period": "month", "func": "first",
                        "in_cube": self.labelled}
        self.months = np.full((MONTHS[-1] - MONTHS[0] + 1, HEIGHT, WIDTH), np.nan)
        self.months[MONTHS - MONTHS[0]] = VALUES

    def test_moving(self):
        months = xr.DataArray(self.months, dims=("t", "y", "x"))
        steps = (-3, 1, 5)
        shifted = self.computed_each([{"cube_type": "shift_time", "by": by, "in_cube": self.regular}
                                      for by in steps])
        for by, cells in zip(steps, shifted):
            self.same(cells, months.shift(t=by).values)
        by_months = self.computed({"cube_type": "shift_time", "by": "-P2M", "in_cube": self.regular})
        self.same(by_months["a"], months.shift(t=-2).values)
        for by, offset in (("P1Y", pd.DateOffset(years=1)), ("-P40D", pd.Timedelta(days=-40)),
                           ("PT36H", pd.Timedelta(hours=36))):
            later = self.computed({"cube_type": "shift_time", "by": by, "in_cube": self.labelled})
            self.same(later["a"], VALUES, 0)
            self.assertEqual(self.times, list(pd.Series(0, DATES).shift(freq=offset).index))
        got = self.computed({"cube_type": "slice_time", "t": DATES[11].date().isoformat(),
                             "in_cube": self.labelled})
        self.same(got["a"], VALUES[11])

    def test_cumulated(self):
        seen = ~np.isnan(VALUES)
        count = np.cumsum(seen, axis=0)
        total = np.where(count > 0, np.cumsum(np.where(seen, VALUES, 0), axis=0), np.nan)
        with np.errstate(invalid="ignore"):
            mean = total / count
        high = np.where(count > 0, np.maximum.accumulate(np.where(seen, VALUES, -np.inf)), np.nan)
        expected = {"sum": total, "mean": mean, "max": high, "count": count}
        got = self.computed_each([{"cube_type": "cumulate_time", "func": func,
                                   "in_cube": self.labelled} for func in expected])
        for cells, func in zip(got, expected):
            self.same(cells, expected[func])

    def test_windows(self):
        reducers = {"mean": np.mean, "median": np.median, "sum": np.sum,
                    "rms": lambda v: np.sqrt(np.mean(v * v)),
                    "p90": lambda v: np.quantile(v, 0.9), "q1": lambda v: np.quantile(v, 0.25),
                    "range": np.ptp, "first": lambda v: v[0], "last": lambda v: v[-1],
                    "sd": lambda v: np.std(v, ddof=1) if v.size > 1 else np.nan,
                    "mad": lambda v: np.median(np.abs(v - np.median(v)))}
        folds = {name: reducers[name] for name in ("mean", "sum", "rms", "range", "first", "last", "sd")}
        folds.update({"min": np.min, "max": np.max, "prod": np.prod, "any": np.any, "all": np.all,
                      "var": lambda v: np.var(v, ddof=1) if v.size > 1 else np.nan})
        # Long windows of folds alone are made of blocks.
        for reducers, before, after in ((reducers, 2, 2), (reducers, 0, 3), (reducers, 40, 0),
                                        (folds, 6, 7), (folds, 0, 12), (folds, 13, 0),
                                        (folds, 19, 8), (folds, 50, 50)):
            got = self.computed({"cube_type": "window_time", "window": [before, after],
                                 "reducer_bands": [[name, "a"] for name in reducers],
                                 "in_cube": self.labelled})
            for name, function in reducers.items():
                self.same(got["a_" + name], windows(VALUES, before, after, or_missing(function)))

    def test_which(self):
        for name, function, before, after in (
                ("which_min", np.nanargmin, 2, 1), ("which_max", np.nanargmax, 2, 1),
                ("which_min", np.nanargmin, 9, 6), ("which_max", np.nanargmax, 5, 10)):
            got = self.computed({"cube_type": "window_time", "window": [before, after],
                                 "reducer_bands": [[name, "a"], [{"name": name, "index": True}, "a"]],
                                 "names": ["when", "index"], "in_cube": self.labelled})
            index = np.full(VALUES.shape, np.nan)
            for t, y, x in np.ndindex(*VALUES.shape):
                window = VALUES[max(0, t - before):t + after + 1, y, x]
                if not np.isnan(window).all():
                    index[t, y, x] = max(0, t - before) + function(window)
            when = np.where(np.isnan(index), np.nan,
                            seconds(DATES)[np.nan_to_num(index).astype(int)])
            self.same(got["index"], index)
            self.same(got["when"], when, 0)

    def test_kernel(self):
        kernel = [0.1, 0.5, 0.7, -0.3]
        got = self.computed({"cube_type": "window_time", "window": [1, 2], "kernel": kernel,
                             "in_cube": self.labelled})
        expected = np.full(VALUES.shape, np.nan)
        expected[1:-2] = sum(k * VALUES[i:SLICES - 3 + i] for i, k in enumerate(kernel))
        self.same(got["a"], expected)

    def test_filled(self):
        days = (seconds(DATES) - seconds(DATES)[0]) / 86400
        for node, values, places, limits in (
                (self.labelled, VALUES, days, (None, 45)),
                (self.regular, self.months, np.arange(len(self.months)), (None, 1, 2))):
            cases = [(method, limit) for method in ("near", "linear", "locf", "nocb")
                     for limit in limits]
            got = self.computed_each([
                {"cube_type": "fill_time", "method": method, "in_cube": node,
                 **({"limit": limit} if limit else {})} for method, limit in cases])
            for cells, (method, limit) in zip(got, cases):
                self.same(cells, each_series(filled, values, places, method, limit or np.inf))

    def test_anomalies(self):
        array = xr.DataArray(VALUES, dims=("t", "y", "x"),
                             coords={"t": np.array(DATES, dtype="datetime64[ns]")})
        early = array.sel(t=slice("2018", "2019")).mean("t")
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = [array.groupby("t.month") - array.groupby("t.month").mean(),
                        array.groupby("t.season") - array.groupby("t.season").mean(),
                        (array - early) / early,
                        array.groupby("t.season") -
                        array.sel(t=slice("2018-06", "2020-02")).groupby("t.season").median(),
                        (array - array.mean("t")) / array.std("t", ddof=1)]
        got = self.computed_each([
            {"cube_type": "anomaly", "in_cube": self.labelled, **more}
            for more in ({"group": "month"}, {"group": "season"},
                         {"baseline": {"t1": "2019"}, "method": "relative"},
                         {"group": "season", "func": "median",
                          "baseline": {"t0": "2018-06", "t1": "2020-02"}},
                         {"method": "standardized"})])
        for cells, want in zip(got, expected):
            self.same(cells, want.transpose("t", "y", "x").values)

    def test_trends(self):
        years = (seconds(DATES) - seconds(DATES)[0]) / YEAR
        for harmonics in (0, 1, 3):
            got = self.computed({"cube_type": "trend_time", "season_harmonics": harmonics,
                                 "in_cube": self.labelled})
            expected = each_series(least_squares, VALUES, years, harmonics)
            for i, name in enumerate(("slope", "intercept", "r2", "p_value", "n")):
                self.same(got["a_" + name], expected[i], 1e-8)
        months = np.array([d.month for d in DATES])
        for keys, groups in (({}, None), ({"group": "month"}, months),
                             ({"group": "season"}, months % 12 // 3)):
            got = self.computed({"cube_type": "trend_time", "method": "theil_sen", **keys,
                                 "in_cube": self.labelled})
            expected = each_series(theil_sen, VALUES, years, groups)
            for i, name in enumerate(("slope", "intercept", "p_value", "n")):
                self.same(got["a_" + name], expected[i], 1e-8)

    def test_smoothed(self):
        days = (seconds(DATES) - seconds(DATES)[0]) / 86400
        for node, values, places in ((self.labelled, VALUES, days),
                                     (self.regular, self.months, np.arange(len(self.months)))):
            windows_and_orders = ((5, 2), (9, 3), (7, 0))
            strengths_and_orders = ((1, 1), (10, 2), (1000, 2), (0.5, 3), (2, 4))
            got = self.computed_each(
                [{"cube_type": "smooth_time", "method": "savgol", "window": window,
                  "order": order, "in_cube": node} for window, order in windows_and_orders] +
                [{"cube_type": "smooth_time", "method": "whittaker", "lambda": strength,
                  "order": order, "in_cube": node} for strength, order in strengths_and_orders])
            for cells, (window, order) in zip(got, windows_and_orders):
                self.same(cells, each_series(savgol, values, places, window, order), 1e-8)
            for cells, (strength, order) in zip(got[len(windows_and_orders):], strengths_and_orders):
                self.same(cells, each_series(whittaker, values, places, strength, order), 1e-6)

    def test_best(self):
        got = self.computed({"cube_type": "best_time", "by": "abs(a - 50)", "order": "min",
                             "time_band": "when", "in_cube": self.labelled})
        distance = np.where(np.isnan(VALUES), np.inf, abs(VALUES - 50))
        index = np.argmin(distance, axis=0)
        there = np.isfinite(distance.min(axis=0))
        best = np.take_along_axis(VALUES, index[None], axis=0)[0]
        self.same(got["a"], best)
        self.same(got["when"], np.where(there, seconds(DATES)[index], np.nan), 0)

    def test_reductions_of_series_are_computed_in_slabs(self):
        """What a consumer pulls slice by slice is what it would get whole."""
        places = np.arange(len(self.months))
        smooth = {"cube_type": "smooth_time", "method": "whittaker", "in_cube": self.regular}
        filling = {"cube_type": "fill_time", "method": "linear", "limit": 2, "in_cube": smooth}
        got = self.computed({"cube_type": "reduce_time", "in_cube": filling,
                             "reducer_bands": [["mean", "a"], ["median", "a"]]})
        values = each_series(whittaker, self.months, places, 10, 2)
        self.same(got["a_mean"], or_missing(np.mean)(values), 1e-7)
        self.same(got["a_median"], or_missing(np.median)(values), 1e-7)



# Leap days, ends of years and seconds before midnight, days that several slices share.
GROUPED = sorted({datetime.datetime.fromisoformat(d) for d in (
    "2015-12-30", "2015-12-31T23:59:59", "2016-01-01", "2016-02-28T23:59:59", "2016-02-29",
    "2016-02-29T12:00:00", "2016-03-01", "2016-12-31T06:00:00", "2017-01-01", "2017-02-28",
    "2017-03-01", "2020-02-29T10:00:00", "2020-03-01", "2020-12-31")} |
    {datetime.datetime(2016, 1, 1, 7, 30) + datetime.timedelta(days=int(d), hours=int(h))
     for d, h in zip(RANDOM.integers(0, 1500, 40), RANDOM.integers(0, 15, 40))})
FUNCTIONS = {
    "min": np.min, "max": np.max, "mean": np.mean, "median": np.median, "sum": np.sum,
    "prod": np.prod, "var": lambda v: np.var(v, ddof=1) if v.size > 1 else np.nan,
    "sd": lambda v: np.std(v, ddof=1) if v.size > 1 else np.nan, "first": lambda v: v[0],
    "last": lambda v: v[-1], "range": np.ptp, "q1": lambda v: np.quantile(v, 0.25),
    "q3": lambda v: np.quantile(v, 0.75), "p90": lambda v: np.quantile(v, 0.9),
    "p33.3": lambda v: np.quantile(v, 0.333), "any": lambda v: float(np.any(v != 0)),
    "all": lambda v: float(np.all(v != 0)), "rms": lambda v: np.sqrt(np.mean(v * v)),
    "mad": lambda v: np.median(np.abs(v - np.median(v))),
    "mode": lambda v: min(pd.Series(v).mode())}


def dekad(dates):
    return np.minimum((dates.day - 1) // 10, 2)


class Groups(SeriesCase):
    def setUp(self):
        super().setUp()
        shape = (len(GROUPED), 3, 4)
        self.values = np.round(RANDOM.normal(3, 2, shape), 1)
        self.values[RANDOM.random(shape) < 0.3] = np.nan
        self.values[:, 1, 1] = np.nan
        # A variance of 1e-6 about 1e9, of numbers that are exact in binary.
        self.big = 1e9 + np.round(self.values) / 1024
        self.source = {"cube_type": "simple_cube", "band_names": ["a", "big"],
                       **self.written([self.values, self.big], GROUPED)}
        self.dates = pd.DatetimeIndex(GROUPED)

    def groupings(self):
        """Each grouping with the label of every slice's group and the labels of the result."""
        dates = self.dates
        day = dates.normalize()
        month = dates.to_period("M").start_time
        starts = {"day": (day, "D"), "week": (day - pd.to_timedelta(dates.weekday, "D"), "7D"),
                  "month": (month, "MS"), "season": (dates.to_period("Q-NOV").start_time, "3MS"),
                  "year": (dates.to_period("A").start_time, "YS")}
        for period, (own, step) in starts.items():
            yield {"period": period}, own, pd.date_range(own[0], own[-1], freq=step)
        own = month + pd.to_timedelta(10 * dekad(dates), "D")
        months = pd.date_range(own[0].replace(day=1), own[-1], freq="MS")
        every = sorted(m + pd.Timedelta(days=d) for m in months for d in (0, 10, 20))
        yield {"period": "dekad"}, own, [d for d in every if own[0] <= d <= own[-1]]
        for dt, step, first in (("P16D", "16D", day[0]), ("P1M", "MS", month[0]),
                                ("PT36H", "36H", dates[0].floor("H"))):
            all_steps = pd.date_range(first, dates[-1], freq=step)
            yield {"dt": dt}, all_steps[all_steps.searchsorted(dates, "right") - 1], all_steps
        own = dates[np.arange(len(dates)) // 7 * 7]
        yield {"fact": 7}, own, own.unique()
        year = pd.Timestamp(dates[0].year, 1, 1)
        new_month = [year + pd.DateOffset(months=m - 1) for m in dates.month]
        cycles = {"month": new_month,
                  "season": [year + pd.DateOffset(months=m % 12 // 3 * 3 - 1) for m in dates.month],
                  "dekad": [m + pd.Timedelta(days=10 * d) for m, d in zip(new_month, dekad(dates))],
                  "dayofyear": [year + pd.Timedelta(days=d - 1) for d in dates.dayofyear],
                  "year": dates.to_period("A").start_time}
        for group, own in cycles.items():
            own = pd.DatetimeIndex(own)
            yield {"group": group}, own, own.unique().sort_values()

    def test_every_grouping(self):
        names = list(FUNCTIONS)
        for i, (keys, own, labels) in enumerate(self.groupings()):
            with self.subTest(keys):
                func = names[i % len(names)]
                nodes = [{"cube_type": "aggregate_time", **keys, "func": func},
                         {"cube_type": "best_time", **keys, "by": "a", "time_band": "when"}]
                got = self.computed({"cube_type": "join_bands", "prefixes": ["all", "best"],
                                     "in_cubes": [{**node, "in_cube": self.source}
                                                  for node in nodes]})
                self.assertEqual(self.times, list(labels))
                for name, function in (("all.a", FUNCTIONS[func]), ("best.a", np.max)):
                    self.same(got[name], [or_missing(function)(self.values[own == label])
                                          for label in labels])
                best, when = got["best.a"], got["best.when"]
                for index in np.ndindex(*best.shape):
                    series = self.values[(slice(None),) + index[1:]]
                    first = seconds(GROUPED)[(own == labels[index[0]]) & (series == best[index])]
                    np.testing.assert_equal(when[index], first[0] if first.size else np.nan)

    def test_anomalies_of_every_group(self):
        """In every grouping: from the mean and the median of a baseline, in every method."""
        year = self.dates.year
        groups = {"month": self.dates.month, "season": self.dates.month % 12 // 3,
                  "dekad": self.dates.month * 3 + dekad(self.dates), "dayofyear": self.dates.dayofyear,
                  "year": year, None: year * 0}
        cases = [(group, func, method) for group in groups for func in ("mean", "median")
                 for method in ("difference", "relative", "standardized")]
        nodes = [{"cube_type": "anomaly", **({"group": group} if group else {}), "func": func, "method": method,
                  "baseline": {"t0": "2016", "t1": "2019-06"},
                  "in_cube": {"cube_type": "select_bands", "bands": ["a"], "in_cube": self.source}}
                 for group, func, method in cases]
        got = sum((self.computed_each(nodes[i:i + 12]) for i in range(0, len(nodes), 12)), [])
        normal = np.array((self.dates >= "2016") & (self.dates < "2019-07"))
        for cells, (group, func, method) in zip(got, cases):
            expected = np.full(self.values.shape, np.nan)
            for own in np.unique(groups[group]):
                base = self.values[normal & (groups[group] == own)]
                if not len(base):
                    continue
                mean = or_missing(FUNCTIONS[func])(base)
                sd = or_missing(FUNCTIONS["sd"])(base)
                divisor = {"difference": 1, "relative": np.where(mean == 0, np.nan, mean),
                           "standardized": np.where(sd == 0, np.nan, sd)}[method]
                expected[groups[group] == own] = (self.values[groups[group] == own] - mean) / divisor
            with self.subTest(f"{group} {func} {method}"):
                self.same(cells, expected)

    def test_every_reducer(self):
        for band, values in (("a", self.values), ("big", self.big)):
            names = [name for name in FUNCTIONS if band == "a" or name != "prod"]
            which = [["which_min", band], [{"name": "which_max", "index": True}, band]]
            got = self.computed({"cube_type": "reduce_time", "in_cube": self.source,
                                 "reducer_bands": [[name, band] for name in names] +
                                 [["count", band]] + which,
                                 "names": names + ["count", "when", "index"]})
            for name in names:
                # numpy's own variance is no more exact than its mean.
                exact = 1e-7 if name in ("var", "sd") else 1e-15
                np.testing.assert_allclose(got[name][0], or_missing(FUNCTIONS[name])(values),
                                           rtol=1e-9 if band == "a" else exact, err_msg=name)
            # Of the differences alone, which are exact.
            for name in ("var", "sd", "range", "mad"):
                small = or_missing(FUNCTIONS[name])(values - (1e9 if band == "big" else 0))
                np.testing.assert_allclose(got[name][0], small, rtol=1e-13, err_msg=name)
            self.same(got["count"][0], np.sum(~np.isnan(values), axis=0), 0)
            filled = np.where(np.isnan(values), np.inf, values)
            there = np.isfinite(filled).any(axis=0)
            self.same(got["when"][0], np.where(there, seconds(GROUPED)[filled.argmin(axis=0)],
                                               np.nan), 0)
            self.same(got["index"][0], np.where(
                there, np.where(np.isnan(values), -np.inf, values).argmax(axis=0), np.nan), 0)


if __name__ == "__main__":
    unittest.main()
