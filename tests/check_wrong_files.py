#!/usr/bin/env python3
"""A source that is given a file of another kind says what the file is, and what reads it."""
import json
import os
import sqlite3
import unittest

from program import DUMMY, VIEW, Case, cube

NETCDF = "it is a netCDF or HDF5 file, which cube_type ncdf reads"
ZARR = "it is a Zarr group, which cube_type zarr reads"
CATALOG = "it is a catalog of images, which cube_type image_collection reads"
TIFF = "it is a TIFF file, which cube_type raster reads, several with times simple_cube"
GRAPH = "it is a graph, which cube_type saved reads"
STAC = "it is STAC: 'cube catalog create --stac' makes a catalog of it, which image_collection reads"
FEATURES = "it holds features: filter_geom, zonal and extract read it"
FOLDER = ("it is a folder: cube_type simple_cube reads the rasters in it as \"NAME/*.tif\", 'cube "
          "catalog create' makes a catalog of them")


class WrongFiles(Case):
    def setUp(self):
        super().setUp()
        graph = self.graph({**DUMMY, "nbands": 1}, "graph.json")
        for name in ("a.nc", "a.zarr", "a_{t}.tif"):
            result = cube("run", graph, "-o", self.path(name), "-q")
            self.assertEqual(result.returncode, 0, result.stderr)
        os.rename(self.path("a_2020-01.tif"), self.path("a.tif"))
        with sqlite3.connect(self.path("a.db")) as database:
            for table in ("bands", "images", "gdalrefs"):
                database.execute(f"CREATE TABLE {table} (id INTEGER)")
        self.graph({"type": "FeatureCollection", "stac_version": "1.0.0", "features": []}, "stac.json")
        self.graph({"type": "FeatureCollection", "features": []}, "areas.geojson")
        self.graph("name,datetime\n", "text.csv")
        self.graph("", "nothing")
        os.mkdir(self.path("folder"))

    def says(self, hint, file, cube_type, **keys):
        node = {"cube_type": cube_type, **keys}
        if cube_type == "simple_cube":
            node.update(files=[file], datetime=["2020"])
        else:
            node["file"] = file
        if cube_type == "image_collection":
            node["view"] = VIEW
        result = cube("check", self.graph(node, "wrong.json"))
        self.assertEqual(result.returncode, 2, result.stdout)
        where = "/files/0" if cube_type == "simple_cube" else "/file"
        self.assertIn(where + ": " + self.path(file), result.stderr)
        end = f"({hint})\n" if hint else "\n"
        self.assertTrue(result.stderr.endswith(end), result.stderr)
        self.assertEqual(result.stderr.count("(") > 0, bool(hint), result.stderr)

    def test_each_source(self):
        folder = FOLDER.replace("NAME", self.path("folder"))
        hints = {"a.nc": NETCDF, "a.zarr": ZARR, "a.db": CATALOG, "a.tif": TIFF, "graph.json": GRAPH,
                 "stac.json": STAC, "areas.geojson": FEATURES, "folder": folder, "text.csv": "",
                 "nothing": ""}
        own = {"ncdf": {"a.nc"}, "zarr": {"a.zarr"}, "image_collection": {"a.db"},
               "raster": {"a.tif", "a.nc"}, "simple_cube": {"a.tif", "a.nc"}}
        also = {"zarr": "a folder with a .zgroup in it",
                "image_collection": "made by 'cube catalog create' or gdalcubes"}
        for cube_type, read in own.items():
            for file, hint in hints.items():
                if file in read:
                    continue
                if (cube_type, file) == ("zarr", "folder"):
                    hint = ""
                if file == "a.zarr" and cube_type in ("raster", "simple_cube"):
                    hint = ZARR + "; or name one of its subdatasets"
                with self.subTest(cube_type=cube_type, file=file):
                    self.says(hint or also.get(cube_type, ""), file, cube_type)

    def test_features(self):
        for file, hint in {"a.tif": TIFF, "graph.json": GRAPH}.items():
            graph = self.graph({"cube_type": "filter_geom", "file": file, "in_cube": DUMMY}, "wrong.json")
            result = cube("check", graph)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"/file: {self.path(file)} cannot be opened as a vector file: ", result.stderr)
            self.assertTrue(result.stderr.endswith(f"({hint}; here features are wanted, such as of "
                                                   "GeoJSON or GeoPackage)\n"), result.stderr)

    def test_no_name(self):
        for node in ({"cube_type": "ncdf", "file": ""}, {"cube_type": "raster", "file": ""}):
            self.rejects("/file: expected a file name, found the text \"\"", "check", self.graph(node))
        node = {"cube_type": "simple_cube", "files": ["a.tif", ""], "datetime": ["2020", "2021"]}
        self.rejects("/files/1: expected a file name, found the text \"\"", "check", self.graph(node))

    def test_a_graph_that_is_none(self):
        for file, what in {"a.nc": NETCDF, "a.db": CATALOG, "a.tif": TIFF, "folder": None}.items():
            what = what or FOLDER.replace("NAME", "FOLDER/" + file)
            with self.subTest(file=file):
                if file in ("a.nc", "a.tif"):  # outputs, whose graph is meant: see check_report.py
                    self.assertEqual(cube("check", self.path(file)).returncode, 0)
                else:
                    self.rejects(f"FOLDER/{file}: is no graph ({what})", "check", self.path(file))
                graph = self.graph({"cube_type": "saved", "file": file}, "wrong.json")
                self.rejects(f"/file: FOLDER/{file}: is no graph ({what})", "check", graph)


if __name__ == "__main__":
    unittest.main()
