"""`cube run --stats`, -v and --stats-svg: where the time of a run went."""
import json
import re
import unittest
import xml.etree.ElementTree as xml

import numpy as np
from osgeo import gdal, osr

from program import DUMMY, Case, cube

gdal.UseExceptions()
STAGES = ["open", "read", "decode", "warp", "formula", "reduce", "encode", "write", "wait", "other"]
AROUND = {"encode", "write", "wait"}  # of no node
SVG = "{http://www.w3.org/2000/svg}"


class Stats(Case):
    def raster(self, name, cells, options=("COMPRESS=DEFLATE", "TILED=YES")):
        rows, columns = cells.shape
        out = gdal.GetDriverByName("GTiff").Create(self.path(name), columns, rows, 1,
                                                   gdal.GDT_UInt16, list(options))
        out.SetGeoTransform([300000, 10, 0, 5000000, 0, -10])
        system = osr.SpatialReference()
        system.ImportFromEPSG(32631)
        out.SetSpatialRef(system)
        out.GetRasterBand(1).WriteArray(cells)
        return self.path(name)

    def cells(self, size):
        return np.random.default_rng(3).integers(1, 3000, (size, size)).astype(np.uint16)

    def document(self, files, win=3):
        return self.graph({
            "cube_type": "window_space", "reducer_bands": [["mean", "ratio"]], "win_size_x": win,
            "win_size_y": win, "in_cube": {
                "cube_type": "apply_pixel", "expr": ["(b1 - b2) / (b1 + b2)"],
                "band_names": ["ratio"], "in_cube": {
                    "cube_type": "raster", "files": files, "bands": ["b1", "b2"]}}})

    def run_stats(self, graph, *more, out="out.tif"):
        result = cube("run", graph, "-o", self.path(out), "--overwrite", "--stats", "-", "-q",
                      *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout[result.stdout.index("{"):])

    def check_sums(self, stats):
        total = dict.fromkeys(STAGES, 0)
        for node in stats["nodes"]:
            self.assertEqual(list(node["thread_seconds"]), STAGES)
            self.assertAlmostEqual(sum(node["thread_seconds"].values()), node["seconds"], 6)
            for stage, seconds in node["thread_seconds"].items():
                self.assertGreaterEqual(seconds, -1e-6)
                total[stage] += seconds
                if stage in AROUND:
                    self.assertEqual(seconds, 0)
        self.assertEqual(list(stats["thread_seconds"]), STAGES)
        for stage in set(STAGES) - AROUND - {"other"}:
            self.assertAlmostEqual(total[stage], stats["thread_seconds"][stage], 6)

    def test_stages_add_up_to_threads_times_seconds(self):
        cells = self.cells(4200)
        graph = self.document([self.raster("a.tif", cells), self.raster("b.tif", cells[::-1])], 5)
        for threads in ("1", "2"):
            stats = self.run_stats(graph, "--threads", threads)
            self.assertEqual(stats["threads"], int(threads))
            self.assertGreater(stats["seconds"], 0.3)  # else a tenth of it is noise
            sum_of_stages = sum(stats["thread_seconds"].values())
            self.assertLessEqual(abs(sum_of_stages / stats["threads"] / stats["seconds"] - 1), 0.1,
                                 stats)
            self.check_sums(stats)
            self.assertLess(stats["thread_seconds"]["other"], 0.1 * sum_of_stages, stats)

    def test_time_is_where_the_work_is(self):
        cells = self.cells(1500)
        files = [self.raster("a.tif", cells), self.raster("b.tif", cells)]
        stats = self.run_stats(self.document(files))
        self.check_sums(stats)
        source, formula, window = [n["thread_seconds"] for n in stats["nodes"]]
        for stage in ("open", "read", "decode"):
            self.assertGreater(source[stage], 0, stage)
            self.assertEqual(formula[stage] + window[stage], 0, stage)
        self.assertGreater(source["decode"], source["read"])  # 4.5 MB from the system's memory
        self.assertGreater(formula["formula"], 0)
        self.assertGreater(window["reduce"], 0)
        self.assertEqual(formula["reduce"] + window["formula"], 0)
        whole = stats["thread_seconds"]
        self.assertGreater(whole["encode"], 0)
        self.assertGreater(whole["write"], 0)

    def test_what_is_not_compressed_is_not_decoded_or_encoded(self):
        cells = self.cells(1000)
        files = [self.raster(name, cells, ["TILED=YES"]) for name in ("a.tif", "b.tif")]
        stats = self.run_stats(self.document(files), "--co", "COMPRESS=NONE")
        self.assertEqual(stats["thread_seconds"]["decode"], 0)
        self.assertLess(stats["thread_seconds"]["encode"], 1e-3)
        self.assertGreater(stats["thread_seconds"]["read"], 0)

    def test_every_format_tells_encoding(self):
        cells = self.cells(600)
        graph = self.document([self.raster("a.tif", cells), self.raster("b.tif", cells)])
        for out, options in (("a.nc", []), ("a.zarr", []), ("a.tif", ["--format", "COG"])):
            stats = self.run_stats(graph, *options, out=out)
            self.assertGreater(stats["thread_seconds"]["encode"], 0, out)

    def test_arrays_are_read(self):
        cells = self.cells(600)
        graph = self.document([self.raster("a.tif", cells), self.raster("b.tif", cells)])
        self.run_stats(graph, out="a.nc")
        stats = self.run_stats(self.graph({"cube_type": "ncdf", "file": self.path("a.nc")}),
                               out="b.tif")
        self.assertGreater(stats["nodes"][0]["thread_seconds"]["read"], 0)

    def test_warping(self):
        cells = self.cells(800)
        graph = self.graph({"cube_type": "resample", "method": "bilinear", "view": {"space": {
            "left": 300000, "right": 307500, "bottom": 4992500, "top": 5000000, "dx": 15, "dy": 15,
            "srs": "EPSG:32631"}},
            "in_cube": {"cube_type": "raster", "file": self.raster("a.tif", cells)}})
        stats = self.run_stats(graph)
        self.assertGreater(stats["nodes"][1]["thread_seconds"]["warp"], 0)

    def test_the_table(self):
        cells = self.cells(1500)
        graph = self.document([self.raster("a.tif", cells), self.raster("b.tif", cells)])
        result = cube("run", graph, "-o", self.path("out.tif"), "-v", "--threads", "2",
                      "--progress", "none")
        lines = result.stderr.splitlines()
        self.assertRegex(lines[0], r"^chunks \d+, empty 0, [\d.]+ s on 2 threads; seconds of all "
                                   r"threads:$")
        columns = lines[1].split()
        self.assertEqual(columns, ["total", *(s for s in STAGES if s in columns)])
        rows = [line.split(maxsplit=len(columns)) for line in lines[2:]]
        self.assertEqual([re.sub(r" .*", "", row[-1]) for row in rows],
                         ["raster", "apply_pixel", "window_space", "outputs", "in"])
        for column in range(len(columns)):
            values = [0 if row[column] == "-" else float(row[column]) for row in rows]
            self.assertAlmostEqual(sum(values[:-1]), values[-1], delta=0.03)

    def test_the_picture(self):
        cells = self.cells(1500)
        graph = self.document([self.raster("a.tif", cells), self.raster("b.tif", cells)])
        self.run_stats(graph, "--stats-svg", self.path("time.svg"))
        svg = xml.parse(self.path("time.svg")).getroot()
        groups = list(svg.iter(SVG + "g"))
        self.assertEqual(len(groups), 3)
        sum_of_shares = 0
        for group in groups:
            texts = [t.text for t in group.iter(SVG + "text")]
            percent = next(re.search(r"s, (\d+) % of the time$", t) for t in texts
                           if "of the time" in t)
            sum_of_shares += int(percent.group(1))
            bars = [r for r in group.iter(SVG + "rect") if r.get("class") == "share"]
            box = next(r for r in group.iter(SVG + "rect") if r.get("class") == "box")
            self.assertEqual(len(bars), 1)
            full = float(box.get("width")) - 24
            self.assertAlmostEqual(float(bars[0].get("width")) / full,
                                   int(percent.group(1)) / 100, delta=0.01)
        self.assertLessEqual(sum_of_shares, 101)
        self.fails(2, "/no/such.svg: the picture cannot be written: ", "run", self.graph(DUMMY), "-o",
                   self.path("o.nc"), "--stats-svg", "/no/such.svg")


if __name__ == "__main__":
    unittest.main()
