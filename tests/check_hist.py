#!/usr/bin/env python3
"""cube hist against numpy: counts, extremes, moments, percentiles and bins of bands of every type."""
import json
import unittest
import xml.etree.ElementTree as ElementTree

from needs import np
from program import DUMMY, Case, cube
from raster_files import KINDS, write_raster

PERCENTS = [0, 0.1, 2, 25, 50, 75, 99.9, 100]


class Hist(Case):
    def raster(self, bands, nodata=None, name="a.tif"):
        return write_raster(self.path(name), bands, (0, 10, 0, 0, 0, -10), nodata, epsg=None,
                            options=["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"])

    def hist(self, *arguments):
        result = cube("hist", *arguments, "--json", "-q")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)["bands"]

    def agrees(self, band, values, bins=20):
        values = values.astype("float64")
        self.assertEqual(band["count"], values.size)
        self.assertEqual((band["min"], band["max"]), (values.min(), values.max()))
        np.testing.assert_allclose(band["mean"], values.mean(), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(band["sd"], values.std(ddof=1), rtol=1e-11)
        for percent, found in band["percentiles"].items():
            expected = np.percentile(values, float(percent))
            np.testing.assert_allclose(found, expected, rtol=1e-14, err_msg=percent)
        counts, edges = np.histogram(values, bins)
        self.assertEqual(band["histogram"]["counts"], counts.tolist())
        np.testing.assert_allclose(band["histogram"]["edges"], edges, rtol=1e-14, atol=1e-12)

    def test_every_type(self):
        random = np.random.default_rng(5)
        shape = (150, 170)
        percents = ",".join(map(str, PERCENTS))
        for kind in KINDS:
            if kind.startswith("float"):
                cells = (random.normal(size=shape) ** 3 * 1e3).astype(kind)
                cells[0, 0] = 1e7  # an extreme far from the rest costs no digits
                nodata = np.nan
            else:
                info = np.iinfo(kind)
                cells = random.integers(info.min, info.max, shape, dtype=kind, endpoint=True)
                nodata = int(cells[3, 3])
            other = np.sort(cells.ravel())[:: 1].reshape(shape) // 7 * 5
            hidden = random.random(shape) < 0.1
            cells[hidden] = nodata
            name = self.raster([cells, other.astype(kind)], nodata)
            found = self.hist(name, "--percentiles", percents)
            for band, all_cells in zip(found, (cells, other.astype(kind))):
                there = ~np.isnan(all_cells) if kind.startswith("float") else all_cells != nodata
                self.assertEqual(band["dtype"], kind)
                self.assertEqual(band["missing"], int((~there).sum()))
                self.assertEqual(list(map(float, band["percentiles"])), PERCENTS)
                self.agrees(band, all_cells[there])

    def test_chunks_and_threads_make_no_difference(self):
        cells = np.random.default_rng(1).normal(size=(130, 90)).astype("float32")
        name = self.raster([cells])
        first = cube("hist", name, "--json", "--threads", "1", "--chunk", "1,200,200").stdout
        for chunk, threads in (("1,7,13", "2"), ("1,64,64", "4")):
            self.assertEqual(cube("hist", name, "--json", "--threads", threads, "--chunk", chunk).stdout, first)

    def test_bins_have_the_edges_of_numpy(self):
        values = (np.arange(4000) % 50 / 10).astype("float64").reshape(40, 100)
        name = self.raster([values])
        for bins in (1, 7, 49, 50, 1000):
            self.agrees(self.hist(name, "--bins", str(bins))[0], values.ravel(), bins)

    def test_odd_cells(self):
        cells = np.array([[1, np.inf, -np.inf, np.nan]], dtype="float32")
        band = self.hist(self.raster([cells]))[0]
        self.assertEqual([band[k] for k in ("count", "infinite", "missing", "min", "max", "mean", "sd")],
                         [1, 2, 1, 1, 1, 1, None])
        self.assertEqual(band["histogram"]["counts"], [0] * 10 + [1] + [0] * 9)
        self.assertEqual(set(band["percentiles"].values()), {1})
        band = self.hist(self.raster([np.full((5, 6), 3, "uint8")], nodata=3))[0]
        self.assertEqual([band[k] for k in ("count", "missing", "min", "mean", "sd")], [0, 30, None, None, None])
        self.assertEqual(band["histogram"], {"edges": [], "counts": []})
        same = self.hist(self.raster([np.full((50, 60), -7.5)]))[0]
        self.assertEqual([same[k] for k in ("count", "min", "max", "mean", "sd")], [3000, -7.5, -7.5, -7.5, 0])

    def test_graphs_files_and_bands(self):
        graph = self.graph({"cube_type": "apply_pixel", "expr": ["ix + it", "iy"], "band_names": ["a", "b"],
                            "in_cube": DUMMY})
        t, y, x = np.mgrid[0:3, 0:30, 0:40]
        found = self.hist(graph)
        self.agrees(found[0], (x + t).ravel())
        self.agrees(found[1], y.ravel())
        self.assertEqual(self.hist(graph, "--bands", "b"), found[1:])
        for name in ("a.nc", "a.zarr"):
            self.assertEqual(cube("run", graph, "-o", self.path(name)).returncode, 0)
            self.assertEqual(self.hist(self.path(name)), found)
        twice = self.graph({"cubes": {"c": {"cube_type": "saved", "file": "graph.json"}},
                            "result": {"cube_type": "join_bands", "in_cubes": ["c", "c"], "prefixes": ["p", "q"]}},
                           "twice.json")
        name = [band["name"] for band in self.hist(twice)][2]
        self.assertEqual(self.hist(twice, "--bands", name)[0]["histogram"], found[0]["histogram"])

    def test_the_text_and_the_picture(self):
        name = self.raster([np.array([[0, 1, 1, 1], [2, 2, 4, 255]], dtype="uint8")], nodata=255)
        result = cube("hist", name, "--bins", "4", "--percentiles", "50", "--svg", self.path("a.svg"))
        self.assertEqual(result.stdout, "\n".join((
            "im1b1  uint8", "  7 values, 1 missing", "  min 0, mean 1.57143, sd 1.27242, max 4", "  p50 1",
            "  0 to 1  1 #################", "  1 to 2  3 " + "#" * 50, "  2 to 3  2 " + "#" * 33,
            "  3 to 4  1 #################", "")))
        bars = [r for r in ElementTree.parse(self.path("a.svg")).getroot().iter(
            "{http://www.w3.org/2000/svg}rect") if r.get("x")]
        heights = [float(r.get("height")) for r in bars]
        self.assertEqual(len(bars), 4)
        self.assertAlmostEqual(heights[1] / heights[0], 3, delta=0.01)
        empty = cube("hist", self.raster([np.full((2, 2), 9, "uint8")], nodata=9, name="b.tif"))
        self.assertEqual(empty.stdout, "im1b1  uint8\n  0 values, 4 missing\n")

    def test_a_large_cube_takes_little_memory(self):
        graph = self.graph({**DUMMY, "nbands": 1, "view": {**DUMMY["view"], "space": {
            "left": 0, "right": 6000, "bottom": 0, "top": 6000, "dx": 1, "srs": "EPSG:32631"}}})
        band = self.hist(graph, "--memory", "300M")[0]
        self.assertEqual((band["count"], band["mean"]), (3 * 6000 ** 2, 3))

    def test_what_is_wrong(self):
        name = self.raster([np.zeros((2, 2), "uint8")])
        self.rejects("--percentiles: '101' is no percentile (numbers from 0 to 100 such as 2,50,98)",
                     "hist", name, "--percentiles", "50,101")
        self.rejects("--percentiles: there are 51 (at most 50)",
                     "hist", name, "--percentiles", ",".join(["1"] * 51))
        self.rejects("--bands: there is no band 'im1b2' (did you mean 'im1b1'?)", "hist", name, "--bands", "im1b2")
        with open(self.path("a.svg"), "w"):
            pass
        self.rejects("FOLDER/a.svg: exists already (--overwrite replaces it)", "hist", name, "--svg",
                     self.path("a.svg"))
        self.fails(2, "--bins", "hist", name, "--bins", "0")
        self.rejects("FOLDER/no.tif: there is no such file", "hist", self.path("no.tif"))
        cube("sample", self.path("s"))
        cube("catalog", "create", self.path("s2.db"), self.path("s/archive"))
        self.rejects("FOLDER/s2.db: a catalog has no cells before there is a view (a graph that begins with an "
                     "image_collection of it)", "hist", self.path("s2.db"))


if __name__ == "__main__":
    unittest.main()
