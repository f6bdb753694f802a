"""Every key of the sources by what it does: chunks, masks and composites of image_collection, overviews and
alignment of raster, times of simple_cube, constants. Oracles: numpy, GDAL, Python's calendar."""
import datetime
import json
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from array_files import dataset
from program import VIEW, cube
from raster_files import RasterCase

gdal.UseExceptions()
HEIGHT, WIDTH = 12, 16
RULES = {"first": lambda v: v[0], "last": lambda v: v[-1], "none": lambda v: v[-1], "min": np.min, "max": np.max,
         "mean": np.mean, "median": np.median, "count_values": len}


def square(hidden, reach):
    """Grown by so many cells, corners too."""
    out = np.zeros_like(hidden)
    for y, x in np.argwhere(hidden):
        out[max(0, y - reach):y + reach + 1, max(0, x - reach):x + reach + 1] = True
    return out


class Chunks(RasterCase):
    """chunk_size is the size of the chunks, whatever stands above the source, and changes no cell."""

    def check(self, source, size):
        graphs = [source, {**source, "chunk_size": size},
                  {"cube_type": "crop", "it_min": 0, "in_cube": {**source, "chunk_size": size}}]
        shapes, cells = [], []
        for graph in graphs:
            plan = cube("plan", self.graph(graph), "--json")
            self.assertEqual(plan.returncode, 0, plan.stderr)
            shapes.append(json.loads(plan.stdout)["chunk_shape"])
            if graph is graphs[1]:
                continue
            out = self.path("out.nc")
            result = cube("run", self.graph(graph), "-o", out, "--overwrite")
            self.assertEqual(result.returncode, 0, result.stderr)
            group = gdal.OpenEx(out, gdal.OF_MULTIDIM_RASTER).GetRootGroup()
            arrays = [group.OpenMDArray(name) for name in group.GetMDArrayNames()]
            cells.append([a.ReadAsArray() for a in arrays if a.GetDimensionCount() == 3])
        self.assertNotEqual(shapes[0], size)
        self.assertEqual(shapes[1:], [size, size])
        self.assertGreater(len(cells[0]), 0)
        for a, b in zip(*cells):
            np.testing.assert_array_equal(a, b)

    def test_constants(self):
        for name, more in (("dummy", {"fill": -2.5}), ("empty", {})):
            self.check({"cube_type": name, "nbands": 2, "view": VIEW, **more}, [2, 7, 9])

    def test_stack(self):
        random = np.random.default_rng(51)
        self.check(self.stack(random.normal(0, 1, (5, 40, 50)), tile=16), [2, 7, 9])

    def test_arrays(self):
        data = dataset()
        data.to_netcdf(self.path("a.nc"))
        data.to_zarr(self.path("a.zarr"))
        for kind, file in (("ncdf", "a.nc"), ("zarr", "a.zarr")):
            self.check({"cube_type": kind, "file": file}, [2, 7, 9])

    def test_collection(self):
        for command in (("sample", self.path("sample")),
                        ("catalog", "create", self.path("s2.db"), self.path("sample/archive"))):
            self.assertEqual(cube(*command).returncode, 0)
        view = {"space": {"left": 713000, "right": 715400, "bottom": 5540000, "top": 5542000, "dx": 100,
                          "srs": "EPSG:32631"},
                "time": {"t0": "2023-01", "t1": "2023-06", "dt": "P1M"}}
        self.check({"cube_type": "image_collection", "file": "s2.db", "view": view}, [2, 7, 9])


class Constants(RasterCase):
    def test_cells(self):
        for node, cells in (({"cube_type": "dummy", "fill": -2.5}, -2.5), ({"cube_type": "dummy"}, 1),
                            ({"cube_type": "empty"}, np.nan)):
            _, dataset_, bands = self.run_graph({"cube_type": "slice_time", "it": 1, "in_cube": {
                **node, "nbands": 3, "view": VIEW}})
            self.assertSame(bands, np.full((3, 30, 40), cells))
            self.assertEqual([dataset_.GetRasterBand(i).GetDescription() for i in (1, 2, 3)],
                             ["band1", "band2", "band3"])


class Collection(RasterCase):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(52)
        self.values = random.integers(1, 1000, (7, HEIGHT, WIDTH)).astype("uint16")
        self.values[random.random(self.values.shape) < 0.2] = 0  # missing
        self.quality = random.integers(0, 32, (7, HEIGHT, WIDTH)).astype("uint8")
        self.quality[self.quality == 9] = 0  # of which 9 means missing
        self.quality[random.random(self.quality.shape) < 0.1] = 9
        self.dates = ["2020-01-05", "2020-01-05", "2020-01-20", "2020-01-31", "2020-02-01", "2020-02-10",
                      "2020-04-04"]
        self.catalog(range(7))

    def catalog(self, with_quality):
        lines = ["name,datetime,v,q"]
        for i, date in enumerate(self.dates):
            self.write(f"v{i}.tif", self.values[i], 0, tile=16)
            self.write(f"q{i}.tif", self.quality[i], 9, tile=16)
            lines.append(f"image{i},{date},v{i}.tif,{f'q{i}.tif' if i in with_quality else ''}")
        self.graph("\n".join(lines) + "\n", "table.csv")
        made = cube("catalog", "create", self.path("c.db"), "--table", self.path("table.csv"), "--overwrite")
        self.assertEqual(made.returncode, 0, made.stderr)

    def source(self, rule="none", **keys):
        view = {"aggregation": rule, "resampling": "near",
                "space": {"left": 5e5, "right": 5e5 + 10 * WIDTH, "top": 5e6, "bottom": 5e6 - 10 * HEIGHT,
                          "dx": 10, "srs": "EPSG:32631"},
                "time": {"t0": "2020-01", "t1": "2020-04", "dt": "P1M"}}
        return {"cube_type": "select_bands", "bands": ["v"],
                "in_cube": {"cube_type": "image_collection", "file": "c.db", "view": view, **keys}}

    def composite(self, rule, hidden=None, left_out=()):
        """Of what is neither missing nor hidden, in the order of time and names."""
        out = np.full((4, HEIGHT, WIDTH), 0.0 if rule == "count_values" else np.nan)
        for t, y, x in np.ndindex(*out.shape):
            values = [float(self.values[i, y, x]) for i, date in enumerate(self.dates)
                      if int(date[5:7]) == t + 1 and i not in left_out and self.values[i, y, x] != 0 and
                      (hidden is None or not hidden[i, y, x])]
            if values:
                out[t, y, x] = RULES[rule](values)
        return out

    def test_every_composite(self):
        for rule in RULES:
            for more in ((), ("--chunk", "1,5,7", "--threads", "3")):
                with self.subTest(rule):
                    self.assertSame(self.series(self.source(rule), *more)[0], self.composite(rule), rtol=1e-7)
        counts, _ = self.series(self.source("count_images"))
        self.assertSame(counts, np.broadcast_to(np.array([4, 2, 0, 1])[:, None, None], counts.shape))

    def test_every_mask(self):
        q = self.quality.astype(int)
        there = q != 9
        two = np.isin(q, (3, 4)) & there
        field = (q >> 1) & 3
        masks = [({"values": [3, 4]}, two), ({"min": 20}, (q >= 20) & there), ({"max": 7}, (q <= 7) & there),
                 ({"min": 5, "max": 12}, (q >= 5) & (q <= 12) & there),
                 ({"values": [30], "min": 5, "max": 12}, ((q >= 5) & (q <= 12) | (q == 30)) & there),
                 ({"values": [3, 4], "invert": True}, ~two),
                 ({"bits": [1, 2], "values": [2, 3]}, (field >= 2) & there),
                 ({"bits": [1, 2], "min": 1, "max": 2, "invert": True}, ~((field >= 1) & (field <= 2) & there)),
                 ({"bits": [0, 4]}, (q & 17 != 0) & there),
                 ({"mask_type": "value_mask", "bits": [1, 2], "values": [4, 6]}, (field >= 2) & there),
                 ({"mask_type": "range_mask", "min": 5, "max": 12}, (q >= 5) & (q <= 12) & there)]
        grown = np.array([square(m, 2) for m in two])
        cases = [({"mask": mask, "mask_band": "q", "mask_stage": stage}, hidden)
                 for mask, hidden in masks for stage in ("native", "target")]
        cases += [({"mask": {"values": [3, 4], "dilate": 2, "band": "q"}}, grown),
                  ({"mask": [{"values": [3, 4], "band": "q"}, {"min": 900, "band": "v"}]},
                   two | (self.values >= 900))]
        for keys, hidden in cases:
            with self.subTest(keys):
                got, _ = self.series(self.source("first", **keys), "--chunk", "2,5,7")
                self.assertSame(got, self.composite("first", hidden))

    def test_images_without_the_mask_band(self):
        self.catalog((0, 1, 3, 4, 6))
        hidden = np.isin(self.quality, (3, 4))
        mask = {"values": [3, 4], "band": "q"}
        self.fails(2, "image2", "check", self.graph(self.source(mask=mask)))
        got, _ = self.series(self.source("median", mask={**mask, "missing": "drop"}))
        self.assertSame(got, self.composite("median", hidden, left_out=(2, 5)))
        hidden[[2, 5]] = False
        got, _ = self.series(self.source("median", mask={**mask, "missing": "ignore"}))
        self.assertSame(got, self.composite("median", hidden))

    def test_a_method_a_band(self):
        def cells(resampling):
            source = self.source("first")["in_cube"]
            source["view"]["resampling"] = resampling
            source["view"]["space"]["dx"] = 8
            return self.run_graph({"cube_type": "slice_time", "it": 0, "in_cube": source})[2]

        (v, q), (linear, _), (_, mode) = cells({"q": "mode", "*": "bilinear"}), cells("bilinear"), cells("mode")
        self.assertSame(v, linear)
        self.assertSame(q, mode)
        self.assertFalse(np.array_equal(linear, cells("mode")[0], equal_nan=True))

    def test_strict(self):
        self.graph("no raster", "v2.tif")
        self.fails(1, "v2.tif", "run", self.graph(self.source()), "-o", self.path("out.tif"), "--overwrite")
        result = cube("run", self.graph(self.source("last", strict=False)), "-o", self.path("out.tif"), "--overwrite")
        self.assertEqual(result.returncode, 1)
        self.assertIn("v2.tif", result.stderr)
        cells = gdal.Open(self.path("out.tif")).ReadAsArray()
        wanted = np.nan_to_num(self.composite("last", left_out=(2,)), nan=0)
        self.assertSame(cells, wanted)


class Rasters(RasterCase):
    def test_every_overview(self):
        random = np.random.default_rng(53)
        cells = random.integers(1, 200, (101, 75)).astype("uint8")
        cells[random.random(cells.shape) < 0.1] = 0
        source = self.write("a.tif", cells, 0, tile=16)
        dataset_ = gdal.Open(self.path("a.tif"), gdal.GA_Update)
        dataset_.BuildOverviews("AVERAGE", [2, 4, 8])
        dataset_ = None
        dataset_ = gdal.Open(self.path("a.tif"))
        for level in range(3):
            wanted = dataset_.GetRasterBand(1).GetOverview(level).ReadAsArray()
            self.assertEqual(wanted.shape, tuple(-(-n // 2 ** (level + 1)) for n in (101, 75)))
            for more in ((), ("--chunk", "1,7,11")):
                _, made, _ = self.run_graph({**source, "overview_level": level}, *more)
                np.testing.assert_array_equal(made.ReadAsArray(), wanted)
            left, dx, _, top, _, dy = made.GetGeoTransform()
            np.testing.assert_allclose([left, top, left + dx * made.RasterXSize, top + dy * made.RasterYSize],
                                       [5e5, 5e6, 5e5 + 750, 5e6 - 1010])

    def test_files_are_aligned(self):
        """To the first file's grid, or to that of another, as gdalwarp does."""
        random = np.random.default_rng(54)
        for name, shape, left, top, dx in (("a.tif", (40, 50), 5e5, 5e6, 10), ("b.tif", (90, 70), 5e5 - 31, 5e6 + 12, 7),
                                           ("like.tif", (60, 80), 5e5 + 20, 5e6 - 15, 4)):
            self.write(name, random.integers(1, 1000, shape).astype("float64"), None, left, top, dx, dx)
        for keys, grid in (({"align": "exact"}, "a.tif"), ({"like": "like.tif"}, "like.tif"),
                           ({"like": "like.tif", "align": "exact"}, "like.tif")):
            target = gdal.Open(self.path(grid))
            left, dx, _, top, _, _ = target.GetGeoTransform()
            width, height = target.RasterXSize, target.RasterYSize
            for method in ("near", "bilinear", "cubic"):
                graph = {"cube_type": "raster", "files": ["a.tif", "b.tif"], "bands": ["a", "b"],
                         "resampling": method, **keys}
                _, made, bands = self.run_graph(graph, "--chunk", "1,17,23")
                self.assertEqual(made.GetGeoTransform(), target.GetGeoTransform())
                for name, cells in zip(("a.tif", "b.tif"), bands):
                    warped = gdal.Warp("", self.path(name), format="MEM", resampleAlg=method, width=width,
                                       height=height, outputBounds=(left, top - height * dx, left + width * dx, top),
                                       dstNodata=np.nan, errorThreshold=0, warpOptions=["XSCALE=1", "YSCALE=1"])
                    wanted = warped.ReadAsArray()
                    inner = (slice(3, -3),) * 2 if method == "cubic" else (slice(None),) * 2  # it has edges of its own
                    if name == "b.tif" and method == "cubic" and grid == "a.tif":
                        continue  # shrinks
                    with self.subTest(f"{keys} {method} {name}"):
                        self.assertGreater(np.isfinite(wanted).mean(), 0.8)
                        self.assertSame(cells[inner], wanted[inner], rtol=1e-7)
        self.fails(2, "differ in", "check", self.graph(
            {"cube_type": "raster", "files": ["a.tif", "b.tif"], "align": "error"}))


class SignedBytes(RasterCase):
    """As MODIS's reliability has them, which GDAL before 3.7 takes for those from 0 to 255."""

    def test_every_way_to_read(self):
        random = np.random.default_rng(55)
        cells = random.integers(-127, 128, (40, 50))
        cells[random.random(cells.shape) < 0.2] = -128
        self.write("plain.tif", (cells & 255).astype("uint8"), tile=16)
        gdal.Translate(self.path("a.tif"), self.path("plain.tif"), creationOptions=["TILED=YES", "PIXELTYPE=SIGNEDBYTE"])
        file = gdal.Open(self.path("a.tif"), gdal.GA_Update)
        file.GetRasterBand(1).SetNoDataValue(-128)
        file = None
        self.write("wide.tif", np.where(cells == -128, -999, cells).astype("int16"), -999, tile=16)
        self.write("like.tif", np.zeros((60, 70), "uint8"), None, 5e5 + 3, 5e6 - 2, 7, 6)
        for more in ({}, {"like": "like.tif"}, {"like": "like.tif", "resampling": "bilinear"},
                     {"like": "like.tif", "resampling": "average"}, {"like": "like.tif", "resampling": "mode"}):
            wanted, _, _ = self.run_graph({"cube_type": "raster", "file": "wide.tif", "bands": ["a"], **more})
            for chunk in (("--chunk", "1,16,16"), ("--chunk", "1,7,11")):
                got, _, _ = self.run_graph({"cube_type": "raster", "file": "a.tif", "bands": ["a"], **more}, *chunk)
                with self.subTest(f"{more} {chunk}"):
                    self.assertSame(got, wanted)
                    self.assertTrue(np.nanmin(got) < -50)
        self.assertSame(self.run_graph({"cube_type": "raster", "file": "a.tif", "bands": ["a"]})[0],
                        np.where(cells == -128, np.nan, cells))


class Times(RasterCase):
    def test_times_of_names(self):
        times = [datetime.datetime(2019, 2, 28, 23, 59, 1), datetime.datetime(2020, 2, 29, 0, 0, 0),
                 datetime.datetime(2020, 12, 31, 12, 30, 59)]
        cells = np.ones((2, 2), "uint8")
        for form, pattern, parts in (("%Y%m%dT%H%M%S", "x_(.*)[.]tif", 6), ("%y%m%d", "x_([0-9]{6})", 3),
                                     ("%Y%j", "_([0-9]{7})[.]tif$", 3), ("%d-%b-%Y_%H", "x_(.+)[.]tif", 4),
                                     ("%Y.%m.%d %H:%M", "x_(.+)[.]tif", 5), (None, "x_([0-9]+T[0-9]+)", 6)):
            files = []
            for t in times:
                files.append(f"x_{t.strftime(form or '%Y%m%dT%H%M%S')}.tif")
                self.write(files[-1], cells)
            source = {"cube_type": "simple_cube", "files": files[::-1], "datetime_pattern": pattern}
            if form:
                source["datetime_format"] = form
            result = cube("info", self.graph(source), "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            got = [datetime.datetime.fromisoformat(t) for t in json.loads(result.stdout)["time"]]
            wanted = [datetime.datetime(*t.timetuple()[:parts]) for t in times]
            self.assertEqual(got, wanted, form)


if __name__ == "__main__":
    unittest.main()
