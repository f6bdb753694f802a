"""Graphs as gdalcubes' library writes them (keys, their order and defaults, formulas in lower case) run,
and make what a graph in our own form makes; where gdalcubes would have made something else, one line says so.

A file of tests/compat holds cases of one operator:
  graph      the graph of gdalcubes; "@collection" stands for collection.json, an object with "@collection"
             for that with its other keys added
  equal      ours, in which "@own" stands for own.json
  warnings   all lines of standard error, without "cube: warning: "; default none
  only, of   bands that are compared, where names or further bands differ
  options    of cube run
  older      true: a form of gdalcubes before 0.3 that `cube schema` does not offer
  tolerance  how far values may be apart, relative to them; "absolute": in their unit
"""
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
        return cls.must("run", cls.path("graph.json"), "-o", cls.path(output), "--overwrite", *options)

    @classmethod
    def make_points(cls):
        data = ogr.GetDriverByName("GPKG").CreateDataSource(cls.path("points.gpkg"))
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(32631)
        layer = data.CreateLayer("points", srs, ogr.wkbPoint)
        for x, y in ((713450, 5541250), (714010, 5540990), (715310, 5540040)):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT({x} {y})"))
            layer.CreateFeature(feature)

    def made(self, graph, name, case):
        """What a graph makes: arrays by band or rows, and what it says."""
        file = f"{name}.{case.get('output', 'nc')}"
        said = self.run_graph(graph, file, *case.get("options", [])).stderr
        if file.endswith("csv"):
            with open(self.path(file)) as f:
                return list(csv.reader(f)), said
        group = gdal.OpenEx(self.path(file), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
        arrays = {}
        for band in group.GetMDArrayNames():
            array = group.OpenMDArray(band)
            if array.GetDimensionCount() != 3:
                continue
            cells = array.ReadAsArray().astype("float64")
            nodata = array.GetNoDataValueAsDouble()
            arrays[band] = np.where(cells == nodata, np.nan, cells) if nodata is not None else cells
        return arrays, said

    def compare(self, case):
        made, said = self.made(filled(case["graph"]), "gdalcubes", case)
        equal, _ = self.made(filled(case["equal"]), "ours", case)
        self.assertEqual(said, "".join(f"cube: warning: {line}\n" for line in case.get("warnings", [])))
        if not isinstance(made, dict):
            self.assertEqual(made, equal)
            self.assertGreater(len(made), 1)
            return
        pairs = list(zip(case.get("only", made), case.get("of", equal)))
        if "only" not in case:
            self.assertEqual(list(made), list(equal))
        for a, b in pairs:
            np.testing.assert_allclose(made[a], equal[b], rtol=case.get("tolerance", 1e-6),
                                       atol=case.get("absolute", 0), err_msg=a)
            if "empty" not in cube_types(case["graph"]):
                self.assertTrue(np.isfinite(made[a]).any(), a)

    def test_graphs(self):
        for file in sorted(glob.glob(os.path.join(FOLDER, "*.json"))):
            cases = load(file)
            for i, case in enumerate(cases if isinstance(cases, list) else []):
                with self.subTest(file=os.path.basename(file), case=i):
                    self.compare(case)


if __name__ == "__main__":
    unittest.main()
