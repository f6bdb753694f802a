"""Preset formats of products that are GeoTIFFs, on tiny files of their real names, types and nodata
values: guessed, indexed, and read as physical values."""
import json
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
LANDSAT = "LC09_L2SP_028030_20220114_20220116_02_T1"
ESPA = "LC08_L1TP_013032_20180131_20180207_01_T1"
IMERG = "3B-DAY-GIS.MS.MRG.3IMERG.20170101-S000000-E235959.0000.V07B"
# Preset, files with the stored values of each of their bands, and of some bands: what they are.
PRODUCTS = (
    ("Landsat_C2_L2", "uint16",
     {f"{LANDSAT}_SR_B4.TIF": [10000], f"{LANDSAT}_ST_B10.TIF": [44000],
      f"{LANDSAT}_QA_PIXEL.TIF": [21824]},
     LANDSAT, "2022-01-14T00:00:00",
     {"B04": 10000 * 0.0000275 - 0.2, "ST_B10": 44000 * 0.00341802 + 149, "QA_PIXEL": 21824}),
    ("L8_SR", "int16",
     {f"{ESPA}_sr_band5.tif": [3000], f"{ESPA}_pixel_qa.tif": [322]},
     ESPA, "2018-01-31T00:00:00", {"B05": 0.3, "PIXEL_QA": 322}),
    ("PlanetScope_3B", "uint16",
     {"20190101_101010_0f17_3B_AnalyticMS_SR.tif": [500, 600, 700, 4000],
      "20190101_101010_0f17_3B_AnalyticMS_DN_udm.tif": [1]},
     "20190101_101010_0f17", "2019-01-01T10:10:10",
     {"blue": 0.05, "green": 0.06, "red": 0.07, "nir": 0.4, "udm": 1}),
    ("CHIRPS_monthly", "float32", {"chirps-v2.0.2018.12.tif": [81.5]},
     "chirps-v2.0.2018.12", "2018-12-01T00:00:00", {"precipitation": 81.5}),
    ("CHIRPS_daily", "float32", {"chirps-v2.0.2018.01.31.tif": [2.5]},
     "chirps-v2.0.2018.01.31", "2018-01-31T00:00:00", {"precipitation": 2.5}),
    ("GPM_IMERG_daily", "uint16",
     {f"{IMERG}.total.accum.tif": [123], f"{IMERG}.liquidPercent.tif": [90]},
     IMERG, "2017-01-01T00:00:00", {"total_accum": 12.3, "liquid_percent": 90}),
    ("L8_L1TP", "uint16", {f"{ESPA}_B4.TIF": [9000], f"{ESPA}_BQA.TIF": [2720]},
     ESPA, "2018-01-31T00:00:00", {"BQA": 2720}),
)
TYPES = {"uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32}


class Products(Case):
    def write(self, name, dtype, values, nodata):
        data = gdal.GetDriverByName("GTiff").Create(self.path(name), 3, 2, len(values),
                                                    TYPES[dtype])
        data.SetGeoTransform((10, 0.5, 0, 50, 0, -0.5))
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(4326)
        data.SetProjection(srs.ExportToWkt())
        for i, value in enumerate(values):
            cells = np.full((2, 3), value, dtype)
            if nodata is not None:
                cells[0, 0] = nodata
            data.GetRasterBand(i + 1).WriteArray(cells)

    def test_every_product(self):
        for preset, dtype, files, image, time, values in PRODUCTS:
            with self.subTest(preset):
                self.check(preset, dtype, files, image, time, values)

    def check(self, preset, dtype, files, image, time, values):
        known = json.loads(cube("catalog", "formats", preset).stdout)["bands"]
        for name, stored in files.items():
            # The files' own tags are silent, as those of the products are: the format says it.
            nodata = [band.get("nodata") for key, band in known.items() if key in values]
            quality = "qa" in name.lower() or "udm" in name or "Percent" in name
            self.write(name, dtype, stored, None if quality else nodata[0])
        made = cube("catalog", "create", self.path("c.db"), "--overwrite", "--progress", "none",
                    *map(self.path, files))
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn(f"format {preset} (guessed", made.stderr)
        listed, = json.loads(cube("catalog", "list", self.path("c.db"), "--json").stdout)
        self.assertEqual((listed["name"], listed["datetime"]), (image, time))
        self.assertLessEqual(set(values), set(listed["bands"]))
        self.assertEqual(listed["footprint"], [[10, 49, 11.5, 50]])
        graph = self.graph({"cube_type": "select_bands", "bands": list(values), "in_cube": {
            "cube_type": "image_collection", "file": self.path("c.db"), "unpack": True, "view": {
                "space": {"left": 10, "right": 11.5, "bottom": 49, "top": 50, "nx": 3, "ny": 2,
                          "srs": "EPSG:4326"},
                "time": {"t0": time[:10], "t1": time[:10], "dt": "P1D"}}}})
        run = cube("run", graph, "-o", self.path("out_{band}.tif"), "--overwrite")
        self.assertEqual(run.returncode, 0, run.stderr)
        for band, value in values.items():
            data = gdal.Open(self.path(f"out_{band}.tif"))
            cells = data.ReadAsArray().astype(float)
            np.testing.assert_allclose(cells.ravel()[1:], value, rtol=1e-6, err_msg=band)
            if known[band].get("nodata") is not None:
                fill = data.GetRasterBand(1).GetNoDataValue()
                self.assertTrue(np.isnan(cells[0, 0]) or cells[0, 0] == fill, band)


if __name__ == "__main__":
    unittest.main()
