#!/usr/bin/env python3
"""Chunks that fit the files: cube info recommends them."""
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
