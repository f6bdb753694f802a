"""apply_pixel: every operator, function and variable of formulas against numpy and Python's calendar,
and what is said about the bands it makes against xarray and GDAL."""
import datetime
import re
import subprocess
import sys
import unittest

try:
    import numpy as np
    import xarray as xr
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from array_files import ArrayCase, dataset
from program import CUBE, cube

gdal.UseExceptions()
RANDOM = np.random.default_rng(31)
SHAPE = (5, 13, 17)
EPOCH = datetime.datetime(1970, 1, 1)


def some(values, share=0.15):
    values = np.array(values, dtype=float)
    values[RANDOM.random(SHAPE) < share] = np.nan
    return values


def sown(specials):
    """Random numbers, half of them from a list."""
    normal = RANDOM.normal(0, 20, SHAPE)
    return some(np.where(RANDOM.random(SHAPE) < 0.5, RANDOM.choice(specials, SHAPE), normal))


CELLS = {
    "a": sown([0, 1, -1, 0.5, -0.5, 2.5, -2.5, 1e10, -1e-9, 1e300, 9007199254740992.0]),
    "b": sown([0, 1, 2, -3, 0.5, 10]),
    "k": some(RANDOM.integers(-300, 70000, SHAPE)),
    "n": some(RANDOM.integers(0, 20, SHAPE)),
    "u": some(RANDOM.uniform(-1, 1, SHAPE)),
    "t": some(RANDOM.choice([951782400, 951868799, 1709164800, -1, 0, 86399.5, 1e9 + 0.25], SHAPE) +
              np.where(RANDOM.random(SHAPE) < 0.5, 0, RANDOM.integers(-2 ** 34, 2 ** 34, SHAPE))),
}


def whole(*values):
    """The whole parts, as objects of Python; False where they are too large for bits."""
    there = np.all([np.abs(v) < 2.0 ** 53 for v in values], axis=0)
    return there, [np.array([int(x) if ok else 0 for x, ok in zip(v.ravel(), there.ravel())],
                            dtype=object).reshape(v.shape) for v in values]


def bits(function):
    def run(*values):
        there, numbers = whole(*values)
        return np.where(there, np.array(function(*numbers), dtype=float), np.nan)
    return run


def date(part):
    def one(t):
        return getattr(EPOCH + datetime.timedelta(seconds=int(np.floor(t))), part)

    def run(t):
        values = [one(x) for x in t.ravel()]
        values = [v() if callable(v) else v for v in values]
        values = [v.tm_yday if part == "timetuple" else v for v in values]
        return np.array(values, dtype=float).reshape(t.shape)
    return run


def python(function):
    """A function of whole numbers; None = missing."""
    def run(*values):
        return np.array([function(*map(int, v)) for v in zip(*(x.ravel() for x in values))],
                        dtype=float).reshape(values[0].shape)
    return run


def product(first, last):
    out = 1
    for i in range(first, last + 1):
        out *= i
    return out


def away(v):
    return np.sign(v) * np.floor(np.abs(v) + 0.5)


# Missing where any operand is.
STRICT = {
    **{f"{name}(a)": getattr(np, name) for name in
       ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log10", "log2", "sqrt", "abs", "sign", "rint",
        "floor", "ceil")},
    "asin(u)": np.arcsin, "acos(u)": np.arccos, "atan(a)": np.arctan, "asinh(a)": np.arcsinh,
    "acosh(a)": np.arccosh, "atanh(u)": np.arctanh, "atan2(a, b)": np.arctan2, "log(a)": np.log,
    "ln(a)": np.log, "round(b)": away, "-b": np.negative, "!b": lambda b: b == 0,
    "a + b": np.add, "a - b": np.subtract, "a * b": np.multiply, "a / b": np.divide, "a % b": np.fmod,
    "b ^ n": np.power, "a ^ b": np.power, "pow(a, u)": np.power, "2 ^ -n": lambda n: 0.5 ** n,
    "a < b": np.less, "a <= b": np.less_equal, "a > b": np.greater, "a >= b": np.greater_equal,
    "b == n": np.equal, "b != n": np.not_equal,
    "a && b": lambda a, b: (a != 0) & (b != 0), "a || b": lambda a, b: (a != 0) | (b != 0),
    "min(a, b, n)": lambda a, b, n: np.minimum(np.minimum(a, b), n),
    "max(a, b, n)": lambda a, b, n: np.maximum(np.maximum(a, b), n),
    "sum(b, u, n)": lambda b, u, n: b + u + n, "avg(b, u, n)": lambda b, u, n: (b + u + n) / 3,
    "clamp(a, -3, n)": lambda a, n: np.minimum(np.maximum(a, -3), n),
    "nd(a, b)": lambda a, b: (a - b) / (a + b),
    "k & n": bits(lambda k, n: k & n), "k | n": bits(lambda k, n: k | n), "a & 5": bits(lambda a: a & 5),
    "~k": bits(lambda k: ~k), "k << 3": bits(lambda k: k << 3), "k >> 2": bits(lambda k: k >> 2),
    "k << n": bits(np.frompyfunc(lambda k, n: k << n, 2, 1)),
    "bit(k, n)": bits(np.frompyfunc(lambda k, n: k >> n & 1, 2, 1)),
    "fac(n)": python(lambda n: product(1, n)),
    "ncr(n, 3)": python(lambda n: product(n - 2, n) // 6 if n >= 3 else None),
    "npr(n, 3)": python(lambda n: product(n - 2, n) if n >= 3 else None),
    "year(t)": date("year"), "month(t)": date("month"), "day(t)": date("day"),
    "dayofyear(t)": date("timetuple"), "weekday(t)": date("isoweekday"), "hours(t)": date("hour"),
    "minutes(t)": date("minute"), "seconds(t)": date("second"),
    "pi * n + _e": lambda n: np.pi * n + np.e, "0x1F & k": bits(lambda k: 31 & k),
}
# Those that see what is missing: all of them as they stand.
SEEING = {
    "isnan(a)": np.isnan, "isfinite(a / b)": lambda a, b: np.isfinite(a / b),
    **{text: lambda a, b, n: np.where(np.isnan(a) | np.isnan(b), np.nan, np.where(a > b, a, n))
       for text in ("iif(a > b, a, n)", "ifelse(a > b, a, n)", "a > b ? a : n")},
    "iif(isnan(a), b, a)": lambda a, b: np.where(np.isnan(a), b, a),
    "isnan(a) + isnan(b) > 1 ? -1 : max(a, b)":
        lambda a, b: np.where(np.isnan(a) & np.isnan(b), -1, np.maximum(a, b)),
}


def strict(text, function):
    names = list(dict.fromkeys(re.findall(r"\b[abknut]\b", text)))
    values = [CELLS[name] for name in names]
    there = ~np.any(np.isnan(values), axis=0)
    out = np.full(SHAPE, np.nan)
    out[there] = function(*(v[there] for v in values))
    return out


class Pixels(ArrayCase):
    def source(self):
        data = dataset(names=())
        for name, cells in CELLS.items():
            data[name] = (("time", "y", "x"), cells)
        return {"cube_type": "ncdf", "file": self.save(data, "ncdf")}

    def run_graph(self, graph, name="out.nc", *more):
        result = cube("run", self.graph(graph), "-o", self.path(name), "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.path(name)

    def formulas(self, texts, source, *more):
        """The cells of each."""
        graph = {"cube_type": "apply_pixel", "expr": list(texts), "dtype": "float64",
                 "band_names": [f"f{i}" for i in range(len(texts))], "in_cube": source}
        made = xr.open_dataset(self.run_graph(graph, "out.nc", *more)).load()
        return {text: made[f"f{i}"].values for i, text in enumerate(texts)}

    def test_operators_and_functions(self):
        got = self.formulas([*STRICT, *SEEING], self.source(), "--chunk", "2,5,6")
        with np.errstate(all="ignore"):
            for text, function in STRICT.items():
                with self.subTest(text):
                    wanted = strict(text, function)
                    self.assertGreater(np.isfinite(wanted).sum(), 100)
                    np.testing.assert_allclose(got[text], wanted, rtol=1e-14)
            for text, function in SEEING.items():
                names = list(dict.fromkeys(re.findall(r"\b[abn]\b", text)))
                with self.subTest(text):
                    wanted = function(*(CELLS[name] for name in names))
                    np.testing.assert_allclose(got[text], wanted, rtol=1e-15)

    def test_nothing_that_the_help_names_is_left_out(self):
        text = subprocess.run([CUBE, "ops", "apply_pixel"], capture_output=True, text=True, check=True).stdout
        functions = set(re.findall(r"^([a-z_0-9]+)\([a-z, .]+\)", text, re.MULTILINE))
        self.assertGreater(len(functions), 40)
        tested = set(re.findall(r"([a-z_0-9]+)\(", " ".join([*STRICT, *SEEING])))
        self.assertEqual(functions - tested, set())

    def test_variables(self):
        view = {"space": {"left": 500005, "right": 500175, "bottom": 4999900, "top": 4999965, "dx": 10,
                          "dy": 5, "srs": "EPSG:32631"},
                "time": {"t0": "2019-11-01", "t1": "2020-03-31", "dt": "P1M"}}
        source = {"cube_type": "dummy", "view": view}
        it, iy, ix = np.mgrid[0:5, 0:13, 0:17]
        starts = np.array([f"20{m // 12}-{m % 12 + 1:02}-01" for m in range(19 * 12 + 10, 19 * 12 + 16)],
                          dtype="datetime64[s]").astype(float)
        left, top = 500005 + 10.0 * ix, 4999965 - 5.0 * iy
        wanted = {"ix": ix, "iy": iy, "it": it, "left": left, "x": left + 5, "right": left + 10, "top": top,
                  "y": top - 2.5, "bottom": top - 5, "t0": starts[it], "t1": starts[it + 1],
                  "day(t1 - 1)": np.array([30, 31, 31, 29, 31])[it]}
        for more in ((), ("--chunk", "2,5,6", "--threads", "3")):
            got = self.formulas(wanted, source, *more)
            for text, cells in wanted.items():
                with self.subTest(text):
                    np.testing.assert_array_equal(got[text], cells)

    def test_what_is_said_of_new_bands(self):
        limits = {name: (np.iinfo(name).min, np.iinfo(name).max)
                  for name in ("uint8", "int16", "uint16", "int32", "uint32")}
        nodata = {"uint8": 255, "int16": -9999, "uint16": 7, "int32": 0, "uint32": 4294967295}
        types = [*limits, "float32", "float64"]
        scales = [0.5, 0.01, 2, -1, 1, 1, 10]
        offsets = [0, -273.15, 5, 0, 0, 3, -1]
        real = np.clip(np.nan_to_num(CELLS["a"], nan=np.nan), -1e9, 1e9)
        for dtypes in (types[:5], types[5:]):
            first = types.index(dtypes[0])
            graph = {"cube_type": "apply_pixel", "expr": ["clamp(a, -1e9, 1e9)"] * len(dtypes),
                     "band_names": [f"b_{t}" for t in dtypes], "dtype": dtypes, "in_cube": self.source(),
                     "scale": scales[first:first + len(dtypes)], "offset": offsets[first:first + len(dtypes)]}
            if first == 0:
                graph["nodata"] = list(nodata.values())
            path = self.run_graph(graph)
            stored, decoded = (xr.open_dataset(path, mask_and_scale=scaled).load()
                               for scaled in (False, True))
            self.run_graph({"cube_type": "slice_time", "it": 0, "in_cube": graph}, "one_{band}.tif")
            for i, name in enumerate(dtypes):
                with self.subTest(name):
                    values = real
                    if name in limits:
                        values = np.clip(np.rint(real), *limits[name])
                        # What only rounds or clamps to nodata is stored beside it.
                        beside = nodata[name] + (1 if nodata[name] == limits[name][0] else -1)
                        values = np.where((values == nodata[name]) & (real != values), beside, values)
                        values = np.where(np.isnan(real), nodata[name], values)
                    band = stored[f"b_{name}"]
                    self.assertEqual(str(band.dtype), name)
                    np.testing.assert_array_equal(band.values, values.astype(name))
                    self.assertEqual((band.attrs.get("scale_factor", 1), band.attrs.get("add_offset", 0)),
                                     (scales[first + i], offsets[first + i]))
                    missing = np.isnan(real) | (values == nodata.get(name, np.inf))
                    physical = np.where(missing, np.nan,
                                        values.astype(name) * float(scales[first + i]) + offsets[first + i])
                    np.testing.assert_allclose(decoded[f"b_{name}"].values, physical, rtol=1e-6)
                    file = gdal.Open(self.path(f"one_b_{name}.tif"))
                    raster = file.GetRasterBand(1)
                    np.testing.assert_array_equal(raster.ReadAsArray(), values.astype(name)[0])
                    self.assertEqual((raster.GetScale() or 1, raster.GetOffset() or 0),
                                     (scales[first + i], offsets[first + i]))
                    if name in limits:
                        self.assertEqual(raster.GetNoDataValue(), nodata[name])


if __name__ == "__main__":
    unittest.main()
