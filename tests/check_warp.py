"""`cube warp`: grids, cells, control points and RPCs against gdalwarp; OTB's Superimpose and
rioxarray's reproject_match; what it says to mistakes."""
import json
import os
import shutil
import subprocess
import unittest

import numpy as np
from osgeo import gdal, osr

from program import Case, cube

try:
    import rioxarray
except ImportError:
    rioxarray = None

gdal.UseExceptions()
KINDS = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "float32": gdal.GDT_Float32}
BOX = {"left": 500000, "top": 5000000}  # in zone 31, close to 3 E 45.1 N


def reference(code):
    system = osr.SpatialReference()
    system.ImportFromEPSG(code)
    system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return system


def smooth(rows, columns, phase=0.0):
    """Cells from 1 to 1999 that change slowly."""
    y, x = np.mgrid[0:rows, 0:columns]
    return np.rint(1000 + 999 * np.sin(x / 9 + phase) * np.cos(y / 7)).astype(np.uint16)


class Warp(Case):
    """xs.tif: uint16, 0 is nodata, 60 x 50 cells of 20 m; pan.tif: 200 x 180 of 5 m inside it."""

    def setUp(self):
        super().setUp()
        cells = smooth(50, 60)
        cells[10:13, 20:25] = 0
        self.raster("xs.tif", [cells], 20, 500000, 5000000)
        self.raster("pan.tif", [smooth(180, 200)], 5, 500102.5, 4999953)

    def raster(self, name, bands, size, left, top, nodata=0, code=32631):
        rows, columns = bands[0].shape
        out = gdal.GetDriverByName("GTiff").Create(self.path(name), columns, rows, len(bands),
                                                   KINDS[bands[0].dtype.name])
        if left is not None:
            out.SetGeoTransform([left, size, 0, top, 0, -size])
            out.SetSpatialRef(reference(code))
        for number, cells in enumerate(bands, 1):
            out.GetRasterBand(number).WriteArray(cells)
            if nodata is not None:
                out.GetRasterBand(number).SetNoDataValue(nodata)
        return out

    def warp(self, *arguments, out="ours.tif"):
        files = [self.path(x) if x.endswith((".tif", ".json")) else x for x in arguments]
        result = cube("warp", *files, "-o", self.path(out), "--overwrite")
        self.assertEqual(result.returncode, 0, result.stderr)
        return gdal.Open(self.path(out))

    def gdalwarp(self, name, *arguments, out="theirs.tif"):
        subprocess.run(["gdalwarp", "-q", "-overwrite", "-et", "0", *arguments, self.path(name),
                        self.path(out)], check=True)
        return gdal.Open(self.path(out))

    def same_grid(self, ours, theirs):
        np.testing.assert_allclose(ours.GetGeoTransform(), theirs.GetGeoTransform(), rtol=1e-12)
        self.assertEqual((ours.RasterXSize, ours.RasterYSize),
                         (theirs.RasterXSize, theirs.RasterYSize))
        self.assertTrue(ours.GetSpatialRef().IsSame(theirs.GetSpatialRef()))

    def grid_options(self, data):
        """What has gdalwarp make the grid of `data`."""
        left, dx, _, top, _, dy = data.GetGeoTransform()
        box = (left, top + dy * data.RasterYSize, left + dx * data.RasterXSize, top)
        return ["-te", *map(repr, box), "-ts", str(data.RasterXSize), str(data.RasterYSize),
                "-t_srs", data.GetSpatialRef().ExportToWkt()]

    def test_grids_are_those_that_gdalwarp_chooses(self):
        for ours, theirs in (
                (["--srs", "EPSG:3857"], ["-t_srs", "EPSG:3857"]),
                (["--srs", "EPSG:4326"], ["-t_srs", "EPSG:4326"]),
                (["--srs", "EPSG:3035", "--res", "25"], ["-t_srs", "EPSG:3035", "-tr", "25", "25"]),
                (["--srs", "EPSG:3035", "--res", "25,30", "--snap"],
                 ["-t_srs", "EPSG:3035", "-tr", "25", "30", "-tap"]),
                (["--srs", "EPSG:3857", "--size", "70,45"],
                 ["-t_srs", "EPSG:3857", "-ts", "70", "45"]),
                (["--srs", "EPSG:3857", "--extent", "333500,5640000,334500,5640600", "--res", "20"],
                 ["-t_srs", "EPSG:3857", "-te", "333500", "5640000", "334500", "5640600",
                  "-tr", "20", "20"]),
                (["--res", "30"], ["-tr", "30", "30"]),
                (["--srs", "EPSG:32631"], [])):
            ours = self.warp("xs.tif", *ours)
            self.same_grid(ours, self.gdalwarp("xs.tif", *theirs))
        # An extent alone: cells of the size that gdalwarp chooses but for what makes them divide it.
        free = self.warp("xs.tif", "--srs", "EPSG:3857").GetGeoTransform()
        out = self.warp("xs.tif", "--srs", "EPSG:3857", "--extent", "333500,5640000,334500,5640600")
        left, dx, _, top, _, dy = out.GetGeoTransform()
        self.assertEqual((left, top), (333500, 5640600))
        self.assertAlmostEqual(left + dx * out.RasterXSize, 334500)
        self.assertAlmostEqual(dx / free[1], 1, delta=0.02)
        self.assertAlmostEqual(dy / free[5], 1, delta=0.02)

    def test_cells_are_those_of_gdalwarp(self):
        # gdalwarp scales its kernels by the ratio of whole windows unless it is told not to.
        plain = ["-wo", "XSCALE=1", "-wo", "YSCALE=1"]
        for grid in (["--like", "pan.tif"], ["--srs", "EPSG:3857"]):
            for method, options, most in (("near", [], 0), ("bilinear", plain, 1),
                                          ("cubic", plain, 1)):
                ours = self.warp("xs.tif", *grid, "-r", method)
                theirs = self.gdalwarp("xs.tif", "-r", method, *options, *self.grid_options(ours))
                a, b = ours.ReadAsArray().astype(int), theirs.ReadAsArray().astype(int)
                both = (a > 0) & (b > 0)
                self.assertEqual(ours.GetRasterBand(1).DataType, gdal.GDT_UInt16)
                self.assertEqual(ours.GetRasterBand(1).GetNoDataValue(), 0)
                # Near the border and gaps gdalwarp's cubic falls back to bilinear.
                share = {"near": 1, "bilinear": 1, "cubic": 0.9}[method]
                self.assertGreaterEqual(np.mean(np.abs(a - b)[both] <= most), share, method)
                self.assertLessEqual(np.mean((a > 0) != (b > 0)), 0 if method == "near" else 0.002)
                self.assertGreater(both.mean(), 0.8)

    def test_coarser_cells_take_averages(self):
        ours = self.warp("xs.tif", "--res", "100", "-r", "average").ReadAsArray().astype(int)
        theirs = self.gdalwarp("xs.tif", "-tr", "100", "100", "-r", "average").ReadAsArray()
        self.assertEqual((ours > 0).sum(), ours.size - 1)  # the cell whose centre is missing
        self.assertLessEqual(np.abs(ours - theirs.astype(int))[ours > 0].max(), 1)

    def located(self, name, points=(), rpcs=None):
        data = self.raster(name, [smooth(80, 90)], 1, None, None)
        if points:
            data.SetGCPs([gdal.GCP(x, y, 0, column, row) for column, row, x, y in points],
                         reference(4326))
        if rpcs:
            data.SetMetadata(rpcs, "RPC")

    def same_cells(self, ours, theirs, share=0.9999):
        a, b = ours.ReadAsArray(), theirs.ReadAsArray()
        self.assertGreater(np.mean(a > 0), 0.4)
        self.assertGreaterEqual(np.mean(a == b), share)

    def test_control_points(self):
        random = np.random.default_rng(3)
        points = []
        for row in range(0, 81, 16):
            for column in range(0, 91, 18):
                bend = 2e-4 * np.sin(row / 30) + random.normal(0, 3e-6)
                points.append((column, row, 3 + column * 2e-4 + row * 3e-5 + bend,
                               45 - row * 1.5e-4 + column * 2e-5 + bend))
        self.located("points.tif", points)
        made = []
        for ours, theirs in (([], []), (["--order", "1"], ["-order", "1"]),
                             (["--order", "3"], ["-order", "3"]), (["--tps"], ["-tps"])):
            out = self.warp("points.tif", "--srs", "EPSG:32631", *ours)
            wanted = self.gdalwarp("points.tif", "-t_srs", "EPSG:32631", *theirs)
            self.same_grid(out, wanted)
            self.same_cells(out, wanted)
            made.append(out.ReadAsArray())
        self.assertFalse(made[1].shape == made[2].shape and (made[1] == made[2]).all())
        # Onto a grid, and without --srs in the CRS of the points.
        self.raster("grid.tif", [smooth(50, 60)], 20, 500200, 4982500)
        out = self.warp("points.tif", "--like", "grid.tif", "-r", "bilinear")
        wanted = self.gdalwarp("points.tif", "-r", "bilinear", "-wo", "XSCALE=1", "-wo", "YSCALE=1",
                               *self.grid_options(out))
        a, b = out.ReadAsArray().astype(int), wanted.ReadAsArray().astype(int)
        self.assertGreater(np.mean((np.abs(a - b) <= 1) & (a > 0)), 0.4)
        self.assertLessEqual(np.mean(np.abs(a - b) > 1), 0.001)
        self.same_grid(self.warp("points.tif", "--res", "3e-4"),
                       self.gdalwarp("points.tif", "-tr", "3e-4", "3e-4"))

    def test_rpcs(self):
        # Columns follow longitude and rows latitude; the ground leans by height.
        first, one = [0.0] * 20, ["1"] + ["0"] * 19
        line, sample = list(first), list(first)
        line[2], line[1], line[3] = -1.0, 0.1, 0.2
        sample[1], sample[2], sample[3], sample[7] = 1.0, 0.05, 0.3, 0.01
        self.located("rpc.tif", rpcs={
            "LINE_OFF": "40", "SAMP_OFF": "45", "LAT_OFF": "45", "LONG_OFF": "3",
            "HEIGHT_OFF": "500", "LINE_SCALE": "40", "SAMP_SCALE": "45", "LAT_SCALE": "0.005",
            "LONG_SCALE": "0.008", "HEIGHT_SCALE": "500",
            "LINE_NUM_COEFF": " ".join(map(repr, line)), "LINE_DEN_COEFF": " ".join(one),
            "SAMP_NUM_COEFF": " ".join(map(repr, sample)), "SAMP_DEN_COEFF": " ".join(one)})
        y, x = np.mgrid[0:60, 0:60]
        heights = (300 + 200 * np.sin(x / 8) * np.cos(y / 6)).astype(np.float32)
        self.raster("heights.tif", [heights], 0.0005, 2.985, 45.015, None, 4326)
        made = []
        for ours, theirs in (([], []), (["--height", "250"], ["-to", "RPC_HEIGHT=250"]),
                             (["--dem", "heights.tif"],
                              ["-to", "RPC_DEM=" + self.path("heights.tif")]),
                             (["--dem", "heights.tif", "--height", "100"],
                              ["-to", "RPC_DEM=" + self.path("heights.tif"),
                               "-to", "RPC_HEIGHT=100"])):
            for srs in (["--srs", "EPSG:32631"], ["--srs", "EPSG:4326"]):
                out = self.warp("rpc.tif", *srs, *ours)
                wanted = self.gdalwarp("rpc.tif", "-rpc", "-t_srs", srs[1], *theirs)
                self.same_grid(out, wanted)
                # gdalwarp finds out for each row what part of the heights it needs.
                self.same_cells(out, wanted, 0.999)
            made.append(out.ReadAsArray())
        self.assertFalse(made[0].shape == made[1].shape and (made[0] == made[1]).all())
        self.assertFalse(made[1].shape == made[2].shape and (made[1] == made[2]).all())

    def test_fill_and_types(self):
        self.raster("plain.tif", [np.full((10, 10), 200, np.uint8)], 20, 500000, 5000000, None)
        wide = ["--extent", "499980,4999780,500240,5000000", "--res", "20"]
        out = self.warp("plain.tif", *wide)
        self.assertEqual(out.GetRasterBand(1).DataType, gdal.GDT_Int16)
        cells = np.full((11, 13), 9)
        cells[:10, 1:11] = 200
        for more in ([], ["-r", "bilinear"], ["-r", "average"]):
            out = self.warp("plain.tif", *wide, "--fill", "9", *more)
            self.assertEqual(out.GetRasterBand(1).DataType, gdal.GDT_Byte)
            self.assertIsNone(out.GetRasterBand(1).GetNoDataValue())
            np.testing.assert_array_equal(out.ReadAsArray(), cells)
        # Cells that a file lacks stay missing, whatever stands beyond it.
        out = self.warp("xs.tif", "--extent", "500400,4999700,501300,5000000", "--res", "20",
                        "--fill", "7").ReadAsArray()
        self.assertTrue((out[10:13, :5] == 0).all())
        self.assertTrue((out[:, 40:] == 7).all())
        self.assertEqual((out == 0).sum(), 15)
        # A whole piece beyond the file.
        out = self.warp("xs.tif", "--extent", "600000,4999700,601300,5000000", "--res", "20",
                        "--fill", "7").ReadAsArray()
        self.assertTrue((out == 7).all())
        out = self.warp("xs.tif", "--like", "pan.tif", "-r", "cubic", "--dtype", "float32")
        self.assertEqual(out.GetRasterBand(1).DataType, gdal.GDT_Float32)
        self.assertTrue(np.isnan(out.ReadAsArray()).any())
        self.assertGreater(np.mean(out.ReadAsArray() % 1 > 0), 0.5)

    def test_bands_of_several_files_side_by_side(self):
        out = self.warp("pan.tif", "xs.tif", "--like", "pan.tif")
        self.assertEqual(out.RasterCount, 2)
        np.testing.assert_array_equal(out.ReadAsArray()[0], gdal.Open(self.path("pan.tif")).ReadAsArray())
        np.testing.assert_array_equal(out.ReadAsArray()[1],
                                      self.warp("xs.tif", "--like", "pan.tif").ReadAsArray())

    @unittest.skipUnless(shutil.which("otbcli_Superimpose"), "OTB is not installed")
    def test_superimpose(self):
        self.raster("whole.tif", [smooth(50, 60)], 20, 500000, 5000000, None)
        for method, otb in (("bilinear", "linear"), ("near", "nn")):
            ours = self.warp("whole.tif", "--like", "pan.tif", "-r", method, "--fill", "0")
            subprocess.run(["otbcli_Superimpose", "-inr", self.path("pan.tif"), "-inm",
                            self.path("whole.tif"), "-out", self.path("theirs.tif"), "uint16",
                            "-interpolator", otb, "-fv", "0"], check=True, capture_output=True)
            a = ours.ReadAsArray().astype(int)
            b = gdal.Open(self.path("theirs.tif")).ReadAsArray().astype(int)
            # Superimpose truncates where we round, and interpolates no cell that lies within half a
            # cell of the source's border. Centres on borders between cells go either way.
            self.assertGreaterEqual(np.mean(np.abs(a - b) <= 1), 0.99, method)
        # It knows nothing of missing cells: next to them it mixes in the number that stands for them.
        ours = self.warp("xs.tif", "--like", "pan.tif", "-r", "bilinear").ReadAsArray().astype(int)
        subprocess.run(["otbcli_Superimpose", "-inr", self.path("pan.tif"), "-inm",
                        self.path("xs.tif"), "-out", self.path("theirs.tif"), "uint16",
                        "-interpolator", "linear"], check=True, capture_output=True)
        theirs = gdal.Open(self.path("theirs.tif")).ReadAsArray().astype(int)
        # The gap, columns 20 to 24 and rows 10 to 12 of xs, and half a cell of 20 m around it.
        beside = np.zeros(ours.shape, bool)
        beside[26:46, 57:84] = True
        mixed = (np.abs(ours - theirs) > 1) & (ours > 0)
        self.assertTrue(mixed[beside].any())
        self.assertLess(np.mean(np.abs(ours - theirs)[~beside] > 1), 0.01)

    @unittest.skipUnless(rioxarray, "rioxarray is not installed")
    def test_reproject_match(self):
        from rasterio.enums import Resampling
        for method, resampling in (("near", Resampling.nearest), ("bilinear", Resampling.bilinear),
                                   ("cubic", Resampling.cubic)):
            for like in ("pan.tif", "mercator.tif"):
                if like == "mercator.tif":
                    self.warp("xs.tif", "--srs", "EPSG:3857", "--res", "17", out=like)
                ours = self.warp("xs.tif", "--like", like, "-r", method).ReadAsArray().astype(int)
                source = rioxarray.open_rasterio(self.path("xs.tif"))
                match = rioxarray.open_rasterio(self.path(like))
                theirs = source.rio.reproject_match(match, resampling=resampling)
                theirs = theirs.values[0].astype(int)
                both = (ours > 0) & (theirs > 0)
                # GDAL's own steps below: positions to an eighth of a cell, kernels scaled by
                # windows, cubic that falls back to bilinear at borders and gaps.
                most = 0 if method == "near" else 40
                share = {"near": 0.98, "bilinear": 0.99, "cubic": 0.95}[method]
                close = np.abs(ours - theirs)[both] <= most
                self.assertGreaterEqual(close.mean(), share, (method, like))
                self.assertLessEqual(np.mean((ours > 0) != (theirs > 0)), 0.01)

    def test_the_graph_that_it_stands_for(self):
        direct = self.warp("xs.tif", "--srs", "EPSG:3857", "-r", "cubic", "--fill", "5")
        result = cube("warp", "xs.tif", "--srs", "EPSG:3857", "-r", "cubic", "--fill", "5",
                      "--save", "graph.json", cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("graph.json")) as file:
            self.assertEqual(json.load(file)["view"]["space"]["srs"], "EPSG:3857")
        run = cube("run", self.path("graph.json"), "-o", self.path("run.tif"))
        self.assertEqual(run.returncode, 0, run.stderr)
        np.testing.assert_array_equal(direct.ReadAsArray(),
                                      gdal.Open(self.path("run.tif")).ReadAsArray())

    def test_mistakes_name_the_argument(self):
        xs, pan = self.path("xs.tif"), self.path("pan.tif")
        out = ["-o", self.path("o.tif")]
        self.rejects("cube warp: nothing says which grid is wanted (give --like RASTER, --srs or "
                     "--res)", "warp", xs, *out)
        self.rejects("--like: says where the grid is, so --srs, --res, --extent, --size and --snap "
                     "may not (leave one of them out)",
                     "warp", xs, "--like", pan, "--res", "5", *out)
        self.rejects("--res: 'fine' is not DX or DX,DY", "warp", xs, "--res", "fine", *out)
        self.rejects("--extent: '1,2,3' is not LEFT,BOTTOM,RIGHT,TOP",
                     "warp", xs, "--extent", "1,2,3", *out)
        self.rejects("--size: '5' is not COLUMNS,ROWS", "warp", xs, "--size", "5", *out)
        self.fails(2, "--res: the cell size is 0 (larger than 0)",
                   "warp", xs, "--res", "0", *out)
        self.fails(2, "--extent: right (1) is not beyond left (3)",
                   "warp", xs, "--extent", "3,2,1,4", *out)
        self.fails(2, "--srs: ", "warp", xs, "--srs", "EPSG:1", *out)
        self.fails(2, "-r: there is no resampling method 'linear'",
                   "warp", xs, "--like", pan, "-r", "linear", *out)
        self.fails(2, "--fill: band 'im1b1', uint16, cannot hold -1",
                   "warp", xs, "--like", pan, "--fill", "-1", *out)
        self.fails(2, "--dtype: cells of band 'im1b1' can be missing, for which uint8 has no value "
                   "(give a nodata value, or another type)", "warp",
                   self.edited("xs.tif", 9999), "--like", pan, "--dtype", "uint8", *out)
        self.rejects("--order, --tps: no file has ground control points (leave it out)",
                     "warp", xs, "--like", pan, "--tps", *out)
        self.rejects("--height: no file has RPCs (leave it out)",
                     "warp", xs, "--like", pan, "--height", "5", *out)
        self.rejects("--dem: FOLDER/no.tif: there is no such file",
                     "warp", xs, "--like", pan, "--dem", self.path("no.tif"), *out)
        self.located("nowhere.tif")
        self.rejects("FILE: FOLDER/nowhere.tif cannot be brought to the grid: it has no location",
                     "warp", self.path("nowhere.tif"), "--like", pan, *out)
        self.rejects("FILE: FOLDER/nowhere.tif cannot be brought to the grid: it has no location",
                     "warp", self.path("nowhere.tif"), "--srs", "EPSG:3857", *out)
        self.assertFalse(os.path.exists(out[1]))

    def edited(self, name, nodata):
        data = gdal.Open(self.path(name), gdal.GA_Update)
        data.GetRasterBand(1).SetNoDataValue(nodata)
        return self.path(name)


if __name__ == "__main__":
    unittest.main()
