#!/usr/bin/env python3
"""Each command with names on a server: the same as with the files here, and no secret of a URL in
anything that is printed or written; catalogs and STAC whose images are on a server.
"""
import json
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
from remote_rasters import RemoteCase, settings

VIEW = {"space": {"left": 5e5, "right": 5e5 + 5120, "bottom": 5e6 - 5120, "top": 5e6, "dx": 10,
                  "srs": "EPSG:32631"},
        "time": {"t0": "2020-01", "t1": "2020-02", "dt": "P1M"}}


class Commands(RemoteCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.here = self.tiled("a.tif")["file"]
        self.tiled("b.tif", seed=2)
        self.signed = self.server.address.replace("://", "://me:SECRET@") + "/{}?sig=SECRET.x/SECRET"

    def run_in(self, *arguments, status=0):
        """What a command prints; nothing that it prints or writes holds a secret."""
        result = cube(*arguments, cwd=self.folder, env=settings())
        self.assertEqual(result.returncode, status, result.stderr)
        printed = result.stdout + result.stderr
        self.assertNotIn("SECRET", printed)
        for folder, folders, files in os.walk(self.folder):
            for name in files + folders:
                self.assertNotIn("SECRET", name)
            for name in files:
                if name.startswith("kept"):
                    continue
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(b"SECRET", file.read(), name)
        return printed

    def both(self, *arguments):
        """What a command prints with files here, and with files on the server."""
        return [self.run_in(*(a.format(*names) for a in arguments))
                for names in (("files/a.tif", "files/b.tif", "here"),
                              (self.signed.format("a.tif"), self.signed.format("b.tif"), "there"))]

    def alike(self, name):
        here, there = (gdal.Open(self.path(f"{where}{name}")) for where in ("here", "there"))
        np.testing.assert_array_equal(here.ReadAsArray(), there.ReadAsArray())
        self.assertEqual(here.GetGeoTransform(), there.GetGeoTransform())
        return there

    def test_info_hist_and_plan(self):
        for command in (("info", "{0}"), ("info", "{0}", "--json"), ("hist", "{0}", "-q"),
                        ("hist", "{0}", "--json", "-q", "--svg", "{2}.svg")):
            with self.subTest(command=command):
                here, there = self.both(*command)
                self.assertEqual(here, there)
        with open(self.path("kept.json"), "w") as file:
            json.dump({"cube_type": "raster", "file": self.signed.format("a.tif")}, file)
        self.assertIn("a.tif?...", self.run_in("plan", "kept.json", "--json"))
        self.run_in("plan", "kept.json", "--svg", "plan.svg", "--dot", "plan.dot")
        self.run_in("check", "kept.json")

    def test_calc_warp_and_translate(self):
        self.both("calc", "im1b1-im2b1", "{0}", "{1}", "-o", "{2}calc.tif", "-v", "--stats",
                  "{2}.json", "--stats-svg", "{2}.svg", "--report", "{2}run.json")
        made = self.alike("calc.tif")
        self.assertIn("://...@127.0.0.1", made.GetMetadataItem("CUBE_GRAPH") or str(
            made.GetMetadata()))
        self.both("warp", "{0}", "{1}", "--like", "{0}", "-o", "{2}warp.tif")
        self.alike("warp.tif")
        self.both("warp", "{0}", "--srs", "EPSG:3857", "-r", "bilinear", "-o", "{2}3857.tif")
        self.alike("3857.tif")
        self.both("translate", "{0}", "{1}", "--to", "{2}", "--format", "COG")
        self.alike("/a.tif")
        self.alike("/b.tif")
        self.run_in("translate", self.signed.format("a.tif"), "-o", "a.nc")
        self.run_in("translate", self.signed.format("a.tif"), "-o", "a.zarr")

    def test_a_run_is_not_repeated_without_its_secrets(self):
        """Whatever stands in them; what is asked to be kept has a place to put them in again."""
        odd = self.server.address.replace("://", "://me:SECRET@") + "/a.tif?sig=SECRET'SECRET(SECRET)<SECRET>"
        for name in ("a.tif", "a.nc", "a.zarr"):
            self.run_in("translate", odd, "-o", name, "--report", "run.json")
            error = self.run_in("run", name, "-o", "b.tif", "--report", "run.json", status=2)
            self.assertEqual(error, f"cube: error: {name}#/file: the URL has lost what stood at \"...\" (a signature, key or "
                                    f"password), which outputs do not keep ('cube save {name} -o graph.json' writes the "
                                    "graph, to put it in again)\n")
            self.assertIn(f"cube: warning: the graph cannot be run as it is: {name}#/file: the URL has lost",
                          self.run_in("save", name, "-o", "graph.json", "--overwrite"))
            with open(self.path("graph.json")) as file:
                graph = json.load(file)
            self.assertTrue(graph["file"].endswith("/a.tif?..."), graph)
            graph["file"] = odd
            with open(self.path("kept.json"), "w") as file:
                json.dump(graph, file)
            self.run_in("run", "kept.json", "-o", "b.tif", "--overwrite")
        np.testing.assert_array_equal(gdal.Open(self.here).ReadAsArray(), gdal.Open(self.path("b.tif")).ReadAsArray())

    def test_failures(self):
        none = self.signed.format("none.tif")
        for command in (("info", none), ("hist", none), ("calc", "im1b1", none, "-o", "x.tif"),
                        ("warp", self.signed.format("a.tif"), "--like", none, "-o", "x.tif"),
                        ("translate", none, "-o", "x.tif")):
            with self.subTest(command=command):
                printed = self.run_in(*command, status=2)
                self.assertIn("/none.tif?...: there is no such file (HTTP response code: 404)",
                              printed)
        printed = self.run_in("translate", none, "--to", "x", status=1)
        self.assertIn("1 of 1 file failed: http", printed)

    def catalog(self, *arguments):
        self.run_in("catalog", "create", "kept.db", *arguments)
        self.run_in("catalog", "list", "kept.db", "--json")
        self.run_in("info", "kept.db")
        graph = {"cube_type": "image_collection", "file": "kept.db", "view": VIEW}
        with open(self.path("graph.json"), "w") as file:
            json.dump(graph, file)
        self.run_in("run", "graph.json", "-o", "out.tif", "--overwrite", "--stats", "stats.json")
        return gdal.Open(self.path("out.tif")).ReadAsArray()

    def test_catalog(self):
        """Of names. The pattern takes the query into the images' names, which are shown without."""
        for month in (1, 2):
            os.rename(self.path(f"files/{'_ab'[month]}.tif"),
                      self.path(f"files/x_2020-0{month}-01.tif"))
        names = [self.signed.format(f"x_2020-0{month}-01.tif") for month in (1, 2)]
        with open(self.path("format.json"), "w") as file:
            json.dump({"pattern": ".*\\.tif.*", "images": {"pattern": "(.*)"},
                       "datetime": {"pattern": ".*/x_([0-9-]+)\\.tif.*", "format": "%Y-%m-%d"},
                       "bands": {"a": {"pattern": ".*"}}}, file)
        self.run_in("catalog", "create", "no.db", *names, "--format", "format.json", "--dry-run",
                    "--explain")
        cells = self.catalog(*names, "--format", "format.json")
        np.testing.assert_array_equal(cells, [self.cells(seed=1), self.cells(seed=2)])
        # An image that has gone is named.
        os.remove(self.path("files/x_2020-02-01.tif"))
        for strict, said in ((True, r"error: .*x_2020-02-01.tif\?\.\.\. cannot be read: .*404"),
                             (False, r"skipped .*x_2020-02-01.tif\?\.\.\.: .*404")):
            self.graph({"cube_type": "image_collection", "file": "kept.db", "view": VIEW,
                        "strict": strict})
            printed = self.run_in("run", "graph.json", "-o", "out.tif", "--overwrite", "--stats",
                                  "stats.json", status=1)
            self.assertRegex(printed, said)

    def test_stac(self):
        """Assets are not opened before they are read."""
        items = []
        for month, name in ((1, "a.tif"), (2, "b.tif")):
            items.append({
                "type": "Feature", "stac_version": "1.0.0", "id": f"i{month}", "links": [],
                "bbox": [3, 45.1, 3.07, 45.2], "geometry": {
                    "type": "Polygon", "coordinates": [[[3, 45.1], [3.07, 45.1], [3.07, 45.2],
                                                        [3, 45.2], [3, 45.1]]]},
                "properties": {"datetime": f"2020-0{month}-01T00:00:00Z", "proj:epsg": 32631,
                               "proj:shape": [512, 512],
                               "proj:transform": [10, 0, 5e5, 0, -10, 5e6]},
                "assets": {"B": {"href": self.signed.format(name), "roles": ["data"],
                                 "type": "image/tiff; application=geotiff",
                                 "eo:bands": [{"name": "B"}],
                                 "raster:bands": [{"data_type": "uint16"}]}}})
        with open(self.path("kept_items.json"), "w") as file:
            json.dump({"type": "FeatureCollection", "features": items}, file)
        self.run_in("catalog", "create", "no.db", "--stac", "kept_items.json", "--dry-run",
                    "--explain")
        self.run_in("catalog", "create", "kept.db", "--stac", "kept_items.json")
        self.assertEqual(self.server.requests, [])
        os.remove(self.path("kept.db"))
        cells = self.catalog("--stac", "kept_items.json")
        np.testing.assert_array_equal(cells, [self.cells(seed=1), self.cells(seed=2)])


if __name__ == "__main__":
    unittest.main()
