#!/usr/bin/env python3
"""SVG charts of series: places of points worked out here, gaps, legends, what XML needs."""
import json
import os
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from datetime import datetime

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import Case, cube

SVG = "{http://www.w3.org/2000/svg}"
VIEW = {"space": {"left": 0, "right": 400, "bottom": 0, "top": 300, "dx": 10, "srs": "EPSG:32631"},
        "time": {"t0": "2020-01", "t1": "2020-06", "dt": "P1M"}}
# The frame of values in the first panel of a chart without a title and legend.
CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
LEFT, RIGHT, TOP, BOTTOM = 74, 876, 30, 230


def series(*expressions, view=VIEW, names=None):
    return {"cube_type": "apply_pixel", "expr": list(expressions),
            "band_names": names or [f"b{i}" for i in range(len(expressions))],
            "in_cube": {"cube_type": "dummy", "fill": 1, "view": view}}


def pixel(graph):
    return {"cube_type": "slice_space", "ix": 3, "iy": 4, "in_cube": graph}


class Charts(Case):
    def chart(self, graph, *options):
        name = self.path("a.svg")
        result = cube("run", self.graph(graph), "-o", name, "--overwrite", "-q", *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return ElementTree.parse(name).getroot()

    def pieces(self, root):
        """Points of the lines of a chart with one line a panel, and dots."""
        paths = [p.get("d") for p in root.iter(SVG + "path")]
        lines = [[tuple(map(float, point.split())) for point in re.split("L", piece)]
                 for d in paths for piece in d.split("M") if piece]
        dots = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter(SVG + "circle")]
        return lines, dots

    def texts(self, root):
        return [t.text for t in root.iter(SVG + "text")]

    def test_points_lie_where_they_should(self):
        root = self.chart(pixel(series("it == 2 ? 0/0 : it * 10")))
        times = [datetime(2020, m, 1).timestamp() for m in range(1, 7)]
        x = [LEFT + (t - times[0]) / (times[-1] - times[0]) * (RIGHT - LEFT) for t in times]
        y = [BOTTOM - (v + 2.5) / 55 * (BOTTOM - TOP) for v in (0, 10, 20, 30, 40, 50)]
        lines, dots = self.pieces(root)
        self.assertEqual([len(line) for line in lines], [2, 3])  # the third slice is a gap
        there = [0, 1, 3, 4, 5]
        for points in ([p for line in lines for p in line], dots):
            self.assertEqual(len(points), 5)
            for i, (px, py) in zip(there, points):
                self.assertAlmostEqual(px, x[i], delta=0.06)
                self.assertAlmostEqual(py, y[i], delta=0.06)
        texts = self.texts(root)
        for month in range(1, 7):
            self.assertIn(f"2020-{month:02d}", texts)
        for value in ("0", "20", "40", "b0"):
            self.assertIn(value, texts)
        self.assertIn("slice_space", root.find(SVG + "desc").text)

    def test_a_value_between_gaps_is_a_dot(self):
        view = {**VIEW, "time": {"t0": "2020-01-01", "t1": "2020-05-01", "dt": "P1D"}}  # too many dots
        lines, dots = self.pieces(self.chart(pixel(series("it == 5 ? 1 : (it > 8 ? it : 0/0)", view=view))))
        self.assertEqual(([len(line) for line in lines], len(dots)), ([113], 1))

    def test_features_are_lines_with_their_names(self):
        def box(name, x):
            ring = [[x, 0], [x, 300], [x + 100, 300], [x + 100, 0], [x, 0]]
            return {"type": "Feature", "properties": {"n": 1, "name": name},
                    "geometry": {"type": "Polygon", "coordinates": [ring]}}
        with open(self.path("f.geojson"), "w") as file:
            json.dump({"type": "FeatureCollection", "crs": CRS, "features": [box("A & <B>", 0), box("east", 300)]}, file)
        root = self.chart({"cube_type": "zonal", "file": "f.geojson", "reducers": ["mean", "count"], "in_cube": series("it + ix")},
                          "--co", "TITLE=Two & more")
        texts = self.texts(root)
        for text in ("A & <B>", "east", "b0_mean", "b0_count", "Two & more"):
            self.assertIn(text, texts)
        strokes = [p.get("stroke") for p in root.iter(SVG + "path")]
        self.assertEqual(len(strokes), 6)  # 2 lines in 2 panels, and the legend
        self.assertEqual(len(set(strokes)), 2)
        lines, dots = self.pieces(root)
        self.assertEqual([len(line) for line in lines], [6, 6, 6, 6, 2, 2])
        self.assertLess(lines[1][0][1], lines[0][0][1])  # the eastern values are higher
        height = float(root.get("height"))
        self.assertEqual(height, 30 + 2 * 260)

    def test_odd_series(self):
        self.assertIn("no values", self.texts(self.chart(pixel(series("0/0")))))
        one = {**VIEW, "time": {"t0": "2020-01", "t1": "2020-01", "dt": "P1M"}}
        lines, dots = self.pieces(self.chart(pixel(series("7", view=one))))
        self.assertEqual((lines, len(dots)), ([], 1))
        self.assertAlmostEqual(dots[0][0], (LEFT + RIGHT) / 2, delta=0.06)
        self.assertAlmostEqual(dots[0][1], (TOP + BOTTOM) / 2, delta=0.06)
        root = self.chart(pixel(series("it", "it*2")), "--co", "WIDTH=500", "--co", "HEIGHT=150")
        self.assertEqual((root.get("width"), root.get("height")), ("500.0", "300.0"))
        for t0, t1, dt, label in (("1990", "2020", "P1Y", "2010"), ("2020-01-01T00", "2020-01-01T23", "PT1H", "2020-01-01T06:00"),
                                  ("2020-01-01", "2020-01-09", "P1D", "2020-01-05"), ("2018-01", "2020-12", "P1M", "2019-07")):
            view = {**VIEW, "time": {"t0": t0, "t1": t1, "dt": dt}}
            texts = self.texts(self.chart(pixel(series("it", view=view))))
            self.assertIn(label, texts)
            self.assertLess(len(texts), 20)

    def test_what_is_wrong_is_said_before_any_work(self):
        out = self.path("a.svg")
        self.rejects("FOLDER/a.svg: the chart would have 1200 lines, of which it can show 32 (fewer features or "
                     "cells, or a table: .csv, .gpkg or .geojson)", "run", self.graph(series("1")), "-o", out)
        graph = self.graph(pixel(series("1")))
        self.rejects("FOLDER/a.svg: option WIDTH cannot be '10' (a whole number from 300 to 5000)", "run", graph,
                     "-o", out, "--co", "WIDTH=10")
        self.rejects("FOLDER/a.svg: option HEIGHT cannot be '0' (a whole number from 120 to 2000)", "run", graph,
                     "-o", out, "--co", "HEIGHT=0")
        many = {**VIEW, "time": {"t0": "1700-01-01", "t1": "2000-01-01", "dt": "P1D"}}
        self.rejects("FOLDER/a.svg: the chart would have 109573 slices, of which it can show 100000 "
                     "(aggregate_time makes fewer of them)", "run",
                     self.graph(pixel(series("1", view=many))), "-o", out)
        bands = self.graph(pixel({"cube_type": "dummy", "nbands": 51, "view": VIEW}))
        self.rejects("FOLDER/a.svg: the chart would have 51 panels, of which it can show 50 (select_bands keeps "
                     "some bands)", "run", bands, "-o", out)
        self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    unittest.main()
