"""Graphs as gdalcubes' library writes them (keys, their order and defaults, formulas in lower case) run,
and make what a graph in our own form makes; where gdalcubes would have made something else, one line says so.

A file of tests/compat holds cases of one operator:
  graph      the graph of gdalcubes; "@collection" stands for collection.json, an object with "@collection"
             for that with its other keys added
  equal      ours, in which "@own" stands for own.json
  warnings   all lines of standard error, without "cube: warning: "; default none
  only, of   bands that are compared, where names or further bands differ
  options    of cube run
  older      true: a form of gdalcubes before 0.3
  tolerance  how far values may be apart, relative to them; "absolute": in their unit
"""
import collections
import csv
import glob
import json
import os
import shutil
import sys
import tempfile
import unittest

import numpy as np
from osgeo import gdal, ogr, osr

from program import cube

gdal.UseExceptions()
os.environ["PATH"] = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]  # a python3 with numpy
FOLDER = os.path.join(os.environ["CUBE_SOURCE"], "tests", "compat")


def load(name):
    with open(os.path.join(FOLDER, name)) as f:
        return json.load(f)


def filled(value):
    if value == "@collection":
        return load("collection.json")
    if value == "@own":
        return load("own.json")
    if isinstance(value, list):
        return [filled(v) for v in value]
    if not isinstance(value, dict):
        return value
    base = load("collection.json") if "@collection" in value else {}
    return {**base, **{k: filled(v) for k, v in value.items() if k != "@collection"}}


def cube_types(value):
    if isinstance(value, list):
        return set().union(*map(cube_types, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    return set().union({value["cube_type"]} if "cube_type" in value else set(), *map(cube_types, value.values()))


class Compatibility(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.must("sample", cls.path("sample"))
        cls.make_blocks_small()
        cls.must("catalog", "create", cls.path("s2.db"), cls.path("sample/archive"))
        cls.run_graph(load("dummy.json")[0]["graph"], "cube.nc")
        cls.run_graph({"cube_type": "select_bands", "bands": ["B04"], "in_cube": load("own.json")}, "a_{t}.tif")
        cls.make_points()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def must(cls, *arguments):
        result = cube(*arguments)
        assert result.returncode == 0, result.stderr
        return result

    @classmethod
    def run_graph(cls, graph, output, *options):
        with open(cls.path("graph.json"), "w") as f:
            json.dump(graph, f)
        # One thread: the processes are so short that making threads is a fifth of their time.
        return cls.must("run", cls.path("graph.json"), "-o", cls.path(output), "--overwrite", "--threads", "1", *options)

    @classmethod
    def make_blocks_small(cls):
        """The archive's cells in files that are read fast: most of the time went into inflating them."""
        for file in glob.glob(cls.path("sample/archive/**/*.tif"), recursive=True):
            gdal.Translate(file + ".new", file, format="GTiff",
                           creationOptions=["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"])
            os.replace(file + ".new", file)

    @classmethod
    def make_points(cls):
        data = ogr.GetDriverByName("GPKG").CreateDataSource(cls.path("points.gpkg"))
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(32631)
        layer = data.CreateLayer("points", srs, ogr.wkbPoint)
        layer.CreateField(ogr.FieldDefn("day", ogr.OFTString))
        for x, y, day in ((713450, 5541250, "2023-03-05"), (714010, 5540990, "2023-07-31"),
                          (715310, 5540040, "2023-07-01")):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetField("day", day)
            feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT({x} {y})"))
            layer.CreateFeature(feature)

    def read(self, file):
        """Rows of a table, or arrays by band, and the axes that they lie on."""
        if file.endswith("csv"):
            with open(self.path(file)) as f:
                return list(csv.reader(f)), None
        group = gdal.OpenEx(self.path(file), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
        arrays, axes = {}, []
        for name in group.GetMDArrayNames():
            array = group.OpenMDArray(name)
            if array.GetDimensionCount() == 1:
                axes.append((name, array.GetUnit(), array.ReadAsArray().tobytes()))
            if array.GetDimensionCount() != 3:
                continue
            cells = array.ReadAsArray().astype("float64")
            nodata = array.GetNoDataValueAsDouble()
            arrays[name] = np.where(cells == nodata, np.nan, cells) if nodata is not None else cells
        return arrays, tuple(sorted(axes))

    def made(self, case):
        """What gdalcubes' graph makes, on which axes."""
        file = f"gdalcubes.{case.get('output', 'nc')}"
        said = self.run_graph(filled(case["graph"]), file, *case.get("options", [])).stderr
        self.assertEqual(said, "".join(f"cube: warning: {line}\n" for line in case.get("warnings", [])))
        return self.read(file)

    def ours(self, graphs, options):
        """What our graphs make, which have the same axes: that needs one run."""
        if len(graphs) == 1:
            self.run_graph(graphs[0], "ours.nc", *options)
            return [self.read("ours.nc")[0]]
        joined = {"cube_type": "join_bands", "prefixes": [f"g{i}" for i in range(len(graphs))], "in_cubes": graphs}
        self.run_graph(joined, "ours.nc", *options)
        arrays, _ = self.read("ours.nc")
        return [{name.split(".", 1)[1]: cells for name, cells in arrays.items() if name.startswith(f"g{i}.")}
                for i in range(len(graphs))]

    def compare(self, case, made, equal):
        if not isinstance(made, dict):
            self.assertEqual(made, equal)
            self.assertGreater(len(made), 1)
            return
        pairs = list(zip(case.get("only", made), case.get("of", equal)))
        self.assertGreater(len(pairs), 0)
        if "only" not in case:
            self.assertEqual(list(made), list(equal))
        for a, b in pairs:
            np.testing.assert_allclose(made[a], equal[b], rtol=case.get("tolerance", 1e-6),
                                       atol=case.get("absolute", 0), err_msg=a)
            if "empty" not in cube_types(case["graph"]):
                self.assertTrue(np.isfinite(made[a]).any(), a)

    def test_graphs(self):
        same_axes = collections.defaultdict(list)
        for file in sorted(glob.glob(os.path.join(FOLDER, "*.json"))):
            cases = load(file)
            for i, case in enumerate(cases if isinstance(cases, list) else []):
                label = {"file": os.path.basename(file), "case": i}
                with self.subTest(**label):
                    made, axes = self.made(case)
                    if axes is None:
                        self.run_graph(filled(case["equal"]), "ours.csv", *case.get("options", []))
                        self.compare(case, made, self.read("ours.csv")[0])
                    else:
                        same_axes[axes, "--allow-exec" in case.get("options", [])].append((label, case, made))
        self.assertGreater(len(same_axes), 1)
        for (_, runs), group in same_axes.items():
            graphs = {json.dumps(case["equal"]): filled(case["equal"]) for _, case, _ in group}
            ours = dict(zip(graphs, self.ours(list(graphs.values()), ["--allow-exec"] * runs)))
            for label, case, made in group:
                with self.subTest(**label):
                    self.compare(case, made, ours[json.dumps(case["equal"])])


if __name__ == "__main__":
    unittest.main()
