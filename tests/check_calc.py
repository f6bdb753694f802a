"""`cube calc`: against gdal_calc and OTB's BandMath, and what it says to mistakes."""
import json
import os
import shutil
import subprocess
import unittest

import numpy as np
from osgeo import gdal

from program import Case, cube
from raster_files import write_raster

gdal.UseExceptions()
NDVI = "(im2b1-im1b1)/(im2b1+im1b1)"


class Calc(Case):
    """a.tif and b.tif: uint16, 0 is nodata, 40 x 30 cells; c.tif: two bands, cells of 20 m."""

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(5)
        for name in "ab":
            cells = random.integers(0, 3000, (30, 40)).astype(np.uint16)
            cells[cells < 100] = 0
            self.raster(name, [cells], 10)
        self.raster("c", random.integers(1, 9, (2, 15, 20)).astype(np.uint8), 20, None)

    def raster(self, name, bands, size, nodata=0):
        write_raster(self.path(name + ".tif"), bands, (300000, size, 0, 5000000, 0, -size), nodata)

    def calc(self, *arguments):
        files = [self.path(x) if x.endswith((".tif", ".json")) else x for x in arguments]
        result = cube("calc", *files)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def cells(self, name):
        """Cells of all bands, NaN where missing."""
        data = gdal.Open(self.path(name))
        bands = []
        for number in range(1, data.RasterCount + 1):
            band = data.GetRasterBand(number)
            cells = band.ReadAsArray().astype(float)
            missing = band.GetNoDataValue()
            if missing is not None and not np.isnan(missing):
                cells[cells == missing] = np.nan
            bands.append(cells)
        return np.array(bands)

    def test_ndvi_is_that_of_gdal_calc(self):
        self.calc(NDVI, "a.tif", "b.tif", "-o", "ours.tif", "--name", "NDVI")
        subprocess.run(["gdal_calc.py", "-A", self.path("a.tif"), "-B", self.path("b.tif"),
                        "--calc", "(B.astype(float)-A)/(B.astype(float)+A)", "--type=Float32",
                        "--NoDataValue=-9999", "--quiet", "--outfile", self.path("theirs.tif")],
                       check=True)
        ours = self.cells("ours.tif")
        np.testing.assert_allclose(ours, self.cells("theirs.tif"), rtol=1e-7)
        self.assertTrue(np.isnan(ours).any() and not np.isnan(ours).all())
        out = gdal.Open(self.path("ours.tif"))
        self.assertEqual(out.GetRasterBand(1).GetDescription(), "NDVI")
        self.assertEqual(out.GetGeoTransform(), gdal.Open(self.path("a.tif")).GetGeoTransform())

    @unittest.skipUnless(shutil.which("otbcli_BandMath"), "OTB is not installed")
    def test_ndvi_is_that_of_band_math(self):
        self.calc(NDVI, "a.tif", "b.tif", "-o", "ours.tif")
        subprocess.run(["otbcli_BandMath", "-il", self.path("a.tif"), self.path("b.tif"), "-exp",
                        NDVI, "-out", self.path("theirs.tif"), "float"], check=True,
                       capture_output=True)
        # BandMath does not know of missing cells: it computes with the 0 that stands for them.
        ours = self.cells("ours.tif")[0]
        theirs = gdal.Open(self.path("theirs.tif")).ReadAsArray()
        here = ~np.isnan(ours)
        np.testing.assert_allclose(ours[here], theirs[here], rtol=1e-6)

    def test_several_formulas_types_and_nodata(self):
        # Integers round to nearest (ties to even) and clamp; what would be 7, the nodata value, stays a value.
        self.calc("im1b1/100; im1b1>im2b1 ? 300 : 2", "a.tif", "b.tif", "--name", "x,y",
                  "--dtype", "uint8", "--nodata", "7", "-o", "out.tif")
        a, b = self.cells("a.tif")[0], self.cells("b.tif")[0]
        out = gdal.Open(self.path("out.tif"))
        stored = [out.GetRasterBand(i).ReadAsArray() for i in (1, 2)]
        self.assertEqual(out.GetRasterBand(1).DataType, gdal.GDT_Byte)
        self.assertEqual(out.GetRasterBand(1).GetNoDataValue(), 7)
        self.assertTrue((stored[0][np.isnan(a)] == 7).all())
        well = ~np.isnan(a) & (np.rint(a / 100) != 7)
        np.testing.assert_array_equal(stored[0][well], np.rint(a / 100)[well])
        well = ~np.isnan(a) & ~np.isnan(b)
        np.testing.assert_array_equal(stored[1][well], np.where(a > b, 255, 2)[well])

    def test_a_result_that_is_nodata_is_missing_as_with_gdal_calc(self):
        self.calc("im1b1*(im1b1>1000)", "a.tif", "--dtype", "uint16", "--nodata", "0", "-o",
                  "ours.tif")
        subprocess.run(["gdal_calc.py", "-A", self.path("a.tif"), "--calc", "A*(A>1000)",
                        "--NoDataValue=0", "--quiet", "--outfile", self.path("theirs.tif")],
                       check=True)
        ours = self.cells("ours.tif")
        np.testing.assert_array_equal(ours, self.cells("theirs.tif"))
        self.assertTrue(np.nanmin(ours) > 1000)

    def test_files_on_other_cells(self):
        self.calc("im1b1+im2b2", "a.tif", "c.tif", "--like", "a.tif", "-o", "out.tif")
        c = np.kron(self.cells("c.tif")[1], np.ones((2, 2)))
        np.testing.assert_array_equal(self.cells("out.tif")[0], self.cells("a.tif")[0] + c)

    def test_the_graph_that_it_stands_for(self):
        self.calc(NDVI, "a.tif", "b.tif", "-o", "direct.tif", "--save", "graph.json")
        with open(self.path("graph.json")) as file:
            graph = json.load(file)
        self.assertEqual(graph["cube_type"], "apply_pixel")
        self.assertEqual(graph["in_cube"]["files"], ["a.tif", "b.tif"])
        run = cube("run", self.path("graph.json"), "-o", self.path("run.tif"))
        self.assertEqual(run.returncode, 0, run.stderr)
        np.testing.assert_array_equal(self.cells("direct.tif"), self.cells("run.tif"))
        self.calc(NDVI, "a.tif", "b.tif", "--save", "only.json")
        self.assertTrue(os.path.exists(self.path("only.json")))

    def test_mistakes_name_the_argument(self):
        a, b, c = (self.path(x + ".tif") for x in "abc")
        out = ["-o", self.path("o.tif")]
        self.rejects('EXPR: unknown name \'im3b1\' at position 1 of "im3b1" (did you mean '
                     "'im1b1'?)", "calc", "im3b1", a, b, *out)
        self.rejects("--dtype: there is no type 'uint3' (did you mean 'uint8'?)",
                     "calc", "im1b1", a, "--dtype", "uint3", *out)
        self.fails(2, "--name: 2 names for 1 formula", "calc", "im1b1", a, "--name", "x,y", *out)
        self.rejects("FILE: FOLDER/d.tif: there is no such file",
                     "calc", "im1b1", self.path("d.tif"), *out)
        self.fails(2, "FOLDER/a.tif and FOLDER/c.tif differ in their size: 40 x 30 and 20 x 15 "
                   "cells".replace("FOLDER", self.folder), "calc", "im1b1+im2b1", a, c, *out)
        self.rejects("cube calc: nothing says where the result goes (give -o FILE, or --save FILE "
                     "for the graph)", "calc", "im1b1", a)
        self.rejects("cube calc: FILE is required (see cube calc --help)", "calc", "im1b1")
        self.assertFalse(os.path.exists(out[1]))


if __name__ == "__main__":
    unittest.main()
