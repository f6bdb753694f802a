"""aggregate_space, reduce_space and window_space against numpy and GDAL, on rasters of random cells."""
import json
import math
import os
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import cube
from raster_files import RasterCase, gaps

gdal.UseExceptions()


class AggregateSpace(RasterCase):
    def check(self, dx, dy, func, reduce):
        random = np.random.default_rng(11)
        cells = gaps(random.integers(0, 90, (47, 83)), random)
        source = self.write("a.tif", cells)
        got, dataset, _ = self.run_graph({"cube_type": "aggregate_space", "dx": dx, "dy": dy,
                                          "func": func, "in_cube": source})
        height, width = (int(np.ceil(n * 10 / size)) for n, size in zip(cells.shape, (dy, dx)))
        left, step_x, _, top, _, step_y = dataset.GetGeoTransform()
        self.assertEqual((step_x, -step_y), (dx, dy))
        self.assertAlmostEqual(left, 5e5 - (width * dx - 830) / 2)
        self.assertAlmostEqual(top, 5e6 + (height * dy - 470) / 2)
        self.assertEqual(got.shape, (height, width))
        # By the centres, as gdalcubes does.
        rows = np.floor((top - (5e6 - 10 * (np.arange(47) + 0.5))) / dy + 1e-9).astype(int)
        columns = np.floor((5e5 + 10 * (np.arange(83) + 0.5) - left) / dx + 1e-9).astype(int)
        wanted = np.full((height, width), np.nan)
        for y in range(height):
            for x in range(width):
                under = cells[np.ix_(rows == y, columns == x)]
                self.assertGreater(under.size, 0)
                under = under[~np.isnan(under)]
                wanted[y, x] = reduce(under) if under.size or func == "count" else np.nan
        self.assertSame(got, wanted, rtol=1e-12)

    def test_whole_and_other_sizes(self):
        for dx, dy in ((30, 20), (25, 37.5), (10, 130), (1000, 11)):
            self.check(dx, dy, "mean", np.mean)

    def test_reducers(self):
        self.check(45, 45, "median", np.median)
        self.check(45, 45, "sd", lambda v: np.std(v, ddof=1))
        self.check(45, 45, "count", len)
        self.check(45, 45, "p90", lambda v: np.quantile(v, 0.9))


class ReduceSpace(RasterCase):
    """Slices larger than what is held, in several pieces, against numpy over the whole raster."""

    def reduce(self, source, reducers, *more):
        pairs = [[reducer, "a"] for reducer in reducers]
        names = [f"b{i}" for i in range(len(pairs))]
        document = {"cube_type": "reduce_space", "reducer_bands": pairs, "names": names,
                    "in_cube": source}
        _, dataset, bands = self.run_graph(document, *more)
        self.assertEqual((dataset.RasterXSize, dataset.RasterYSize), (1, 1))
        return [band[0, 0] for band in bands], dataset

    def test_types(self):
        random = np.random.default_rng(3)
        shape = (1100, 1300)
        smooth = random.normal(0, 1, shape)
        reducers = ["median", "p90", "q1", "mode", "mad", "count", "min", "max", "which_max"]
        for kind, cells, nodata in (
                ("uint16", np.abs(smooth) * 3000, 0), ("int16", smooth * 3000, -32768),
                ("float32", np.round(smooth * 1e4) * 1e-3, None),
                ("int32", np.round(smooth * 1e4) * 7, 7),
                ("float64", np.round(smooth * 1e4) * 1e-7, None)):
            cells = cells.astype(kind)
            source = self.write("a.tif", cells, nodata, tile=256)
            got, dataset = self.reduce(source, reducers)
            values = cells[cells != nodata] if nodata is not None else cells.ravel()
            values = values.astype(float)
            unique, counts = np.unique(values, return_counts=True)
            median = np.median(values)
            wanted = [median, np.quantile(values, 0.9), np.quantile(values, 0.25),
                      unique[np.argmax(counts)], np.median(np.abs(values - median)), values.size,
                      values.min(), values.max(), np.argmax(cells)]
            self.assertSame(got, wanted, rtol=0 if kind == "float64" else 6e-8)
        self.assertEqual(dataset.GetGeoTransform(), (5e5, 13000, 0, 5e6, 0, -11000))

    def test_sums_are_as_of_exact_arithmetic(self):
        random = np.random.default_rng(4)
        cells = random.normal(0, 1, (700, 1500)) * 10.0 ** random.integers(-8, 8, (700, 1500))
        source = self.write("a.tif", cells, tile=128)
        got, _ = self.reduce(source, ["sum", "mean", "rms", "var"])
        total = math.fsum(cells.ravel())
        squares = math.fsum((cells.ravel() - cells.mean()) ** 2)
        wanted = [total, total / cells.size, math.sqrt(math.fsum(cells.ravel() ** 2) / cells.size),
                  squares / (cells.size - 1)]
        self.assertSame(got, wanted, rtol=3e-16)

    def bytes(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_chunks_threads_and_memory_do_not_show(self):
        random = np.random.default_rng(5)
        cells = gaps(random.normal(0, 1, (600, 2500)) * 10.0 ** random.integers(-9, 9, (600, 2500)),
                     random)
        files = [self.write(f"a{i}.tif", cells * 1.7 ** i, tile=128)["file"] for i in range(5)]
        # Slices computed in one chunk and in five; pieces of the source in other blocks.
        striped = self.path("striped.tif")
        gdal.Translate(striped, self.path(files[0]), creationOptions=["TILED=NO"])
        document = {"cube_type": "reduce_space", "in_cube": {
            "cube_type": "simple_cube", "files": files, "band_names": ["a"],
            "datetime": [f"2020-01-0{i + 1}" for i in range(5)]},
            "reducer_bands": [[r, "a"] for r in ("sum", "mean", "sd", "prod", "median", "mad")]}
        outputs = []
        for more in (["--threads", "1", "--chunk", "5,1,1"], ["--threads", "4", "--chunk", "1,1,1"],
                     ["--threads", "2", "--memory", "300M", "--chunk", "2,1,1"], []):
            result = cube("run", self.graph(document), "-o", self.path("out_{t}.tif"),
                          "--overwrite", *more)
            self.assertEqual(result.returncode, 0, result.stderr)
            outputs.append([self.bytes(f"out_2020-01-0{i + 1}.tif") for i in range(5)])
        for other in outputs[1:]:
            self.assertEqual(outputs[0], other)
        document["in_cube"] = {"cube_type": "raster", "file": "striped.tif", "bands": ["a"]}
        first = [band[0, 0] for band in self.run_graph(document)[2]]
        document["in_cube"] = {"cube_type": "raster", "file": files[0], "bands": ["a"]}
        for threads in ("1", "2", "7"):  # pieces of one slice are computed by several workers
            again = self.run_graph(document, "--threads", threads)[2]
            self.assertEqual(first, [band[0, 0] for band in again])

    def test_a_broken_piece_fails_the_chunk(self):
        random = np.random.default_rng(6)
        source = self.write("a.tif", random.normal(0, 1, (1500, 2500)), tile=256)
        with open(self.path("a.tif"), "r+b") as file:
            file.truncate(os.path.getsize(self.path("a.tif")) * 3 // 4)
        document = {"cube_type": "reduce_space", "reducer_bands": [["mean", "a"]],
                    "in_cube": source}
        for threads in ("1", "3"):
            result = cube("run", self.graph(document), "-o", self.path("out.tif"), "--overwrite",
                          "--threads", threads)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("a.tif", result.stderr)
            self.assertFalse(os.path.exists(self.path("out.tif")))


    def test_a_series_is_made_once(self):
        random = np.random.default_rng(13)
        for shape in ((600, 1100), (90, 70)):  # in several pieces, and in one
            cells = [gaps(random.normal(0, 1, shape), random, 0.1) for _ in range(6)]
            files = [self.write(f"s{i}.tif", c, tile=128)["file"] for i, c in enumerate(cells)]
            smooth = {"cube_type": "anomaly", "in_cube": {
                "cube_type": "simple_cube", "files": files, "band_names": ["a"],
                "datetime": [f"2020-01-0{i + 1}" for i in range(6)]}}
            reducers = ["mean", "count", "median", "q1"]
            document = {"cube_type": "reduce_space", "in_cube": smooth,
                        "reducer_bands": [[r, "a"] for r in reducers[:2]]}
            outputs = []
            for passes in (1, None):
                for more in (["--threads", "1"], ["--threads", "2", "--memory", "300M"]):
                    result = cube("run", self.graph(document), "-o", self.path("out_{t}.tif"),
                                  "--overwrite", "--stats", self.path("stats.json"), *more)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    with open(self.path("stats.json")) as file:
                        nodes = json.load(file)["nodes"]
                    made = [node["cells"] for node in nodes if node["cube_type"] == "anomaly"]
                    if passes:
                        self.assertEqual(made, [6 * shape[0] * shape[1]])
                    outputs.append([self.bytes(f"out_2020-01-0{i + 1}.tif") for i in range(6)])
                document["reducer_bands"] = [[r, "a"] for r in reducers]
            self.assertEqual(outputs[0], outputs[1])
            self.assertEqual(outputs[2], outputs[3])
            stack = np.array(cells) - np.nanmean(cells, 0)
            for i in range(6):
                dataset = gdal.Open(self.path(f"out_2020-01-0{i + 1}.tif"))
                got = dataset.ReadAsArray().ravel()
                values = np.sort(stack[i][~np.isnan(stack[i])])
                self.assertSame(got, [values.mean(), values.size, np.median(values),
                                      np.quantile(values, 0.25)],
                                rtol=1e-9, atol=1e-12)


class WindowSpace(RasterCase):
    def test_padding_is_numpys(self):
        random = np.random.default_rng(6)
        cells = random.normal(0, 1, (37, 53))
        source = self.write("a.tif", cells, tile=16)
        kernel = random.normal(0, 1, (7, 11))
        for pad, mode in (("constant", {"mode": "constant", "constant_values": 2.5}),
                          ("replicate", {"mode": "edge"}), ("reflect", {"mode": "symmetric"}),
                          ("reflect_pixel", {"mode": "reflect"}), ("wrap", {"mode": "wrap"})):
            wide = np.pad(cells, ((3, 3), (5, 5)), **mode)
            views = np.lib.stride_tricks.sliding_window_view(wide, kernel.shape)
            document = {"cube_type": "window_space", "kernel": kernel.tolist(), "pad": pad,
                        "pad_fill": 2.5, "in_cube": source}
            for more in ([], ["--chunk", "1,8,8", "--threads", "3"]):
                got = self.run_graph(document, *more)[0]
                self.assertSame(got, np.einsum("yxij,ij->yx", views, kernel), atol=1e-12)

    def test_reducers(self):
        random = np.random.default_rng(8)
        cells = gaps(random.integers(0, 200, (41, 65)), random, 0.3)
        source = self.write("a.tif", cells, tile=16)
        wide = np.pad(cells, ((2, 2), (3, 3)), constant_values=np.nan)
        views = np.lib.stride_tricks.sliding_window_view(wide, (5, 7)).reshape(41, 65, -1)
        reducers = {"median": np.nanmedian(views, -1), "mean": np.nanmean(views, -1),
                    "max": np.nanmax(views, -1), "count": (~np.isnan(views)).sum(-1),
                    "sd": np.nanstd(views, -1, ddof=1), "p90": np.nanquantile(views, 0.9, -1),
                    "which_max": np.nanargmax(views, -1)}
        document = {"cube_type": "window_space", "win_size_y": 5, "win_size_x": 7,
                    "reducer_bands": [[name, "a"] for name in reducers], "in_cube": source}
        got = self.run_graph(document, "--chunk", "1,16,32")[2]
        for band, (name, wanted) in zip(got, reducers.items()):
            with self.subTest(name):
                self.assertSame(band, wanted, rtol=1e-12)

    def test_large_windows(self):
        random = np.random.default_rng(14)
        cells = gaps(np.round(random.normal(0, 30, (80, 150))), random, 0.3)
        cells[20:60, 70:130] = np.nan  # windows without a value, and with few
        cells[60:75, 10:40] = 7  # and of equal ones
        cells[5, 5], cells[70, 90] = np.inf, -np.inf
        source = self.write("a.tif", cells, tile=32)
        wide = np.pad(cells, ((4, 4), (7, 7)), mode="symmetric")
        views = np.lib.stride_tricks.sliding_window_view(wide, (9, 15)).reshape(80, 150, -1)
        reducers = {"median": 0.5, "p90": 0.9, "q1": 0.25, "p0": 0, "p100": 1}
        document = {"cube_type": "window_space", "win_size_y": 9, "win_size_x": 15,
                    "pad": "reflect", "reducer_bands": [[name, "a"] for name in reducers],
                    "in_cube": source}
        outputs = [self.run_graph(document, *more)[2]
                   for more in ([], ["--chunk", "1,23,41", "--threads", "3"])]
        for band, other, (name, q) in zip(*outputs, reducers.items()):
            with self.subTest(name):
                self.assertSame(band, np.nanquantile(views, q, -1), rtol=1e-12)
                self.assertSame(band, other)

    def test_sums_and_extremes(self):
        random = np.random.default_rng(15)
        cells = gaps(random.normal(0, 1, (61, 75)), random, 0.4)
        cells[20:40, 30:50] = np.nan
        source = self.write("a.tif", cells, tile=16)
        wide = np.pad(cells, ((4, 4), (1, 1)), constant_values=np.nan)
        views = np.lib.stride_tricks.sliding_window_view(wide, (9, 3)).reshape(61, 75, -1)
        there = (~np.isnan(views)).sum(-1)
        none = np.where(there > 0, 0, np.nan)
        wanted = {"sum": np.nansum(views, -1) + none, "mean": np.nanmean(views, -1),
                  "count": there, "rms": np.sqrt(np.nanmean(views ** 2, -1)),
                  "min": np.nanmin(views, -1), "max": np.nanmax(views, -1),
                  "range": np.nanmax(views, -1) - np.nanmin(views, -1)}
        document = {"cube_type": "window_space", "win_size_y": 9, "win_size_x": 3,
                    "reducer_bands": [[name, "a"] for name in wanted], "in_cube": source}
        outputs = [self.run_graph(document, *more)[2]
                   for more in ([], ["--chunk", "1,8,13", "--threads", "3"])]
        for band, other, (name, cells) in zip(*outputs, wanted.items()):
            with self.subTest(name):
                self.assertSame(band, cells, rtol=1e-12, atol=1e-14)
                self.assertSame(band, other)

    def test_gaussian(self):
        random = np.random.default_rng(9)
        cells = random.normal(0, 1, (50, 60))
        source = self.write("a.tif", cells)
        at = np.arange(-8, 9)
        weights = np.exp(-at ** 2 / (2 * 2.1 ** 2))
        weights /= weights.sum()
        wide = np.pad(cells, 8, mode="symmetric")
        views = np.lib.stride_tricks.sliding_window_view(wide, (17, 17))
        document = {"cube_type": "window_space", "preset": "gaussian", "sigma": 2.1,
                    "pad": "reflect", "in_cube": source}
        for more in ([], ["--chunk", "1,7,9"]):
            got = self.run_graph(document, *more)[0]
            self.assertSame(got, np.einsum("yxij,i,j->yx", views, weights, weights), atol=1e-12)

    def test_terrain_is_gdaldems(self):
        shared = os.path.abspath(os.path.join(os.environ["CUBE_SHARED"], "data", "elev.tif"))
        random = np.random.default_rng(10)
        surface = np.cumsum(np.cumsum(random.normal(0, 3, (90, 110)), 0), 1)
        surface[30:34, 40:47] = surface[31, 41]  # flat
        self.write("dem.tif", surface.astype("float32"))
        dems = [self.path("dem.tif")] + ([shared] if os.path.exists(shared) else [])
        for dem in dems:
            for preset, ours, theirs in (
                    ("slope", {}, {}), ("slope", {"percent": True}, {"slopeFormat": "percent"}),
                    ("slope", {"scale": 111120}, {"scale": 111120}), ("aspect", {}, {}),
                    ("hillshade", {}, {}),
                    ("hillshade", {"azimuth": 100, "altitude": 20, "z_factor": 3},
                     {"azimuth": 100, "altitude": 20, "zFactor": 3})):
                wanted = gdal.DEMProcessing("", dem, preset, format="MEM", **theirs)
                nodata = wanted.GetRasterBand(1).GetNoDataValue()
                wanted = wanted.ReadAsArray().astype(float)
                wanted[wanted == nodata] = np.nan
                document = {"cube_type": "window_space", "preset": preset, **ours,
                            "in_cube": {"cube_type": "raster", "file": dem, "bands": ["a"]}}
                got = self.run_graph(document, "--chunk", "1,40,50")[0]
                with self.subTest(f"{os.path.basename(dem)} {preset} {ours}"):
                    self.assertGreater(np.isfinite(wanted).sum(), 1000)
                    if preset == "hillshade":  # rounded
                        self.assertSame(got, wanted, atol=1)
                        self.assertLess((got != wanted)[np.isfinite(wanted)].mean(), 0.002)
                    else:
                        # GDAL takes differences of heights in single precision.
                        self.assertSame(got, wanted, rtol=2e-5, atol=5e-3)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # numpy's, about windows without values
