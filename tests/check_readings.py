#!/usr/bin/env python3
"""cube plan says how each source is read: pasted, warped by which method, from which overview. Levels of the files hold
a number each, so that the run tells where its cells come from."""
import json
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import cube
from raster_files import RasterCase

SIZE = 320


class ReadingTest(RasterCase):
    def levels(self, name, factors=(2, 4), **more):
        """A file whose cells are 1, those of its overviews 2, 3, ..."""
        source = self.write(name, np.ones((SIZE, SIZE), dtype="uint8"), **more)
        dataset = gdal.Open(self.path(name), gdal.GA_Update)
        if factors:
            dataset.BuildOverviews("NEAREST", list(factors))
        for i in range(len(factors)):
            band = dataset.GetRasterBand(1).GetOverview(i)
            band.WriteArray(np.full((band.YSize, band.XSize), i + 2, dtype="uint8"))
        return source

    def text(self, document, *more):
        result = cube("plan", self.graph(document), *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [line[8:] for line in result.stdout.split("\n") if line.startswith("source  ")]

    def check(self, source, how, level):
        """The plan says `how`, and the cells are those of a level of the file (1 = the image)."""
        self.assertEqual(self.text(source), [f"{source['cube_type']}: {how}"])
        cells, _, _ = self.run_graph(source, "--stats", self.path("stats.json"))
        self.assertEqual(set(np.unique(cells[~np.isnan(cells)])), {level})
        with open(self.path("stats.json")) as file:
            reading = json.load(file)["reading"]
        self.assertEqual(reading["warped"] > 0, how.startswith("warped"))
        self.assertEqual(reading["pasted"] > 0, how.startswith("pasted"))
        node = json.loads(cube("plan", self.graph(source), "--json").stdout)["nodes"][0]
        self.assertEqual(node["readings"], [{"band": node["bands"][0]["name"], "how": how, "files": 1}])
        svg = cube("plan", self.graph(source), "--svg", "-").stdout
        self.assertIn(f">{how}<", svg)

    def view(self, dx, left=5e5, size=SIZE * 10, **more):
        return {"view": {"space": {"left": left, "right": left + size, "top": 5e6, "bottom": 5e6 - size, "dx": dx,
                                   "srs": "EPSG:32631", **more}}}

    def test_raster(self):
        source = self.levels("a.tif")
        for more, how, level in (
                ({}, "pasted", 1),
                (self.view(10), "pasted", 1),
                (self.view(10, 5e5 + 1000), "pasted", 1),
                (self.view(10, 5e5 + 1003), "pasted", 1),  # near: by a shift
                ({**self.view(10, 5e5 + 1003), "resampling": "bilinear"}, "warped by bilinear", 1),
                ({**self.view(10), "resampling": "cubic"}, "pasted", 1),
                ({**self.view(10), "resampling": "cubicspline"}, "pasted", 1),
                ({**self.view(10, 5e5 + 1000), "resampling": "cubicspline"}, "warped by cubicspline", 1),
                (self.view(20), "pasted from overview 0 (1:2)", 2),
                (self.view(40), "pasted from overview 1 (1:4)", 3),
                ({**self.view(25), "resampling": "bilinear"}, "warped by bilinear from overview 0 (1:2)", 2),
                (self.view(32), "warped by near from overview 0 (1:2)", 2),
                ({**self.view(64), "resampling": "lanczos"}, "warped by lanczos from overview 1 (1:4)", 3),
                ({**self.view(20), "resampling": "average"}, "warped by average", 1),
                ({**self.view(5), "resampling": "bilinear"}, "warped by bilinear", 1),
                ({"overview_level": 1}, "pasted from overview 1 (1:4)", 3),
                ({"view": {"space": {"srs": "EPSG:3857", "dx": 40}}, "resampling": "cubic"},
                 "warped by cubic from overview 0 (1:2)", 2)):
            with self.subTest(more):
                self.check({**source, **more}, how, level)

    def test_nearest_that_leaves_out_cells_is_no_paste(self):
        source = self.levels("a.tif", ())
        self.assertEqual(self.text({**source, **self.view(20)}), ["raster: warped by near"])

    def test_beside(self):
        source = {**self.levels("a.tif"), **self.view(10, 7e5)}
        self.assertEqual(self.text(source), ["raster: not in the view"])

    def test_bands_that_are_read_differently(self):
        self.levels("a.tif")
        self.write("b.tif", np.ones((SIZE // 2, SIZE // 2), dtype="uint8"), dx=20.0, dy=20.0)
        both = {"cube_type": "raster", "files": ["a.tif", "b.tif", "a.tif"], "bands": ["a", "b", "c"], "align": "exact",
                "resampling": "bilinear"}
        self.assertEqual(self.text(both), ["raster: a, c pasted; b warped by bilinear"])
        # What is not asked for is not looked at.
        one = {"cube_type": "select_bands", "bands": ["c"], "in_cube": both}
        self.assertEqual(self.text(one), ["/in_cube raster: pasted"])
        joined = {"cube_type": "join_bands", "prefixes": ["x", "y"], "in_cubes": [
            one, {"cube_type": "select_bands", "bands": ["b"], "in_cube": both}]}
        self.assertEqual(self.text(joined), ["/in_cubes/0/in_cube raster: b warped by bilinear; c pasted"])

    def test_collection(self):
        lines = ["name,datetime,a,b"]
        for i, (top, factors) in enumerate(((5e6, (2,)), (5e6, (2,)), (5e6 - 5, (2,)), (5e6, ()))):
            self.levels(f"a{i}.tif", factors, top=top)
            self.levels(f"b{i}.tif", (2,), dx=20.0, dy=20.0)
            lines.append(f"image{i},2020-01-{i + 1:02},a{i}.tif,b{i}.tif")
        self.graph("\n".join(lines) + "\n", "table.csv")
        made = cube("catalog", "create", self.path("c.db"), "--table", self.path("table.csv"))
        self.assertEqual(made.returncode, 0, made.stderr)
        source = {"cube_type": "image_collection", "file": "c.db",
                  "view": {**self.view(20)["view"], "resampling": {"*": "bilinear"},
                           "time": {"t0": "2020-01-01", "t1": "2020-01-04", "dt": "P1D"}}}
        self.assertEqual(self.text(source), [
            "image_collection: a pasted from overview 0 (1:2) (2 of 4 looked at), warped by bilinear (1), "
            "warped by bilinear from overview 0 (1:2) (1); b pasted"])
        svg = cube("plan", self.graph(source), "--svg", "-").stdout
        self.assertIn(">b pasted<", svg)
        source["view"]["aggregation"] = "count_images"
        self.assertEqual(self.text(source), [])

    def test_series_and_stores(self):
        stack = self.stack(np.ones((3, 40, 50), dtype="uint8"))
        self.assertEqual(self.text(stack), ["simple_cube: pasted"])
        self.assertEqual(self.text({**stack, "dx": 20, "resampling": "average"}), ["simple_cube: warped by average"])
        made = cube("run", self.graph(stack), "-o", self.path("a.zarr"))
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(self.text({"cube_type": "zarr", "file": "a.zarr"}), ["zarr: as stored"])

    def test_what_reads_nothing(self):
        self.assertEqual(self.text({"cube_type": "empty", "view": {**self.view(10)["view"], "time": {
            "t0": "2020", "t1": "2020", "dt": "P1Y"}}}), [])


if __name__ == "__main__":
    unittest.main()
