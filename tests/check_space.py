"""Operators over space against numpy and GDAL, on rasters of random cells."""
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
KINDS = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16,
         "int32": gdal.GDT_Int32, "float32": gdal.GDT_Float32, "float64": gdal.GDT_Float64}


class Space(Case):
    def write(self, name, cells, nodata=None, left=5e5, top=5e6, dx=10.0, dy=10.0, tile=64):
        """A tiled GeoTIFF of one band, read as {"cube_type": "raster", "file": name}."""
        height, width = cells.shape
        dataset = gdal.GetDriverByName("GTiff").Create(
            self.path(name), width, height, 1, KINDS[str(cells.dtype)],
            ["TILED=YES", f"BLOCKXSIZE={tile}", f"BLOCKYSIZE={tile}"])
        dataset.SetGeoTransform((left, dx, 0, top, 0, -dy))
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(32631)
        dataset.SetProjection(srs.ExportToWkt())
        if nodata is not None:
            dataset.GetRasterBand(1).SetNoDataValue(nodata)
        dataset.GetRasterBand(1).WriteArray(cells)
        dataset = None
        return {"cube_type": "raster", "file": name, "bands": ["a"]}

    def run_graph(self, document, *more):
        """The first band's cells as float64 with NaN for missing; the dataset; all bands' cells."""
        out = self.path("out.tif")
        result = cube("run", self.graph(document), "-o", out, "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        dataset = gdal.Open(out)
        bands = []
        for number in range(1, dataset.RasterCount + 1):
            band = dataset.GetRasterBand(number)
            cells = band.ReadAsArray().astype(float)
            if band.GetNoDataValue() is not None:
                cells[cells == band.GetNoDataValue()] = np.nan
            bands.append(cells)
        return bands[0], dataset, bands

    def assertSame(self, got, wanted, rtol=0.0, atol=0.0):
        np.testing.assert_allclose(np.asarray(got, dtype=float), np.asarray(wanted, dtype=float),
                                   rtol=rtol, atol=atol, equal_nan=True)


def gaps(cells, random, share=0.2):
    """The cells as float64, some of them NaN."""
    out = cells.astype(float)
    out[random.random(cells.shape) < share] = np.nan
    return out


class AggregateSpace(Space):
    def check(self, dx, dy, func, reduce):
        random = np.random.default_rng(11)
        cells = gaps(random.integers(0, 90, (47, 83)), random)
        source = self.write("a.tif", cells)
        got, dataset, _ = self.run_graph({"cube_type": "aggregate_space", "dx": dx, "dy": dy,
                                          "func": func, "in_cube": source})
        height, width = (int(np.ceil(n * 10 / size)) for n, size in zip(cells.shape, (dy, dx)))
        left, step_x, _, top, _, step_y = dataset.GetGeoTransform()
        self.assertEqual((step_x, -step_y), (dx, dy))
        self.assertAlmostEqual(left, 5e5 - (width * dx - 830) / 2)
        self.assertAlmostEqual(top, 5e6 + (height * dy - 470) / 2)
        self.assertEqual(got.shape, (height, width))
        # By the centres, as gdalcubes does.
        rows = np.floor((top - (5e6 - 10 * (np.arange(47) + 0.5))) / dy + 1e-9).astype(int)
        columns = np.floor((5e5 + 10 * (np.arange(83) + 0.5) - left) / dx + 1e-9).astype(int)
        wanted = np.full((height, width), np.nan)
        for y in range(height):
            for x in range(width):
                under = cells[np.ix_(rows == y, columns == x)]
                self.assertGreater(under.size, 0)
                under = under[~np.isnan(under)]
                wanted[y, x] = reduce(under) if under.size or func == "count" else np.nan
        self.assertSame(got, wanted, rtol=1e-12)

    def test_whole_and_other_sizes(self):
        for dx, dy in ((30, 20), (25, 37.5), (10, 130), (1000, 11)):
            self.check(dx, dy, "mean", np.mean)

    def test_reducers(self):
        self.check(45, 45, "median", np.median)
        self.check(45, 45, "sd", lambda v: np.std(v, ddof=1))
        self.check(45, 45, "count", len)
        self.check(45, 45, "p90", lambda v: np.quantile(v, 0.9))


if __name__ == "__main__":
    unittest.main()
