"""raster, mask, resample and slice_space of plain files against GDAL and numpy."""
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import Case, cube

gdal.UseExceptions()


def read(file, band=1, overview=None):
    options = [] if overview is None else [f"OVERVIEW_LEVEL={overview}"]
    dataset = gdal.OpenEx(file, open_options=options)
    return dataset.GetRasterBand(band).ReadAsArray()


class Rasters(Case):
    def write(self, name, bands, transform, nodata=None, options=()):
        height, width = bands[0].shape
        kind = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16}[str(bands[0].dtype)]
        dataset = gdal.GetDriverByName("GTiff").Create(
            self.path(name), width, height, len(bands), kind, list(options))
        dataset.SetGeoTransform(transform)
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(32631)
        dataset.SetProjection(srs.ExportToWkt())
        for number, cells in enumerate(bands, 1):
            band = dataset.GetRasterBand(number)
            band.WriteArray(cells)
            if nodata is not None:
                band.SetNoDataValue(nodata)
        return dataset

    def run_graph(self, document, *more):
        out = self.path("out.tif")
        result = cube("run", self.graph(document), "-o", out, "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return out

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(7)
        fine = [random.integers(1, 255, (300, 420), dtype="uint8") for _ in range(3)]
        tiled = ["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64", "INTERLEAVE=PIXEL"]
        dataset = self.write("visual.tif", fine, (5e5, 10, 0, 5e6, 0, -10), 0, tiled)
        dataset.BuildOverviews("AVERAGE", [2, 4])
        dataset = None
        self.scl = random.integers(0, 12, (150, 210), dtype="uint8")
        self.write("scl.tif", [self.scl], (5e5, 20, 0, 5e6, 0, -20))
        bands = [random.integers(0, 10000, (60, 80), dtype="uint16") for _ in range(2)]
        self.write("xs.tif", bands, (5e5 + 0.7, 2, 0, 5e6 - 0.9, 0, -2))

    def test_masked_overview(self):
        visual = {"cube_type": "raster", "file": "visual.tif", "overview_level": 0}
        out = self.run_graph({"cube_type": "mask", "predicate": "im1b1 == 8 || im1b1 == 9",
                              "mask": {"cube_type": "raster", "file": "scl.tif"},
                              "in_cube": visual})
        for band in (1, 2, 3):
            expected = np.where(np.isin(self.scl, [8, 9]), 0, read(self.path("visual.tif"), band, 0))
            self.assertTrue((read(out, band) == expected).all())
        dataset = gdal.Open(out)
        self.assertEqual(dataset.GetGeoTransform(), (5e5, 20, 0, 5e6, 0, -20))
        self.assertEqual(dataset.GetRasterBand(1).GetNoDataValue(), 0)

    def test_superimposed(self):
        # The target begins outside of the image and lies across its cells.
        left, top, size, width, height = 5e5 - 3, 5e6 + 2, 0.5, 330, 250
        view = {"space": {"left": left, "right": left + width * size, "top": top,
                          "bottom": top - height * size, "dx": size, "srs": "EPSG:32631"}}
        for method, tolerance in (("near", 0), ("bilinear", 1)):
            out = self.run_graph({"cube_type": "resample", "method": method, "view": view, "fill": 0,
                                  "in_cube": {"cube_type": "raster", "file": "xs.tif"}})
            warped = gdal.Warp("", self.path("xs.tif"), format="MEM", width=width, height=height,
                               outputBounds=[left, top - height * size, left + width * size, top],
                               resampleAlg=method, errorThreshold=0,
                               warpOptions=["XSCALE=1", "YSCALE=1"])
            for band in (1, 2):
                ours = read(out, band)
                theirs = warped.GetRasterBand(band).ReadAsArray()
                self.assertEqual(ours.dtype, np.uint16)
                difference = np.abs(ours.astype(int) - theirs)
                # Halves are rounded to even here and up there.
                self.assertLessEqual(difference.max(), tolerance, method)
                self.assertLess((difference > 0).mean(), 0.001)
                self.assertGreater((theirs == 0).sum(), 0)

    def test_formula_over_files(self):
        out = self.run_graph({"cube_type": "apply_pixel", "expr": ["im1b1 + im2b2"],
                              "in_cube": {"cube_type": "raster", "files": ["xs.tif", "xs.tif"]}})
        expected = read(self.path("xs.tif"), 1).astype("f4") + read(self.path("xs.tif"), 2)
        self.assertTrue((read(out) == expected).all())

    def test_one_cell(self):
        out = self.run_graph({"cube_type": "slice_space", "x": 5e5 + 105, "y": 5e6 - 2995,
                              "in_cube": {"cube_type": "raster", "file": "visual.tif"}})
        expected = [read(self.path("visual.tif"), band)[299, 10] for band in (1, 2, 3)]
        self.assertEqual([read(out, band)[0, 0] for band in (1, 2, 3)], expected)


if __name__ == "__main__":
    unittest.main()
