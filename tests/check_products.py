"""Preset formats on tiny files of the products' real layout: MODIS HDF4, Sentinel-5P, ESA CCI soil
moisture and CHIRPS netCDF. What is indexed, and cells that come out, against numpy and gdalwarp."""
import contextlib
import json
import os
import re
import sqlite3
import sys
import unittest
import zipfile

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

import eos_files
from eos_files import Netcdf, write_hdf_eos, write_s5p
from program import Case, cube

gdal.UseExceptions()
CELLS = np.arange(12).reshape(3, 4)


class Products(Case):
    def create(self, *arguments, status=0):
        result = cube("catalog", "create", self.path("c.db"), "--overwrite", "--progress", "none",
                      *(arguments or [self.folder]))
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def listed(self):
        return json.loads(cube("catalog", "list", self.path("c.db"), "--json").stdout)

    def bands(self):
        info = json.loads(cube("catalog", "info", self.path("c.db"), "--json").stdout)
        return {band["name"]: band for band in info["bands"]}

    def run_cube(self, space, days, bands, threads="0", **more):
        """{band: cells of the slices}"""
        graph = self.graph({"cube_type": "select_bands", "bands": bands, "in_cube": {
            "cube_type": "image_collection", "file": self.path("c.db"), **more,
            "view": {"space": space, "time": {"t0": days[0], "t1": days[1], "dt": "P1D"}}}})
        out = self.path("out_{band}.tif")
        result = cube("run", graph, "-o", out, "--overwrite", "--threads", threads)
        self.assertEqual(result.returncode, 0, result.stderr)
        return {b: gdal.Open(self.path(f"out_{b}.tif")).ReadAsArray() for b in bands}


@unittest.skipIf(eos_files.hdf4() is None or gdal.GetDriverByName("HDF4") is None, "no HDF4")
class Modis(Products):
    TILE = {"left": 0, "top": 5559752.598333, "right": eos_files.SINUSOIDAL_TILE,
            "bottom": 5559752.598333 - eos_files.SINUSOIDAL_TILE, "nx": 4, "ny": 3,
            "srs": "+proj=sinu +R=6371007.181 +units=m +no_defs"}

    def test_vegetation(self):
        os.makedirs(self.path("it's a tile"))
        for year_day, first in (("2018001", 0), ("2018017", 100)):
            ndvi = (CELLS + first).astype("int16")
            ndvi[0, 0] = -3000
            write_hdf_eos(
                self.path(f"it's a tile/MOD13Q1.A{year_day}.h18v04.006.2018017223333.hdf"),
                {"MODIS_Grid_16DAY_250m_500m_VI": [
                    ("250m 16 days NDVI", ndvi, -3000, 10000.0),
                    ("250m 16 days VI Quality", CELLS.astype("uint16"), 65535, None),
                    ("250m 16 days pixel reliability", (CELLS - 1).astype("int8"), -1, None),
                    ("250m 16 days a field of no band", CELLS.astype("int16"), None, None)]})
        with open(self.path("readme.txt"), "w"):
            pass
        result = self.create()
        self.assertIn("format MxD13Q1 (guessed", result.stderr)
        self.assertIn("3 other files skipped", result.stderr)  # the readme, two fields of no band
        images = self.listed()
        self.assertEqual([image["name"] for image in images],
                         [f"MOD13Q1.A{day}.h18v04.006.2018017223333" for day in
                          ("2018001", "2018017")])
        self.assertEqual(images[1]["datetime"], "2018-01-17T00:00:00")
        self.assertEqual(sorted(images[0]["bands"]), ["NDVI", "VI_Quality", "pixel_reliability"])
        west, south, east, north = images[0]["footprint"][0]
        self.assertAlmostEqual(north, 50, 4)
        self.assertAlmostEqual(south, 40, 4)
        self.assertAlmostEqual(west, 0, 4)
        self.assertAlmostEqual(east, 10 / np.cos(np.radians(50)), 3)
        bands = self.bands()
        self.assertEqual((bands["NDVI"]["scale"], bands["NDVI"]["nodata"]), (0.0001, -3000))
        cells = self.run_cube(self.TILE, ("2018-01-17", "2018-01-17"),
                              ["NDVI", "VI_Quality", "pixel_reliability"])
        expected = CELLS + 100
        expected[0, 0] = -3000
        np.testing.assert_array_equal(cells["NDVI"], expected)
        np.testing.assert_array_equal(cells["VI_Quality"], CELLS)
        self.assertEqual(cells["pixel_reliability"][0, 0], bands["pixel_reliability"]["nodata"])
        np.testing.assert_array_equal(cells["pixel_reliability"].ravel()[1:], np.arange(11))
        unpacked = self.run_cube(self.TILE, ("2018-01-17", "2018-01-17"), ["NDVI"], unpack=True)
        np.testing.assert_allclose(unpacked["NDVI"].ravel()[1:], (np.arange(1, 12) + 100) * 1e-4)

    def test_within_an_archive_it_is_told_why_they_cannot_be_read(self):
        name = "MOD13Q1.A2018001.h18v04.006.2018017223333.hdf"
        write_hdf_eos(self.path(name), {"MODIS_Grid_16DAY_250m_500m_VI": [
            ("250m 16 days NDVI", CELLS.astype("int16"), -3000, 10000.0)]})
        with zipfile.ZipFile(self.path("a.zip"), "w") as archive:
            archive.write(self.path(name), name)
        os.remove(self.path(name))
        reason = (f"{name}: is HDF or netCDF within an archive, which GDAL cannot read there: "
                  "unpack the archive")
        result = cube("catalog", "create", self.path("c.db"), self.folder, "--dry-run", "--explain")
        self.assertIn(reason, result.stdout)
        result = self.create(status=2)
        self.assertIn("is HDF or netCDF within an archive", result.stderr)

    def test_two_grids_in_one_file(self):
        write_hdf_eos(self.path("MYD09GA.A2018001.h18v04.061.2018003031000.hdf"), {
            "MODIS_Grid_1km_2D": [("state_1km_1", CELLS.astype("uint16"), 65535, None)],
            "MODIS_Grid_500m_2D": [
                ("sur_refl_b01_1", np.kron(CELLS, np.ones((2, 2))).astype("int16"), -28672, 1e4),
                ("QC_500m_1", np.kron(CELLS, np.ones((2, 2))).astype("uint32"), 787410671, None)]})
        self.create("--format", "MYD09GA", self.folder)
        cells = self.run_cube(self.TILE, ("2018-01-01", "2018-01-01"),
                              ["sur_refl_b01", "state_1km", "QC_500m"])
        for band in cells.values():
            np.testing.assert_array_equal(band, CELLS)

    def test_every_modis_preset_takes_its_own_file(self):
        cells = CELLS.astype("int16")
        for code, grid, fields in (
                ("MOD10A2", "MOD_Grid_Snow_500m", ["Maximum_Snow_Extent", "Eight_Day_Snow_Cover"]),
                ("MYD11A1", "MODIS_Grid_Daily_1km_LST", ["LST_Day_1km", "QC_Night"]),
                ("MOD11A2", "MODIS_Grid_8Day_1km_LST", ["LST_Night_1km", "Emis_31"]),
                ("MOD13A1", "MODIS_Grid_16DAY_500m_VI", ["500m 16 days NDVI",
                                                         "500m 16 days EVI"]),
                ("MOD13A2", "MODIS_Grid_16DAY_1km_VI", ["1 km 16 days NDVI",
                                                        "1 km 16 days NIR reflectance"]),
                ("MYD13A3", "MOD_Grid_monthly_1km_VI", ["1 km monthly NDVI",
                                                        "1 km monthly VI Quality"]),
                ("MOD14A2", "MODIS_Grid_8Day_Fire", ["FireMask", "QA"]),
                ("MCD64A1", "MOD_Grid_Monthly_500m_DB_BA", ["Burn Date", "Burn Date Uncertainty"])):
            file = self.path(f"{code}.A2018032.h18v04.006.2018050000000.hdf")
            write_hdf_eos(file, {grid: [(field, cells, None, None) for field in fields]})
            result = self.create(file)
            preset = code if code == "MCD64A1" else code.replace("MOD", "MxD").replace("MYD", "MxD")
            self.assertIn(f"format {preset} (guessed", result.stderr)
            image, = self.listed()
            self.assertEqual(len(image["bands"]), 2, code)
            self.assertEqual(image["datetime"], "2018-02-01T00:00:00")
            os.remove(file)

    def test_a_broken_file_is_named(self):
        name = self.path("MCD64A1.A2018001.h18v04.006.2018094010203.hdf")
        with open(name, "w") as broken:
            broken.write("no HDF")
        result = self.create(status=2)
        self.assertIn(f"cube: error: {name}: none of 1 file is of the format MCD64A1: cannot be "
                      "opened as a raster: ", result.stderr)


class Grids(Products):
    SPACE = {"left": -180, "right": 180, "bottom": -90, "top": 90, "nx": 8, "ny": 4,
             "srs": "EPSG:4326"}

    def write_grid(self, name, fields, time, **more):
        file = Netcdf(self.path(name))
        file.dimension("time", time)
        file.axes(np.arange(8) * 45 - 157.5, 67.5 - np.arange(4) * 45.0)
        for field, cells, fill in fields:
            file.variable(field, cells, ["time", "lat", "lon"], fill, **more)

    def test_soil_moisture(self):
        for day in (1, 2):
            cells = (np.arange(32).reshape(1, 4, 8) / 64 + day).astype("float32")
            cells[0, 0, 0] = -9999
            self.write_grid(
                f"ESACCI-SOILMOISTURE-L3S-SSMV-COMBINED-2018010{day}000000-fv04.7.nc",
                [("sm", cells, -9999), ("flag", (np.arange(32) % 9).astype("uint8")
                                        .reshape(1, 4, 8), 127)], 1)
        self.assertIn("format ESA_CCI_SM (guessed", self.create().stderr)
        self.assertEqual([image["crs"] for image in self.listed()], ["EPSG:4326"] * 2)
        cells = self.run_cube(self.SPACE, ("2018-01-02", "2018-01-02"), ["sm", "flag"])
        self.assertTrue(np.isnan(cells["sm"][0, 0]))
        np.testing.assert_array_equal(cells["sm"].ravel()[1:], np.arange(1, 32) / 64 + 2)
        np.testing.assert_array_equal(cells["flag"].ravel(), np.arange(32) % 9)

    def test_what_files_hold_is_told_without_writing(self):
        cells = np.zeros((1, 4, 8), "float32")
        name = "ESACCI-SOILMOISTURE-L3S-SSMV-PASSIVE-20180101000000-fv04.7"
        self.write_grid(name + ".nc", [("sm", cells, -9999), ("none", cells, -9999)], 1)
        with open(self.path("readme.txt"), "w"):
            pass
        result = self.create(self.folder, "--dry-run", "--explain")
        self.assertIn(f'"{self.path(name)}.nc":sm: image {name}, time 2018-01-01T00:00:00, band sm',
                      result.stdout)
        self.assertIn(".nc\":none: no band", result.stdout)
        self.assertIn("readme.txt: the name does not match /files", result.stdout)
        self.assertIn("1 of 2 subdatasets match the format ESA_CCI_SM; nothing is written",
                      result.stdout)
        self.assertFalse(os.path.exists(self.path("c.db")))

    def test_a_catalog_of_subdatasets_is_updated(self):
        def write(day, value):
            cells = np.full((1, 4, 8), value, "float32")
            name = f"ESACCI-SOILMOISTURE-L3S-SSMV-PASSIVE-2018010{day}000000-fv04.7.nc"
            self.write_grid(name, [("sm", cells, -9999), ("flag", cells.astype("uint8"), 127)], 1)
            return self.path(name)

        write(1, 1)
        gone = write(2, 2)
        self.create()
        os.remove(gone)
        write(3, 3)
        result = cube("catalog", "update", self.path("c.db"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([image["datetime"][:10] for image in self.listed()],
                         ["2018-01-01", "2018-01-03"])
        out = self.run_cube(self.SPACE, ("2018-01-03", "2018-01-03"), ["sm"])
        self.assertEqual(np.unique(out["sm"]), 3)

    def updated(self, *arguments):
        """What an update says was added, changed and removed."""
        result = cube("catalog", "update", self.path("c.db"), "--progress", "none", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        said = re.search("([0-9]+) added, ([0-9]+) changed, ([0-9]+) removed", result.stdout)
        return tuple(map(int, said.groups()))

    def test_files_of_subdatasets_that_change_go_and_come(self):
        def write(day, bands):
            name = f"ESACCI-SOILMOISTURE-L3S-SSMV-PASSIVE-2018010{day}000000-fv04.7.nc"
            cells = np.full((1, 4, 8), day, "float32")
            self.write_grid(name, [(band, cells, -9999) for band in bands], 1)
            return self.path(name)

        write(1, ["sm"])
        write(2, ["sm"])
        self.create()
        before = os.stat(self.path("c.db"))
        self.assertEqual(self.updated(), (0, 0, 0))
        self.assertEqual(os.stat(self.path("c.db")).st_ino, before.st_ino, "it was written")
        write(1, ["sm", "sm_uncertainty"])  # another band
        self.assertEqual(self.updated("--dry-run"), (0, 1, 0))
        self.assertEqual(self.updated(), (0, 1, 0))
        self.assertEqual([sorted(image["bands"]) for image in self.listed()],
                         [["sm", "sm_uncertainty"], ["sm"]])
        second = write(2, ["sm"])
        os.remove(second)
        write(3, ["sm"])
        self.assertEqual(self.updated("--keep-missing"), (1, 0, 0))
        self.assertEqual(len(self.listed()), 3)
        self.assertEqual(self.updated(), (0, 0, 1))
        listed = self.listed()
        self.create()  # anew
        self.assertEqual(self.listed(), listed)

    def test_files_whose_bands_are_times_grow_go_and_come(self):
        def write(year, days):
            cells = (np.arange(days)[:, None, None] + np.zeros((4, 8))).astype("float32")
            name = f"chirps-v2.0.{year}.days_p05.nc"
            self.write_grid(name, [("precip", cells + year, -9999)], days)
            return self.path(name)

        write(2018, 5)
        self.create()
        self.assertEqual(self.updated(), (0, 0, 0))
        write(2018, 8)  # the year goes on
        gone = write(2019, 3)
        self.assertEqual(self.updated("--dry-run"), (6, 5, 0))  # cells of five may be others
        self.assertEqual(self.updated(), (6, 5, 0))
        cells = self.run_cube(self.SPACE, ("2018-01-07", "2018-01-09"), ["precipitation"])
        self.assertEqual([np.unique(day)[0] for day in cells["precipitation"][:2]], [2024, 2025])
        self.assertTrue(np.isnan(cells["precipitation"][2]).all())
        write(2018, 6)  # a better file, but shorter
        os.remove(gone)
        self.assertEqual(self.updated(), (0, 6, 5))
        removed = cube("catalog", "remove", self.path("c.db"), "--time", "2018-01-02")
        self.assertIn("0 added, 0 changed, 1 removed; 5 images, 1 file", removed.stdout)
        with contextlib.closing(sqlite3.connect(self.path("c.db"))) as catalog:
            self.assertEqual(catalog.execute("SELECT count(*) FROM files").fetchone(), (1,))
        self.assertEqual(self.updated(), (0, 0, 0))
        self.assertIn("note: 1 image that was removed stays away (update --restore",
                      cube("catalog", "update", self.path("c.db")).stderr)
        write(2018, 7)  # read anew, but for the day that was removed
        self.assertEqual(self.updated(), (1, 5, 0))
        self.assertNotIn("2018-01-02", [image["datetime"][:10] for image in self.listed()])
        again = cube("catalog", "add", self.path("c.db"), self.path("chirps-v2.0.2018.days_p05.nc"))
        self.assertIn("1 added, 6 changed, 0 removed; 7 images", again.stdout, again.stderr)
        self.assertNotIn("note", cube("catalog", "update", self.path("c.db")).stderr)
        cube("catalog", "remove", self.path("c.db"), "--time", "2018-01-02/2018-01-03")
        self.assertEqual(self.updated("--restore", "--dry-run"), (2, 5, 0))
        self.assertEqual(self.updated("--restore"), (2, 5, 0))  # its file is read again
        self.assertEqual(self.updated(), (0, 0, 0))
        listed = self.listed()
        self.create()  # anew
        self.assertEqual(self.listed(), listed)

    def test_metadata_of_images_are_listed(self):
        data = gdal.GetDriverByName("GTiff").Create(self.path("a_20200101.tif"), 2, 2)
        data.SetGeoTransform((10, 1, 0, 50, 0, -1))
        data.SetProjection("EPSG:4326")
        data.SetMetadataItem("CLOUDS", "12")
        del data
        own = self.graph({
            "images": {"pattern": r".*/([^/]+)\.tif"}, "image_md_fields": ["CLOUDS", "NONE"],
            "datetime": {"pattern": r".*_([0-9]{8})\.tif", "format": "%Y%m%d"},
            "bands": {"v": {"pattern": ".+"}}}, "own.json")
        self.create("--format", own, self.path("a_20200101.tif"))
        self.assertEqual(self.listed()[0]["metadata"], {"CLOUDS": "12"})
        text = cube("catalog", "list", self.path("c.db")).stdout.splitlines()
        self.assertEqual((text[0].split()[-1], text[1].split()[-1]), ("CLOUDS", "12"))
        self.assertIn("CLOUDS (of 1 image)", cube("catalog", "info", self.path("c.db")).stdout)

    def test_a_file_a_year_whose_bands_are_days(self):
        days = (np.arange(365)[:, None, None] + np.zeros((4, 8))).astype("float32")
        days[:, 0, 0] = -9999
        self.write_grid("chirps-v2.0.2018.days_p05.nc", [("precip", days, -9999)], 365)
        result = self.create()
        self.assertIn("format CHIRPS_daily_nc (guessed", result.stderr)
        self.assertIn("365 images, 1 file, 1 band, 2018-01-01 .. 2018-12-31", result.stdout)
        self.assertEqual(self.listed()[31]["name"], "chirps-v2.0.2018.days_p05_2018-02-01")
        cells = self.run_cube(self.SPACE, ("2018-02-01", "2018-02-03"), ["precipitation"])
        for i, day in enumerate(cells["precipitation"]):
            self.assertTrue(np.isnan(day[0, 0]))
            self.assertEqual(np.unique(day.ravel()[1:]), 31 + i)

    def test_arrays_stored_longitude_first(self):
        cells = np.arange(32).reshape(1, 8, 4).astype("float32")  # [time][lon][lat northwards]
        cells[0, 0, 3] = -9999.9
        file = Netcdf(self.path("3B-DAY.MS.MRG.3IMERG.20200101-S000000-E235959.V06.nc4"))
        for name, size in (("time", 1), ("lon", 8), ("lat", 4)):
            file.dimension(name, size)
        file.variable("lon", np.arange(8) * 45 - 157.5, ["lon"], units="degrees_east",
                      standard_name="longitude")
        file.variable("lat", np.arange(4) * 45 - 67.5, ["lat"], units="degrees_north",
                      standard_name="latitude")
        for name in ("precipitationCal", "randomError"):
            file.variable(name, cells, ["time", "lon", "lat"], -9999.9)
        del file
        self.assertIn("format GPM_IMERG_daily_nc (guessed", self.create().stderr)
        self.assertEqual(self.listed()[0]["footprint"], [[-180, -90, 180, 90]])
        out = self.run_cube(self.SPACE, ("2020-01-01", "2020-01-01"), ["precipitation"])
        expected = cells[0].T[::-1].copy()
        expected[0, 0] = np.nan
        np.testing.assert_array_equal(out["precipitation"], expected)
        # In longitudes from 0 to 360, and as UTM sees it.
        turned = dict(self.SPACE, left=0, right=360)
        out = self.run_cube(turned, ("2020-01-01", "2020-01-01"), ["precipitation"])
        np.testing.assert_array_equal(out["precipitation"], np.roll(expected, 4, axis=1))
        utm = {"left": 400000, "right": 600000, "bottom": 5000000, "top": 5200000, "nx": 2,
               "ny": 2, "srs": "EPSG:32631"}
        out = self.run_cube(utm, ("2020-01-01", "2020-01-01"), ["precipitation"])
        np.testing.assert_array_equal(out["precipitation"], np.full((2, 2), cells[0, 4, 3]))

    def test_variables_of_several_times_are_bands_of_the_same_images(self):
        cells = np.arange(3 * 32).reshape(3, 4, 8).astype("float32")
        self.write_grid("model_201801.nc", [("pr", cells, -1), ("tas", cells + 1000, -1)], 3)
        own = self.graph({
            "subdatasets": True, "srs": "EPSG:4326",
            "images": {"pattern": r".*/([^/]+)\.nc.*"},
            "datetime": {"pattern": r".*_([0-9]{6})\.nc.*", "format": "%Y%m",
                         "bands": {"dt": "P5D"}},
            "bands": {"pr": {"pattern": ".+:pr"}, "tas": {"pattern": ".+:tas"}}}, "own.json")
        result = self.create("--format", own, self.path("model_201801.nc"))
        self.assertIn("3 images, 2 files, 2 bands, 2018-01-01 .. 2018-01-11", result.stdout)
        out = self.run_cube(self.SPACE, ("2018-01-06", "2018-01-06"), ["pr", "tas"])
        np.testing.assert_array_equal(out["pr"], cells[1])
        np.testing.assert_array_equal(out["tas"], cells[1] + 1000)


class Swaths(Products):
    NAME = "S5P_OFFL_L2__NO2____20200101T013158_20200101T031328_11487_01_010302_20200102T181843"

    def test_longitudes_beyond_180(self):
        """Arrays that count on across the antimeridian are found by either name of a place."""
        y, x = np.mgrid[0:20, 0:30]
        write_s5p(self.path("S5P_OFFL_L2__NO2____20200101T013158_20200101T031328_11487_01_010302_"
                            "20200102T181843.nc"), 170 + x + 0.1 * y, 10 - y + 0.05 * x,
                  (x + 100 * y).astype("float32"), np.full(x.shape, 100))
        self.create()
        cells = {}
        for left in (172, 182, -178):
            space = {"left": left, "right": left + 6, "bottom": -5, "top": 5, "dx": 1, "dy": 1,
                     "srs": "EPSG:4326"}
            cells[left] = self.run_cube(space, ("2020-01-01", "2020-01-01"), ["no2"])["no2"]
            self.assertTrue(np.isfinite(cells[left]).all(), left)
        np.testing.assert_array_equal(cells[182], cells[-178])
        # The columns of the swath run east with the longitudes.
        self.assertLessEqual(np.abs(cells[182] % 100 - cells[172] % 100 - 10).max(), 1)

    def test_nitrogen_dioxide(self):
        row, column = np.mgrid[0:60, 0:40]
        longitude = 5 + 0.05 * column + 0.01 * row + 0.0004 * row * column / 40
        latitude = 50 - 0.04 * row + 0.005 * column
        write_s5p(self.path(self.NAME + ".nc"), longitude, latitude, row * 100.0 + column,
                  50 + column)
        self.assertIn("format S5P_NO2 (guessed", self.create().stderr)
        image, = self.listed()
        self.assertEqual(image["name"], self.NAME)
        self.assertEqual(image["crs"], "EPSG:4326")
        west, south, east, north = image["footprint"][0]
        for got, wanted in ((west, longitude.min()), (east, longitude.max()),
                            (south, latitude.min()), (north, latitude.max())):
            self.assertAlmostEqual(got, wanted, delta=0.05)  # half a cell beyond the centres
        box = (5.3, 48.2, 6.9, 49.8)
        space = {"left": box[0], "right": box[2], "bottom": box[1], "top": box[3],
                 "dx": 0.02, "dy": 0.02, "srs": "EPSG:4326"}
        cells = self.run_cube(space, ("2020-01-01", "2020-01-01"), ["no2", "qa_value"])["no2"]
        descriptor = image["bands"]["no2"]["file"]
        warped = gdal.Warp("", descriptor, format="MEM", outputBounds=box, xRes=0.02, yRes=0.02,
                           dstSRS="EPSG:4326", errorThreshold=0, geoloc=True).ReadAsArray()
        warped[warped > 1e30] = np.nan
        for chunks, threads in (([1, 16, 16], "2"), ([1, 7, 80], "1")):
            again = self.run_cube(space, ("2020-01-01", "2020-01-01"), ["no2"], threads=threads,
                                  chunk_size=chunks)["no2"]
            np.testing.assert_array_equal(again, cells)
        self.assertGreater(np.isfinite(cells).mean(), 0.9)
        self.assertGreater(np.mean((cells == warped) | (np.isnan(cells) & np.isnan(warped))), 0.995)
        # And by hand: the nearest centre is the cell's, where no border is near.
        x, y = np.meshgrid(box[0] + 0.01 + 0.02 * np.arange(80), box[3] - 0.01 - 0.02 * np.arange(80))
        nearest = [np.argmin(((longitude - a) * 0.66) ** 2 + (latitude - b) ** 2)
                   for a, b in zip(x.ravel(), y.ravel())]
        by_hand = (row * 100.0 + column).ravel()[nearest].reshape(80, 80)
        off = np.abs(cells - by_hand)[np.isfinite(cells)]
        self.assertLess(np.mean((off > 101)), 0.001)  # never further than a neighbouring cell


if __name__ == "__main__":
    unittest.main()
