"""`cube translate`: what it keeps against gdal_translate, many files at once, mistakes."""
import os
import subprocess
import unittest

import numpy as np
from osgeo import gdal, osr
from osgeo_utils.samples.validate_cloud_optimized_geotiff import validate

from program import Case, cube

gdal.UseExceptions()


class Translate(Case):
    """striped.tif: int16, three bands in one pixel after the other, stored in strips."""

    def setUp(self):
        super().setUp()
        self.write("striped.tif", 1)

    def write(self, name, seed, kind=gdal.GDT_Int16, nodata=-5):
        random = np.random.default_rng(seed)
        out = gdal.GetDriverByName("GTiff").Create(self.path(name), 700, 600, 3, kind,
                                                   ["INTERLEAVE=PIXEL"])
        out.SetGeoTransform([5e5, 10, 0, 5e6, 0, -10])
        system = osr.SpatialReference()
        system.ImportFromEPSG(32631)
        out.SetSpatialRef(system)
        out.SetMetadataItem("ACQUISITIONDATETIME", "2023-06-15T10:50:31", "IMAGERY")
        for number in (1, 2, 3):
            band = out.GetRasterBand(number)
            band.WriteArray(random.integers(-9, 250, (600, 700)))
            if nodata is not None:
                band.SetNoDataValue(nodata)
            band.SetDescription(("red", "green", "nir")[number - 1])
            band.SetScale(0.01)
            band.SetOffset(-2)
            band.SetUnitType("K")
        out = None
        return self.path(name)

    def made(self, *arguments, out="out.tif"):
        result = cube("translate", *arguments, "-o", self.path(out), "--overwrite")
        self.assertEqual(result.returncode, 0, result.stderr)
        return gdal.Open(self.path(out))

    def test_what_is_kept(self):
        subprocess.run(["gdal_translate", "-q", "-of", "COG", self.path("striped.tif"),
                        self.path("theirs.tif")], check=True)
        theirs = gdal.Open(self.path("theirs.tif"))
        for more in (["--format", "COG"], ["--co", "COMPRESS=ZSTD"], ["--chunk", "1,100,130"]):
            ours = self.made(self.path("striped.tif"), *more)
            np.testing.assert_array_equal(ours.ReadAsArray(), theirs.ReadAsArray())
            self.assertEqual(ours.GetGeoTransform(), theirs.GetGeoTransform())
            self.assertTrue(ours.GetSpatialRef().IsSame(theirs.GetSpatialRef()))
            self.assertEqual(ours.GetMetadataItem("ACQUISITIONDATETIME", "IMAGERY"),
                             "2023-06-15T10:50:31")
            for number in (1, 2, 3):
                a, b = ours.GetRasterBand(number), theirs.GetRasterBand(number)
                for said in ("GetDescription", "GetNoDataValue", "GetScale", "GetOffset",
                             "GetUnitType"):
                    self.assertEqual(getattr(a, said)(), getattr(b, said)(), said)
                self.assertEqual(a.DataType, b.DataType)
                self.assertNotEqual(a.GetBlockSize(), [700, 1])
        ours = self.made(self.path("striped.tif"), "--format", "COG")
        self.assertEqual(validate(self.path("out.tif"), full_check=True)[:2], ([], []))
        self.assertGreater(ours.GetRasterBand(1).GetOverviewCount(), 0)

    def test_netcdf_and_zarr_hold_the_same(self):
        cells = gdal.Open(self.path("striped.tif")).ReadAsArray()
        for name in ("out.nc", "out.zarr"):
            result = cube("translate", self.path("striped.tif"), "-o", self.path(name))
            self.assertEqual(result.returncode, 0, result.stderr)
            kind = "ncdf" if name.endswith("nc") else "zarr"
            back = self.graph({"cube_type": kind, "file": self.path(name), "auto_unpack": False})
            result = cube("run", back, "-o", self.path("back.tif"), "--overwrite")
            self.assertEqual(result.returncode, 0, result.stderr)
            out = gdal.Open(self.path("back.tif"))
            bands = [out.GetRasterBand(i) for i in (1, 2, 3)]  # in the order of their names
            for band in bands:
                wanted = cells[["red", "green", "nir"].index(band.GetDescription())]
                np.testing.assert_array_equal(band.ReadAsArray(), wanted)
                self.assertEqual(band.GetNoDataValue(), -5)

    def test_options(self):
        source = self.path("striped.tif")
        cells = gdal.Open(source).ReadAsArray()
        out = self.made(source, "--bands", "3,1")
        np.testing.assert_array_equal(out.ReadAsArray(), cells[[2, 0]])
        out = self.made(source, "--dtype", "uint8", "--nodata", "255")
        wanted = np.where(cells == -5, 255, np.clip(cells, 0, 254))
        self.assertEqual(out.GetRasterBand(1).DataType, gdal.GDT_Byte)
        np.testing.assert_array_equal(out.ReadAsArray(), wanted)
        out = self.made(source, "--unpack")
        np.testing.assert_allclose(out.ReadAsArray(), np.where(cells == -5, np.nan, cells * .01 - 2),
                                   rtol=1e-6, atol=1e-6)
        plain = self.write("plain.tif", 2, nodata=None)
        out = self.made(plain, "--nodata", "7")
        np.testing.assert_array_equal(out.ReadAsArray(), gdal.Open(plain).ReadAsArray())
        self.assertEqual(out.GetRasterBand(2).GetNoDataValue(), 7)
        data = gdal.Open(source, gdal.GA_Update)
        data.BuildOverviews("NEAREST", [2, 4])
        data = None
        data = gdal.Open(source)
        wanted = data.GetRasterBand(1).GetOverview(1).ReadAsArray()
        out = self.made(source, "--overview", "1", "--bands", "1")
        np.testing.assert_array_equal(out.ReadAsArray(), wanted)

    def test_many_files(self):
        names = [self.write(f"f{i}.tif", i) for i in range(3)]
        folder = self.path("cogs")
        result = cube("translate", "--to", folder, "--format", "COG", self.path("f*.tif"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sorted(os.listdir(folder)), ["f0.tif", "f1.tif", "f2.tif"])
        for name in names:
            made = os.path.join(folder, os.path.basename(name))
            np.testing.assert_array_equal(gdal.Open(made).ReadAsArray(),
                                          gdal.Open(name).ReadAsArray())
        # What is there stays, what fails is told, and the rest is made.
        stamp = os.path.getmtime(os.path.join(folder, "f0.tif"))
        os.remove(os.path.join(folder, "f2.tif"))
        with open(self.path("f1_bad.tif"), "w") as file:
            file.write("no raster")
        result = cube("translate", "--to", folder, "--format", "COG", self.path("f*.tif"))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("cube: note: 2 files already in " + folder, result.stderr)
        self.assertIn(f"cube: error: 1 of 4 files failed: {self.path('f1_bad.tif')}\n", result.stderr)
        self.assertEqual(os.path.getmtime(os.path.join(folder, "f0.tif")), stamp)
        self.assertEqual(sorted(os.listdir(folder)), ["f0.tif", "f1.tif", "f2.tif"])
        result = cube("translate", "--to", folder, "--format", "COG", "--overwrite", names[0])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(os.path.getmtime(os.path.join(folder, "f0.tif")), stamp)

    def test_mistakes_name_the_argument(self):
        source, out = self.path("striped.tif"), self.path("o.tif")
        self.rejects("FILE: several files are given (--to says which folder they go to; cube warp "
                     "puts their bands into one file)", "translate", source, source, "-o", out)
        self.rejects("--to: --to and -o are both given (leave one of them out)",
                     "translate", source, "--to", self.folder, "-o", out)
        self.rejects("--report: tells of one run, and --to makes one of each file (give one FILE and -o)",
                     "translate", source, "--to", self.folder, "--report", out)
        self.rejects("--save: stands for one graph a file, with --to (give one FILE and -o)",
                     "translate", source, "--to", self.folder, "--save", out)
        self.rejects("--to: several files would become FOLDER/t/striped.tif (translate them into "
                     "folders of their own)", "translate", source, source, "--to", self.path("t"))
        self.rejects("--to: FOLDER/striped.tif/t: is no folder and cannot be made",
                     "translate", source, "--to", source + "/t")
        self.rejects("--bands: FOLDER/striped.tif has no band 4 (1 to 3)",
                     "translate", source, "--bands", "4", "-o", out)
        self.fails(2, "--nodata: band 'red', int16, cannot hold 0.5",
                   "translate", source, "--nodata", "0.5", "-o", out)
        self.fails(2, "--overview: FOLDER/striped.tif has no overview 0".replace(
            "FOLDER", self.folder), "translate", source, "--overview", "0", "-o", out)
        self.fails(2, "--dtype: ", "translate", source, "--dtype", "uint8", "-o", out)
        self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    unittest.main()
