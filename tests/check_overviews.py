#!/usr/bin/env python3
"""The overviews of a COG are those that gdaladdo makes of the same cells, where averages come out as
the nodata value too: they stay values. (Of unsigned types to the bit; see below for the others.)"""
import subprocess
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import Case, cube

gdal.UseExceptions()
SIDE = 1024
RNG = np.random.default_rng(7)


class Overviews(Case):
    def image(self, dtype, nodata, cells):
        kind = {"uint8": gdal.GDT_Byte, "int16": gdal.GDT_Int16, "uint16": gdal.GDT_UInt16}[dtype]
        file = self.path("in.tif")
        data = gdal.GetDriverByName("GTiff").Create(file, SIDE, SIDE, 1, kind)
        data.SetGeoTransform((500000, 10, 0, 5600000, 0, -10))
        data.SetSpatialRef(self.srs())
        data.GetRasterBand(1).SetNoDataValue(nodata)
        data.GetRasterBand(1).WriteArray(cells.astype(dtype))
        data.FlushCache()
        return file

    @staticmethod
    def srs():
        from osgeo import osr
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(32631)
        return srs

    def test_averages_that_come_out_as_nodata(self):
        for dtype, nodata in (("uint8", 5), ("uint8", 0), ("uint8", 255), ("int16", -3), ("uint16", 65535)):
            with self.subTest(dtype=dtype, nodata=nodata):
                low, high = (max(nodata - 4, np.iinfo(dtype).min), min(nodata + 4, np.iinfo(dtype).max))
                file = self.image(dtype, nodata, RNG.integers(low, high, (SIDE, SIDE), endpoint=True))
                out = self.path("out.tif")
                result = cube("run", self.graph({"cube_type": "raster", "file": file}), "-o", out, "--format", "COG",
                              "--co", "RESAMPLING=AVERAGE", "--overwrite", "-q")
                self.assertEqual(result.returncode, 0, result.stderr)
                subprocess.run(["gdaladdo", "-q", "-r", "average", file, "2"], check=True)
                made, given = gdal.Open(out), gdal.Open(file)  # bands live as long as these
                ours = made.GetRasterBand(1).GetOverview(0).ReadAsArray()
                theirs = given.GetRasterBand(1).GetOverview(0).ReadAsArray()
                cells = given.ReadAsArray().reshape(SIDE // 2, 2, SIDE // 2, 2)
                valid = (cells != nodata).any(axis=(1, 3))
                self.assertEqual((ours == nodata).sum(), (~valid).sum())
                # Of signed types GDAL looks before it rounds, so that -3.25 goes missing where nodata is -3,
                # and rounds -3.5 to -4; ours is next to -3 in both cases.
                apart = np.abs(ours.astype(int) - theirs)
                self.assertLessEqual(apart.max(), 2 if dtype == "int16" else 0)



if __name__ == "__main__":
    unittest.main()
