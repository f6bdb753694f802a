"""The cookbook's cloud mask: a picture at the overview that matches its classes, by value against
numpy, as a COG by the rules of GDAL's own validator."""
import os
import unittest

from needs import gdal, np
from osgeo_utils.samples.validate_cloud_optimized_geotiff import validate

from program import Case, cube
from raster_files import write_raster

GRAPH = os.path.join(os.environ["CUBE_SOURCE"], "examples/cookbook/cloud_mask.json")
SIZE = 1500  # at full resolution; odd at the overviews


class CloudMask(Case):
    def write(self, name, bands, size, nodata=None):
        return write_raster(self.path(name), bands, (5e5, size, 0, 5e6, 0, -size), nodata,
                            options=["TILED=YES", "COMPRESS=DEFLATE", "INTERLEAVE=BAND"])

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(8)
        picture = random.integers(0, 256, (3, SIZE, SIZE), dtype=np.uint8)
        self.picture = self.write("picture.tif", picture, 10, 0)
        data = gdal.Open(self.picture, gdal.GA_Update)
        data.BuildOverviews("NEAREST", [2, 4])
        data = None
        blocks = random.integers(0, 12, (1, 75, 75), dtype=np.uint8)
        self.classes = np.kron(blocks, np.ones((1, 10, 10), np.uint8))[:, :SIZE // 2, :SIZE // 2]
        self.write("classes.tif", self.classes, 20)

    def made(self, *more):
        out = self.path("clear.tif")
        result = cube("run", GRAPH, "--set", "image=" + self.picture, "--set",
                      "classes=" + self.path("classes.tif"), "--format", "COG", "-o", out,
                      "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return out

    def test_cells_type_and_nodata(self):
        picture = gdal.Open(self.picture)
        overview = np.stack([picture.GetRasterBand(i).GetOverview(0).ReadAsArray()
                             for i in (1, 2, 3)])
        for more, hidden in (((), (3, 8, 9, 10)), (("--set", "hidden=class==5"), (5,))):
            out = gdal.Open(self.made(*more))
            wanted = np.where(np.isin(self.classes, hidden), 0, overview)
            np.testing.assert_array_equal(out.ReadAsArray(), wanted)
            for i in (1, 2, 3):
                self.assertEqual(out.GetRasterBand(i).DataType, gdal.GDT_Byte)
                self.assertEqual(out.GetRasterBand(i).GetNoDataValue(), 0)
            self.assertEqual(out.GetGeoTransform(), (5e5, 20, 0, 5e6, 0, -20))
        np.testing.assert_array_equal(out.ReadAsArray(),
                                      gdal.Open(self.made(*more, "--chunk", "1,100,130")).ReadAsArray())

    def test_the_cog_is_valid(self):
        warnings, errors, _ = validate(self.made(), full_check=True)
        self.assertEqual((warnings, errors), ([], []))
        out = gdal.Open(self.path("clear.tif"))
        self.assertGreater(out.GetRasterBand(1).GetOverviewCount(), 0)

    def test_classes_of_another_grid_are_rejected(self):
        self.fails(2, "their size: 375 x 375", "run", GRAPH, "--set", "image=" + self.picture,
                   "--set", "classes=" + self.path("classes.tif"), "--set", "overview=1",
                   "-o", self.path("no.tif"))


if __name__ == "__main__":
    unittest.main()
