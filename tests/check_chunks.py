#!/usr/bin/env python3
"""Chunks that fit the files: cube info recommends them, "auto" asks for them, and a plan that has blocks decoded
again and again says so, and how often: as often as the run then does."""
import json
import re
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import VIEW, cube
from raster_files import RasterCase

SMALL = ("--memory", "200M", "--threads", "1")  # keeps 13 MB of blocks


class ChunkCase(RasterCase):
    def noise(self, name, height, width, **more):
        """A file of cells that cannot be compressed."""
        cells = np.random.default_rng(1).integers(0, 65535, (height, width), dtype=np.uint16)
        options = [f"{key}={value}" for key, value in more.items()]
        dataset = gdal.GetDriverByName("GTiff").Create(
            self.path(name), width, height, 1, gdal.GDT_UInt16, ["COMPRESS=ZSTD", *options])
        dataset.SetGeoTransform((5e5, 10, 0, 5e6, 0, -10))
        dataset.GetRasterBand(1).WriteArray(cells)
        dataset = None
        return {"cube_type": "raster", "file": name, "bands": ["a"]}


class NoteTest(ChunkCase):
    def note(self, document, *more):
        result = cube("plan", self.graph(document), *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stderr

    def check(self, document, blocks, *more):
        """How often the plan says that blocks are decoded, which is how often the run does."""
        found = re.search(r"decoded about ([0-9.]+) times", self.note(document, *more))
        plan = json.loads(cube("plan", self.graph(document), "--json", *more).stdout)
        planned = [node["block_decodes"] for node in plan["nodes"] if "block_decodes" in node][0]
        result = cube("run", self.graph(document), "-o", self.path("out.zarr"), "--overwrite", "--stats",
                      self.path("stats.json"), *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("stats.json")) as file:
            counted = json.load(file)["reading"]["blocks_decoded"] / blocks
        self.assertAlmostEqual(planned, counted, delta=0.15 * counted)
        self.assertEqual(bool(found), planned >= 1.5)
        self.assertEqual("times: " in result.stderr, bool(found))
        if found:
            self.assertAlmostEqual(float(found[1]), planned, delta=0.051)
        return planned

    def test_tiles(self):
        document = self.noise("a.tif", 1024, 16384, TILED="YES", BLOCKXSIZE=512, BLOCKYSIZE=512)
        for chunk, cut in (("1,512,512", False), ("1,100,100", True), ("1,128,16384", True)):
            with self.subTest(chunk):
                self.assertEqual(self.check(document, 64, *SMALL, "--chunk", chunk) > 1.5, cut)
        self.assertRegex(self.note(document, *SMALL, "--chunk", "1,100,100"),
                         r"^cube: note: each block of the files is decoded about 1.9 times: chunks of 1,100,100 "
                         r"cut their blocks of 512 x 512; --chunk auto \(1,1024,1024\) avoids that\n$")
        notes = json.loads(cube("plan", self.graph(document), *SMALL, "--chunk", "1,100,100", "--json").stdout)["notes"]
        self.assertEqual([note["where"] for note in notes], [""])
        for more in ((), ("--chunk", "auto")):
            self.assertEqual(self.note(document, *SMALL, *more), "")
        # A larger cache keeps them.
        self.assertEqual(self.note(document, "--chunk", "1,100,100", "--threads", "1", "--memory", "400M"), "")
        quiet = cube("run", self.graph(document), "-o", self.path("out.tif"), *SMALL, "--chunk", "1,128,16384", "-q")
        self.assertEqual((quiet.returncode, quiet.stderr), (0, ""))

    def test_strips(self):
        document = self.noise("a.tif", 1024, 8192, BLOCKYSIZE=128)
        self.assertGreater(self.check(document, 8, *SMALL, "--chunk", "1,1000,120"), 50)
        self.assertEqual(self.check(document, 8, *SMALL, "--chunk", "1,100,2000"), 1)
        self.assertIn("; --chunk auto (1,256,8192) avoids that\n", self.note(document, *SMALL, "--chunk", "1,512,64"))
        self.assertEqual(self.check(document, 8, "--memory", "400M", "--threads", "2", "--chunk", "1,512,64"), 1)

    def test_blocks_that_are_too_large(self):
        """No chunk avoids it."""
        for name in ("a.tif", "b.tif"):
            self.noise(name, 2600, 2600, BLOCKYSIZE=2600)
        source = {"cube_type": "raster", "files": ["a.tif", "b.tif"], "bands": ["a", "b"]}
        document = {"cube_type": "apply_pixel", "expr": "a + b", "in_cube": source}
        self.assertGreater(self.check(document, 2, *SMALL), 1.5)
        self.assertRegex(self.note(document, *SMALL), r"^cube: note: /in_cube: .* times: .*; with --memory 800M they would be "
                                                      r"kept\n$")

    def test_stores(self):
        made = cube("run", self.graph(self.stack(np.ones((4, 300, 400), dtype="uint16"))), "-o",
                    self.path("a.zarr"), "--chunk", "2,100,100")
        self.assertEqual(made.returncode, 0, made.stderr)
        document = {"cube_type": "zarr", "file": "a.zarr"}
        for chunk in ("2,100,100", "1,100,100", "2,30,400"):
            self.check(document, 24, "--threads", "1", "--chunk", chunk)

    def test_vrt_is_not_spoken_of(self):
        """Its blocks are those of other files."""
        self.noise("a.tif", 1024, 1024, TILED="YES")
        gdal.BuildVRT(self.path("a.vrt"), self.path("a.tif"))
        document = {"cube_type": "raster", "file": "a.vrt"}
        self.assertEqual(self.note(document, *SMALL, "--chunk", "1,5,5"), "")


class AutoTest(ChunkCase):
    def plan(self, document, *more):
        result = cube("plan", self.graph(document), "--json", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)["chunk_shape"]

    def recommended(self, document):
        return json.loads(cube("info", self.graph(document), "--json").stdout)["chunk"]

    def cells(self, document, *more):
        out = self.path("out.nc")
        result = cube("run", self.graph(document), "-o", out, "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        array = gdal.OpenEx(out, gdal.OF_MULTIDIM_RASTER).GetRootGroup().OpenMDArray("a")
        return array.ReadAsArray()

    def check(self, source, shape):
        """`source` with "auto" is cut as recommended, whatever stands above it, and has the same cells."""
        auto = {**source, "chunk_size": "auto"}
        above = {"cube_type": "apply_pixel", "expr": "a + 1", "band_names": "a", "in_cube": auto}
        self.assertEqual(self.recommended(source), shape)
        for document in (auto, above):
            for threads in ("1", "7"):
                self.assertEqual(self.plan(document, "--threads", threads), shape)
        other = {**source, "chunk_size": [2, 50, 70]}
        self.assertNotEqual(self.plan(other), shape)
        self.assertEqual(self.plan(other, "--chunk", "auto"), shape)
        cells = self.cells(other)
        for more in ((), ("--threads", "3"), ("--chunk", "1,33,57")):
            np.testing.assert_array_equal(self.cells(auto, *more), cells)
        self.assertGreater(len(np.unique(cells)), 100)
        saved = json.loads(cube("save", self.graph(above), "-o", "-").stdout)
        self.assertEqual(saved["in_cube"]["chunk_size"], "auto")

    def test_raster(self):
        source = self.noise("a.tif", 1100, 2300, TILED="YES", BLOCKXSIZE=256, BLOCKYSIZE=128)
        self.check(source, [1, 1024, 1024])
        self.check(self.noise("b.tif", 300, 9000, BLOCKYSIZE=32), [1, 224, 9000])

    def test_series(self):
        slices = np.random.default_rng(2).integers(0, 999, (5, 200, 150)).astype("uint16")
        source = self.stack(slices, tile=64)
        self.check(source, [1, 200, 150])
        for name, kind in (("a.zarr", "zarr"), ("a.nc", "ncdf")):
            made = cube("run", self.graph(source), "-o", self.path(name), "--chunk", "3,100,64")
            self.assertEqual(made.returncode, 0, made.stderr)
            self.check({"cube_type": kind, "file": name}, [3, 200, 150])

    def images(self, *tiles):
        """A collection of images with tiles of these sides, and a view of it on their cells."""
        cells = np.random.default_rng(3).integers(1, 999, (1600, 1600)).astype("uint16")
        lines = ["name,datetime,a"]
        for i, side in enumerate(tiles):
            self.write(f"{i}.tif", cells, tile=side)
            lines.append(f"image{i},2020-01-{i + 1:02},{i}.tif")
        self.graph("\n".join(lines) + "\n", "table.csv")
        made = cube("catalog", "create", self.path("c.db"), "--table", self.path("table.csv"), "--overwrite")
        self.assertEqual(made.returncode, 0, made.stderr)
        return {"cube_type": "image_collection", "file": "c.db",
                "view": {"space": {"left": 5e5, "right": 516000, "top": 5e6, "bottom": 4984000, "dx": 10,
                                   "srs": "EPSG:32631"},
                         "time": {"t0": "2020-01-01", "t1": f"2020-01-{len(tiles):02}", "dt": "P1D"}}}

    def test_collection(self):
        self.check(self.images(640), [1, 640, 640])
        for tiles, side in (((640, 512, 512), 1024), ((512, 640, 640, 640), 640), ((400, 640, 512, 640), 640),
                            ((640, 400, 512, 640, 512, 512, 512, 512, 512), 1024)):
            auto = {**self.images(*tiles), "chunk_size": "auto"}
            with self.subTest(tiles):
                self.assertEqual(self.plan(auto), [1, side, side])

    def test_mistakes(self):
        source = self.noise("a.tif", 100, 100)
        for size, found in (("Auto", 'the text "Auto" (did you mean \'auto\'?)'), ("fit", 'the text "fit"'), (64, "the number 64"),
                            ([64, 64], "a list of 2")):
            self.rejects(f'/chunk_size: expected a list of 3 or "auto", found {found}', "plan",
                         self.graph({**source, "chunk_size": size}))
        self.rejects("/chunk_size/2: a chunk of 0 cells (1 or more)", "plan",
                     self.graph({**source, "chunk_size": [1, 1, 0]}))
        self.rejects("--chunk: 'best' is no chunk shape (three whole numbers t,y,x such as 1,512,512, or auto)",
                     "plan", self.graph(source), "--chunk", "best")
        # What reads no file has no blocks.
        self.rejects('/chunk_size: expected a list of 3, found the text "auto"', "plan",
                     self.graph({"cube_type": "dummy", "chunk_size": "auto", "view": VIEW}))

    def test_help(self):
        for name in ("raster", "simple_cube", "image_collection", "ncdf", "zarr"):
            text = cube("ops", name).stdout
            self.assertIn('chunk_size: [whole number, whole number, whole number] or "auto"', text)


class InfoTest(ChunkCase):
    def info(self, name):
        result = cube("info", self.path(name))
        self.assertEqual(result.returncode, 0, result.stderr)
        text = [line for line in result.stdout.split("\n") if line.startswith("chunk")]
        return (text or [""])[0], json.loads(cube("info", self.path(name), "--json").stdout)

    def test_raster(self):
        self.noise("a.tif", 2048, 3000, TILED="YES", BLOCKXSIZE=512, BLOCKYSIZE=512)
        text, info = self.info("a.tif")
        self.assertEqual(text, "chunk   1 x 1024 x 1024 (t, y, x), 2.1 MB a band: whole blocks")
        self.assertEqual(info["chunk"], [1, 1024, 1024])
        self.noise("b.tif", 512, 6144, BLOCKYSIZE=64)
        text, info = self.info("b.tif")
        self.assertEqual(info["chunk"][2], 6144)
        self.assertEqual(info["chunk"][1] % 64, 0)
        self.assertIn("whole blocks", text)

    def test_stores(self):
        document = self.stack(np.ones((6, 200, 300), dtype=np.uint16))
        for name in ("a.zarr", "a.nc"):
            result = cube("run", self.graph(document), "-o", self.path(name), "--chunk",
                          "3,100,150")
            self.assertEqual(result.returncode, 0, result.stderr)
            text, info = self.info(name)
            self.assertEqual(info["chunk"][0], 3)
            self.assertIn("whole blocks", text)
        cube("run", self.graph(document), "-o", self.path("b.zarr"), "--chunk", "3,100,150")
        text, info = self.info("graph.json")
        self.assertIn("chunk   1 x ", text)


if __name__ == "__main__":
    unittest.main()
