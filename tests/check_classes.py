"""Classes of bands: colour tables, category names and CF's flags, from file to file and through
operators, as GDAL and xarray read them."""
import json
import os
import sys
import unittest

try:
    import netCDF4  # noqa: F401 (xarray writes by it)
    import xarray as xr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from array_files import crs_attributes
from needs import gdal, np
from program import cube
from raster_files import RasterCase, write_raster

COLOURS = {0: (10, 20, 30, 255), 1: (255, 0, 0, 255), 3: (0, 128, 7, 255), 200: (1, 2, 3, 255)}
MEANINGS = ["clear", "water", "snow_or_ice"]


class Classes(RasterCase):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(3)
        self.cells = random.choice(np.array([0, 1, 3, 200], np.uint8), (60, 80))
        path = write_raster(self.path("land.tif"), [self.cells], (5e5, 10, 0, 5e6, 0, -10), 255,
                            names=["cover"])
        data = gdal.Open(path, gdal.GA_Update)
        table = gdal.ColorTable()
        for value, colour in COLOURS.items():
            table.SetColorEntry(value, colour)
        data.GetRasterBand(1).SetColorTable(table)
        del data
        self.flags = (np.arange(2 * 60 * 80) % 3 + 1).astype("uint8").reshape(2, 60, 80)
        y, x = 5e6 - 5 - 10 * np.arange(60), 5e5 + 5 + 10 * np.arange(80)
        series = xr.Dataset(
            {"scl": (("time", "y", "x"), self.flags,
                     {"flag_values": np.array([1, 2, 3], "uint8"),
                      "flag_meanings": " ".join(MEANINGS),
                      "flag_colors": "#0a0b0c #ff0000 #00FF7f"}),
             "qa": (("time", "y", "x"), self.flags, {"flag_masks": np.array([1, 2], "uint8"),
                                                     "flag_meanings": "a b"}),
             "t": (("time", "y", "x"), self.flags.astype("float32"))},
            {"time": np.array(["2020-01-01", "2020-02-01"], "M8[ns]"), "y": y, "x": x})
        series["crs"] = xr.DataArray(0, attrs=crs_attributes(32631))
        for name in "xy":
            series[name].attrs = {"standard_name": f"projection_{name}_coordinate", "units": "m"}
        for name in ("scl", "qa", "t"):
            series[name].attrs["grid_mapping"] = "crs"
        series.to_netcdf(self.path("scl.nc"))

    def run_to(self, document, *names):
        graph = self.graph(document)
        for name in names:
            result = cube("run", graph, "-o", self.path(name), "--overwrite", "-q")
            self.assertEqual(result.returncode, 0, result.stderr)

    def table(self, name):
        """{value: colour} of those that are not what fills a table."""
        data = gdal.Open(self.path(name))
        table = data.GetRasterBand(1).GetColorTable()
        if table is None:
            return None
        entries = {i: table.GetColorEntry(i) for i in range(table.GetCount())}
        return {i: colour for i, colour in entries.items() if colour[:3] != (0, 0, 0)}

    def band_classes(self, document):
        result = cube("info", self.graph(document), "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)["bands"][0].get("classes")

    def test_colour_tables_are_those_of_gdal_translate(self):
        gdal.Translate(self.path("theirs.tif"), self.path("land.tif"))
        for name, more in (("a.tif", []), ("cog.tif", ["--format", "COG"]),
                           ("striped.tif", ["--co", "TILED=NO"]), ("u16.tif", ["--dtype", "uint16"])):
            result = cube("translate", self.path("land.tif"), "-o", self.path(name), "-q", *more)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(self.table(name), self.table("theirs.tif"), name)
            data = gdal.Open(self.path(name))
            band = data.GetRasterBand(1)
            self.assertEqual(band.GetColorInterpretation(), gdal.GCI_PaletteIndex, name)
            np.testing.assert_array_equal(band.ReadAsArray(), self.cells)
            self.assertEqual(band.GetDescription(), "cover")

    def test_colours_stay_where_values_stay(self):
        land = {"cube_type": "raster", "file": "land.tif"}
        grid = {"space": {"left": 5e5 - 40, "right": 5e5 + 600, "bottom": 5e6 - 500, "top": 5e6 + 40,
                          "dx": 20, "srs": "EPSG:32632"}}
        kept = {
            "cropped": {"cube_type": "crop", "ix_min": 3, "ix_max": 50, "iy_min": 0, "iy_max": 59, "in_cube": land},
            "chained": {"cube_type": "rename_bands", "band_names": {"cover": "c"}, "in_cube": {
                "cube_type": "select_bands", "bands": ["cover"], "in_cube": {
                    "cube_type": "mask", "predicate": "cover == 1", "mask": land, "in_cube": land}}},
            "warped": {**land, "view": {"space": {**grid["space"], "srs": "EPSG:32631"}}},
            "mode": {**land, "like": "land.tif", "resampling": "mode"},
            "best": {"cube_type": "reduce_time", "reducers": ["first"], "in_cube": land}}
        for name, document in kept.items():
            self.run_to(document, name + ".tif")
            self.assertEqual(self.table(name + ".tif"), COLOURS, name)
        lost = {
            "smooth": {**land, "view": {"space": {**grid["space"], "srs": "EPSG:32631"}},
                       "resampling": "bilinear"},
            "computed": {"cube_type": "apply_pixel", "expr": ["cover + 1"], "dtype": ["uint8"],
                         "nodata": [255], "in_cube": land},
            "counted": {"cube_type": "reduce_time", "reducers": ["count"], "in_cube": land},
            "window": {"cube_type": "window_space", "kernel": [[1]], "in_cube": land}}
        for name, document in lost.items():
            self.run_to(document, name + ".tif")
            self.assertIsNone(self.table(name + ".tif"), name)
            self.assertIsNone(self.band_classes(document), name)

    def test_flags_of_cf(self):
        source = {"cube_type": "ncdf", "file": "scl.nc", "band_selection": ["scl"]}
        chain = {"cube_type": "rename_bands", "band_names": {"scl": "classes"}, "in_cube": {
            "cube_type": "select_time", "t": ["2020-02-01"], "in_cube": {
                "cube_type": "crop", "ix_min": 10, "ix_max": 40, "iy_min": 0, "iy_max": 59, "in_cube": source}}}
        self.run_to(chain, "out.nc", "out.zarr", "out.tif")
        theirs = xr.open_dataset(self.path("scl.nc"), mask_and_scale=False)["scl"]
        for data in (xr.open_dataset(self.path("out.nc"), mask_and_scale=False),
                     xr.open_zarr(self.path("out.zarr"), mask_and_scale=False)):
            ours = data["classes"]
            np.testing.assert_array_equal(ours.attrs["flag_values"], theirs.attrs["flag_values"])
            self.assertEqual(ours.attrs["flag_meanings"], theirs.attrs["flag_meanings"])
            self.assertEqual(ours.attrs["flag_colors"], "#0a0b0c #ff0000 #00ff7f")
            np.testing.assert_array_equal(ours.values[0], self.flags[1][:, 10:41])
        ours = xr.open_dataset(self.path("out.nc"), mask_and_scale=False)["classes"]
        self.assertEqual(ours.attrs["flag_values"].dtype, np.dtype("uint8"))
        data = gdal.Open(self.path("out.tif"))
        band = data.GetRasterBand(1)
        self.assertEqual(gdal.Info(data, format="json")["bands"][0]["categories"], ["", *MEANINGS])
        self.assertEqual(self.table("out.tif"), {1: (10, 11, 12, 255), 2: (255, 0, 0, 255),
                                                 3: (0, 255, 127, 255)})
        self.assertEqual(band.GetMetadataItem("flag_meanings"), " ".join(MEANINGS))
        # What the file says of itself is enough, and so is what stands beside it.
        for beside in (True, False):
            if not beside:
                os.remove(self.path("out.tif.aux.xml"))
            self.run_to({"cube_type": "raster", "file": "out.tif"}, "again.nc")
            again = xr.open_dataset(self.path("again.nc"), mask_and_scale=False)["classes"]
            np.testing.assert_array_equal(again.attrs["flag_values"], [1, 2, 3])
            self.assertEqual(again.attrs["flag_meanings"], " ".join(MEANINGS))
        # By GDAL's netCDF driver.
        by_gdal = {"cube_type": "raster", "file": f'NETCDF:"{self.path("scl.nc")}":scl'}
        self.assertEqual([one["name"] for one in self.band_classes(by_gdal)], MEANINGS)
        for name in ("qa", "t"):
            self.assertIsNone(self.band_classes({**source, "band_selection": [name]}))
        self.assertIsNone(self.band_classes(
            {"cube_type": "reduce_time", "reducers": ["mean"], "in_cube": source}))
        self.assertEqual(len(self.band_classes(
            {"cube_type": "reduce_time", "reducers": ["mode"], "in_cube": source})), 3)

    def test_pictures_have_the_colours_of_classes(self):
        self.run_to({"cube_type": "raster", "file": "land.tif"}, "a.png")
        pixels = gdal.Open(self.path("a.png"))
        shown = np.dstack([pixels.GetRasterBand(i + 1).ReadAsArray() for i in range(3)]) \
            if pixels.RasterCount > 1 else np.array(
                [pixels.GetRasterBand(1).GetColorTable().GetColorEntry(i)[:3]
                 for i in range(256)])[pixels.ReadAsArray()]
        for value, colour in COLOURS.items():
            np.testing.assert_array_equal(np.unique(shown[self.cells == value], axis=0),
                                          [colour[:3]], str(value))

    def test_a_wider_type_than_the_files_is_noted(self):
        data = xr.Dataset({"v": (("y", "x"), np.zeros((3, 4), "int8"))},
                          {"y": [3.0, 2, 1], "x": [1.0, 2, 3, 4]})
        data.to_netcdf(self.path("i8.nc"))
        result = cube("plan", self.graph({"cube_type": "ncdf", "file": "i8.nc"}))
        self.assertIn("int8 in the file is int16 in the cube, which has no bytes with signs: 'v'",
                      result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
