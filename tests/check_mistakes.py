#!/usr/bin/env python3
"""What a stranger gets wrong in graphs: each message says where, what was found and what would do."""
import copy
import json
import os
import unittest

from program import DUMMY, VIEW, Case, cube


def on(cube_type, **keys):
    return {"cube_type": cube_type, "in_cube": DUMMY, **keys}


class Json(Case):
    """What is no JSON: line and column, and what to write instead."""

    def says(self, place, hint, text):
        path = self.path("g.json")
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        result = cube("check", path, errors="replace")
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertTrue(result.stderr.startswith(f"cube: error: {path}:{place}: "), result.stderr)
        self.assertTrue(result.stderr.endswith(f"({hint})\n"), result.stderr)

    def test_what_other_languages_have(self):
        quotes = "keys and texts stand in double quotes"
        for place, hint, text in (
                ("1:23", "no comma stands before a closing } or ]", '{"cube_type": "dummy",}'),
                ("1:14", "no comma stands before a closing } or ]", '{"bands": [1,]}'),
                ("2:1", "JSON has no comments; a \"description\" may stand in any node", '{\n// a\n"a": 1}'),
                ("1:2", quotes, "{'cube_type': 'dummy'}"),
                ("1:2", quotes, '{cube_type: "dummy"}'),
                ("1:15", quotes, '{"cube_type": dummy}'),
                ("1:10", "numbers that are none stand in quotes: \"nan\", \"inf\" or \"-inf\"", '{"fill": NaN}'),
                ("1:11", "numbers that are none stand in quotes: \"nan\", \"inf\" or \"-inf\"", '{"fill": nan}'),
                ("1:10", "numbers that are none stand in quotes: \"nan\", \"inf\" or \"-inf\"", '{"fill": Infinity}'),
                ("1:11", "numbers that are none stand in quotes: \"nan\", \"inf\" or \"-inf\"", '{"fill": -Infinity}'),
                ("1:13", "it is written true, false or null", '{"strict2": True}'),
                ("1:7", "it is written true, false or null", '{"a": None}'),
                ("1:11", "a comma is missing before it", '{"a": 1 "b": 2}'),
                ("1:14", "a comma is missing before it", '{"a": ["b" "c"]}'),
                ("1:8", "a brace or bracket is not closed", '{"a": 1'),
                ("1:11", "a backslash is written \\\\; file names may have / instead", '{"f": "C:\\data"}'),
                ("1:12", "the document has to be UTF-8", b'{"f": "caf\xe9"}'),
                ("1:9", "a document is one object", '{"a": 1}{}'),
                ("1:1", "a graph is JSON and begins with {", "cube_type: dummy"),
                ("1:1", "the document is empty; a graph begins with {", "")):
            with self.subTest(text):
                self.says(place, hint, text)

    def test_a_key_twice(self):
        self.rejects("FOLDER/g.json#: the key \"file\" stands twice in one object (leave one of them out)", "check",
                     self.graph('{"cube_type": "ncdf", "file": "a", "file": "b"}', "g.json"))


class Graphs(Case):
    def told(self, text, document):
        with self.subTest(text):
            self.rejects(text, "check", self.graph(document))

    def test_types(self):
        space = VIEW["space"]
        self.told("/view/space/left: expected a number, found the text \"0\" (without the quotes)",
                  {**DUMMY, "view": {**VIEW, "space": {**space, "left": "0"}}})
        self.told("/nbands: expected a whole number, found the text \"2\" (without the quotes)", {**DUMMY, "nbands": "2"})
        self.told("/nbands: expected a whole number, found the text \"two\"", {**DUMMY, "nbands": "two"})
        self.told("/reducer_bands/0: expected a list of 2, found the text \"mean\" (one more pair of brackets: "
                  "[[\"mean\",\"band1\"]])", on("reduce_time", reducer_bands=["mean", "band1"]))
        self.told("/reducer_bands/0: expected a list of 2, found a list of 1", on("reduce_time", reducer_bands=[["mean"]]))

    def test_reducers(self):
        self.told("/reducer_bands/0/0: there is no reducer 'band1' (it is a band: the reducer comes first, as in "
                  "[\"mean\", \"band1\"])", on("reduce_time", reducer_bands=[["band1", "mean"]]))
        self.told("/names: the number of names, 2, is not that of reducers, 1 (one a pair of reducer_bands)",
                  on("reduce_time", reducer_bands=[["mean", "band1"]], names=["a", "b"]))

    def test_nothing_given(self):
        self.told("/bands: no band is selected (one or more of band1, band2)", on("select_bands", bands=[]))
        self.told("/t: no time is selected (the cube's 3 slices run from 2020-01 to 2020-03)", on("select_time", t=[]))
        self.told("/expr: there is no formula (one a new band, e.g. \"(B08 - B04) / (B08 + B04)\")",
                  on("apply_pixel", expr=[]))
        self.told("/expr: the formula is empty (e.g. \"(B08 - B04) / (B08 + B04)\")", on("apply_pixel", expr=""))
        self.told("/predicate: the formula is empty (e.g. \"(B08 - B04) / (B08 + B04)\")",
                  on("filter_pixel", predicate=" "))
        self.told("the document has neither \"cube_type\" nor \"result\" (a cube node has a \"cube_type\"; "
                  "in a document of named cubes \"result\" names or holds the one to compute)", {"file": "a.nc"})

    def test_outputs(self):
        formats = "GTiff, COG, netCDF, Zarr, PNG, GIF, WebP, CSV, SVG, GPKG, GeoJSON"
        for output, text in (
                ({"file": "a.tif", "format": "JPEG"}, f"FOLDER/a.tif: there is no output format 'JPEG' (one of {formats})"),
                ({"file": "a.tif", "format": "GTif"}, "FOLDER/a.tif: there is no output format 'GTif' (did you mean 'GTiff'?)"),
                ({"file": "a.jpg"}, "FOLDER/a.jpg: the name does not say which format to write (end it in .tif, .nc, .zarr, "
                                    f".png, .gif, .webp, .csv, .svg, .gpkg or .geojson, or give the format: {formats})")):
            self.told("/outputs/1: " + text, {"result": DUMMY, "outputs": [{"file": "b.tif"}, output]})


class Notes(Case):
    def test_info_tells_what_check_tells(self):
        graph = self.graph({"cube_type": "filter_pixel", "predicate": "2 > 1", "in_cube": {
            "cube_type": "apply_pixel", "expr": "log(band1)", "band_names": "l", "keep_bands": False,
            "in_cube": DUMMY}})
        check = cube("check", graph)
        self.assertIn("cube: note: /predicate: names no band", check.stderr)
        info = cube("info", graph)
        self.assertEqual((info.returncode, info.stderr), (0, check.stderr))
        as_json = json.loads(cube("info", graph, "--json").stdout)
        self.assertEqual([note["where"] for note in as_json["notes"]], ["/predicate"])
        self.assertEqual(cube("info", graph, "--json").stderr, "")


if __name__ == "__main__":
    unittest.main()
