#!/usr/bin/env python3
"""ncdf and zarr read what xarray, netCDF4, GDAL and gdalcubes write, and what cube itself wrote.

Oracle: xarray (and netCDF4, zarr) on the same file.
"""
import json
import os
import shutil
import sys
import unittest

try:
    import netCDF4
    import numpy as np
    import xarray as xr
    import zarr
    from osgeo import gdal, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from array_files import FORMATS, RNG, ArrayCase, dataset
from program import cube

gdal.UseExceptions()
SHARED = os.environ.get("CUBE_SHARED", "")


class Sources(ArrayCase):
    def test_orders_of_dimensions(self):
        orders = {"a": ("time", "y", "x"), "b": ("y", "x", "time"), "c": ("x", "time", "y"),
                  "d": ("time", "x", "y")}
        for kind in FORMATS:
            for y_up in (False, True):
                with self.subTest(kind=kind, y_up=y_up):
                    data = dataset(names=orders, y_up=y_up)
                    for name, order in orders.items():
                        data[name] = data[name].transpose(*order)
                    self.check(kind, data, names=orders, chunk="2,4,5")

    def test_longitudes_stay_from_0_to_360(self):
        for kind in FORMATS:
            with self.subTest(kind=kind):
                _, path = self.check(kind, dataset(epsg=4326, y_up=True, width=18))
                grid = self.info(kind, path)["grid"]
                self.assertEqual((grid["left"], grid["crs"]), (0, "EPSG:4326"))
                self.assertEqual(grid["right"], 360)

    def test_longitudes_are_resampled_across_the_seam(self):
        """As the same file whose longitudes go from -180 to 180."""
        data = dataset(epsg=4326, y_up=True, width=36, height=60)
        data = data.assign_coords(lon=(np.arange(36) + 0.5) * 10, lat=np.arange(60) * 2 - 59.0)
        data.lon.attrs, data.lat.attrs = {"units": "degrees_east"}, {"units": "degrees_north"}
        here = self.save(data, "ncdf", name="pacific")
        west = data.assign_coords(lon=(data.lon + 180) % 360 - 180).sortby("lon")
        west.lon.attrs = {"units": "degrees_east"}
        there = self.save(west, "ncdf", name="atlantic")
        views = ({"left": -30, "right": 30, "bottom": -20, "top": 20, "dx": 2.5, "srs": "EPSG:4326"},
                 {"left": 150, "right": 210, "bottom": -20, "top": 20, "dx": 4, "srs": "EPSG:4326"},
                 {"left": -2e6, "right": 2e6, "bottom": -1e6, "top": 1e6, "dx": 2e5,
                  "srs": "EPSG:3857"},
                 {"left": 2e6, "right": 5e6, "bottom": -1e6, "top": 1e6, "dx": 2e5,
                  "srs": "EPSG:3832"})
        for space in views:
            for method in ("near", "lanczos", "average", "max"):
                with self.subTest(method=method, srs=space["srs"], left=space["left"]):
                    def cells(file, chunk):
                        graph = self.graph({"cube_type": "resample", "method": method,
                                            "view": {"space": space},
                                            "in_cube": {"cube_type": "ncdf", "file": file}})
                        result = cube("run", graph, "-o", self.path("out.nc"), "--overwrite",
                                      "--progress", "none", "--chunk", chunk)
                        self.assertEqual(result.returncode, 0, result.stderr)
                        return xr.open_dataset(self.path("out.nc")).load().a.values
                    a, b = cells(here, "5,100,100"), cells(there, "5,100,100")
                    np.testing.assert_allclose(a, b, rtol=1e-6)
                    self.assertGreater(np.isfinite(a).mean(), 0.5)
                    np.testing.assert_array_equal(a, cells(here, "2,3,5"))

    def test_from_right_to_left(self):
        for kind in FORMATS:
            self.check(kind, dataset().isel(x=slice(None, None, -1)))

    def test_types(self):
        types = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32",
                 "float64")
        for kind in FORMATS:
            with self.subTest(kind=kind):
                data = dataset()
                for dtype in types:
                    data[dtype] = dataset(dtype=dtype).a
                _, path = self.check(kind, data, names=types)
                bands = {band["name"]: band for band in self.info(kind, path)["bands"]}
                kept = {t: t for t in types} | {"int8": "int16", "int64": "float64"}
                self.assertEqual({t: bands[t]["dtype"] for t in types}, kept)
                self.assertEqual(bands["int8"]["note"], "int8 as int16")
                self.assertEqual(bands["int64"]["note"],
                                 "64-bit integers as float64, exact up to 2^53")

    def test_fill_scale_and_offset(self):
        encodings = {
            "a": {"dtype": "int16", "scale_factor": 0.5, "add_offset": -10.0, "_FillValue": -999},
            "b": {"dtype": "uint8", "_FillValue": 0},
            "c": {"dtype": "int32", "scale_factor": 0.25, "_FillValue": -1},
            "d": {"dtype": "float32", "_FillValue": -9999.0},
            "e": {"dtype": "int16", "_Unsigned": "true", "_FillValue": -1},
            "f": {"dtype": "float64", "_FillValue": np.nan},
            "g": {"dtype": "int16", "missing_value": -7, "_FillValue": -7}}
        for kind in FORMATS:
            with self.subTest(kind=kind):
                self.check(kind, dataset(names=encodings), encodings, exact=False, names=encodings)

    def test_several_missing_values(self):
        data = dataset(dtype="int16").fillna(0)
        data.a.attrs.update(missing_value=np.int16(3), grid_mapping="crs")
        data.a.encoding["_FillValue"] = 5
        for kind in FORMATS:
            path = self.save(data, kind)
            cells = data.a.values.astype("f8")
            cells[(cells == 3) | (cells == 5)] = np.nan
            np.testing.assert_array_equal(self.computed(kind, path).a.values, cells)

    def test_packed_numbers_stay_packed(self):
        for kind in FORMATS:
            path = self.save(dataset(), kind, encoding={
                "a": {"dtype": "int16", "scale_factor": 0.5, "add_offset": -10.0,
                      "_FillValue": -999}})
            ours = self.computed(kind, path, auto_unpack=False)
            with netCDF4.Dataset(self.path("out.nc")) as out:
                out.set_auto_maskandscale(False)
                variable = out["a"]
                self.assertEqual((variable.dtype, variable.scale_factor, variable.add_offset,
                                  variable._FillValue), (np.int16, 0.5, -10, -999))
            self.same(ours, xr.open_dataset(path) if kind == "ncdf" else xr.open_zarr(path),
                      exact=False)
            self.assertNotIn("scale_factor", self.computed(kind, path).a.encoding)
            self.assertEqual(self.info(kind, path)["bands"][0]["note"],
                             "unpacked: stored * 0.5 + -10")

    def test_chunks_and_filters_of_files(self):
        encodings = {"a": {"chunksizes": (1, 13, 17)}, "b": {"chunksizes": (2, 4, 5), "zlib": True},
                     "c": {"chunksizes": (5, 1, 1), "zlib": True, "shuffle": False},
                     "d": {"chunksizes": (3, 7, 4), "fletcher32": True}, "e": {"contiguous": True}}
        data = dataset(y_up=True, names=encodings)
        self.check("ncdf", data, encodings, names=encodings, chunk="3,5,4")
        for format in ("NETCDF3_CLASSIC", "NETCDF3_64BIT", "NETCDF4_CLASSIC"):
            with self.subTest(format=format):
                self.check("ncdf", dataset(y_up=True), format=format, unlimited_dims=["time"])

    def test_chunks_too_large_to_be_kept(self):
        data = dataset(times=4, height=1100, width=1000, y_up=True)  # 8.8 MB a chunk
        for kind, key in (("ncdf", "chunksizes"), ("zarr", "chunks")):
            if kind in FORMATS:
                path = self.save(data, kind, encoding={"a": {key: (2, 1100, 1000)}})
                ours = self.computed(kind, path, chunk="1,600,700")
                np.testing.assert_array_equal(ours.a.values, data.a.values[:, ::-1])

    def test_compressors_and_layouts_of_zarr(self):
        from numcodecs import LZ4, LZMA, Blosc, GZip, Zlib, Zstd
        codecs = {"none": None, "zlib": Zlib(5), "gzip": GZip(5), "zstd": Zstd(3), "lz4": LZ4(),
                  "lzma": LZMA(), "blosc": Blosc("lz4", 5, Blosc.SHUFFLE),
                  "bits": Blosc("zstd", 5, Blosc.BITSHUFFLE)}
        data = dataset(names=codecs)
        encodings = {name: {"compressor": codec, "chunks": (2, 5, 6)}
                     for name, codec in codecs.items()}
        for consolidated in (True, False):
            self.check("zarr", data, encodings, names=codecs, chunk="3,4,5",
                       consolidated=consolidated)
        zipped = shutil.make_archive(self.path("packed"), "zip", self.folder, "in.zarr")
        ours = self.computed("zarr", f"/vsizip/{zipped}/in.zarr", band_selection="lz4")
        np.testing.assert_array_equal(ours.lz4.values, data.lz4.values)
        root = zarr.open(self.path("in.zarr"))
        cells = data["none"].values
        for name, more in (("columns", {"order": "F"}), ("big", {"dtype": ">f4"}),
                           ("nested", {"dimension_separator": "/"})):
            array = root.create_dataset(name, **{"shape": cells.shape, "chunks": (2, 5, 6),
                                                 "dtype": "f4", "fill_value": np.nan, **more})
            array[:] = cells
            array.attrs["_ARRAY_DIMENSIONS"] = ["time", "y", "x"]
        ours = self.computed("zarr", self.path("in.zarr"), chunk="2,7,6")
        for name in ("columns", "big", "nested"):
            np.testing.assert_array_equal(ours[name].values, cells)

    def test_chunks_of_zarr_that_are_not_there(self):
        data = dataset(times=4)
        path = self.save(data, "zarr", encoding={"a": {"chunks": (2, 13, 17)}})
        bytes_of = data.a.fillna(0).values.astype("uint8")
        array = zarr.open(path).create_dataset("bytes", shape=bytes_of.shape, chunks=(2, 13, 17),
                                               dtype="u1", fill_value=7)
        array[:] = bytes_of
        array.attrs.update(_ARRAY_DIMENSIONS=["time", "y", "x"], grid_mapping="crs")
        zarr.consolidate_metadata(path)
        for name in ("a", "bytes"):
            os.remove(os.path.join(path, name, "1.0.0"))
        ours = self.computed("zarr", path)
        self.assertTrue(np.isnan(ours.a.values[2:]).all())
        np.testing.assert_array_equal(ours.a.values[:2], data.a.values[:2])
        expected = xr.open_zarr(path).load().bytes.values
        np.testing.assert_array_equal(ours.bytes.values, expected)
        # Broken ones are told while it runs: nothing is lost silently.
        with open(os.path.join(path, "a", "0.0.0"), "r+b") as chunk:
            chunk.truncate(30)
        graph = self.graph({"cube_type": "zarr", "file": path})
        self.fails(1, "a/0.0.0: is broken", "run", graph, "-o", self.path("x.nc"), "--progress",
                   "none")

    def test_what_is_wrong_with_zarr_is_told(self):
        def wrong(text, path):
            graph = self.graph({"cube_type": "zarr", "file": path})
            self.rejects(text, "check", graph)

        wrong("/file: FOLDER/no.zarr: there is no such folder", self.path("no.zarr"))
        os.mkdir(self.path("empty"))
        wrong("/file: FOLDER/empty: is no Zarr group (a folder with a .zgroup in it)",
              self.path("empty"))
        self.graph("{}", "empty/zarr.json")
        wrong("/file: FOLDER/empty: is Zarr of version 3 (version 2 is read: zarr_format=2 in "
              "xarray's to_zarr)", self.path("empty"))
        from numcodecs import BZ2, Adler32
        data = dataset()
        path = self.save(data, "zarr", encoding={"a": {"compressor": BZ2()}})
        wrong("/file: FOLDER/in.zarr: 'a' is compressed with 'bz2', which cannot be read "
              "(band_selection takes other variables)", path)
        wrong("/file: FOLDER/in.zarr/a: is no Zarr group (name the folder that this array is in)",
              path + "/a")
        path = self.save(data, "zarr", encoding={"a": {"filters": [Adler32()]}})
        wrong("/file: FOLDER/in.zarr: 'a' has the filter 'adler32', which cannot be read "
              "(band_selection takes other variables)", path)
        path = self.save(data, "zarr", consolidated=False)
        with open(path + "/a/.zarray") as f:
            text = f.read()
        self.graph("[1]", "in.zarr/a/.zarray")
        wrong("/file: FOLDER/in.zarr/a/.zarray: is no JSON object", path)
        self.graph(text.replace('"chunks": [', '"chunks": [0, '), "in.zarr/a/.zarray")
        wrong("/file: FOLDER/in.zarr: array 'a' has no possible shape", path)

    def test_zarr_that_gdal_writes(self):
        data = dataset(times=1, dtype="int16")
        tif = self.path("a.tif")
        driver = gdal.GetDriverByName("GTiff")
        raster = driver.Create(tif, 17, 13, 1, gdal.GDT_Int16)
        raster.SetGeoTransform((5e5, 10, 0, 5e6, 0, -10))
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(32631)
        raster.SetProjection(srs.ExportToWkt())
        raster.GetRasterBand(1).WriteArray(data.a.values[0])
        raster = None
        gdal.Translate(self.path("g.zarr"), tif, format="Zarr")
        ours = self.computed("zarr", self.path("g.zarr"))
        name = [v for v in ours.data_vars if ours[v].ndim == 3][0]
        np.testing.assert_array_equal(ours[name].values[0], data.a.values[0])
        grid = self.info("zarr", self.path("g.zarr"))["grid"]
        self.assertEqual((grid["crs"], grid["left"], grid["top"]), ("EPSG:32631", 5e5, 5e6))

    def test_times(self):
        expected = [str(t)[:19] for t in dataset().time.values]
        for kind in FORMATS:
            for units, calendar in (("days since 2000-01-01", "standard"),
                                    ("hours since 1900-01-01 00:00:0.0", "gregorian"),
                                    ("seconds since 1970-01-01T00:00:00Z", "proleptic_gregorian"),
                                    ("minutes since 2019-1-1 06:00", "standard")):
                with self.subTest(kind=kind, units=units):
                    path = self.save(dataset(), kind, encoding={
                        "time": {"units": units, "calendar": calendar, "dtype": "float64"}})
                    self.assertEqual(self.info(kind, path)["time"], expected)

    def test_no_times(self):
        for kind in FORMATS:
            data = dataset()
            one = data.isel(time=2)  # its time is a coordinate without dimension
            ours = self.computed(kind, self.save(one, kind))
            self.assertEqual(ours.time.values[0], data.time.values[2])
            np.testing.assert_array_equal(ours.a.values[0], one.a.values)
            none = one.drop_vars("time")
            path = self.save(none, kind)
            self.assertEqual(self.computed(kind, path).time.values[0], np.datetime64("1970-01-01"))
            ours = self.computed(kind, path, datetime="2020-02-03")
            self.assertEqual(ours.time.values[0], np.datetime64("2020-02-03"))

    def test_levels_and_constants(self):
        for kind in FORMATS:
            data = dataset(names=("a", "b"))
            data["b"] = data.b.isel(time=0, drop=True)
            data["a"] = xr.concat([data.a, data.a * 2], "level").assign_coords(level=[850.0, 500.0])
            data["one"] = data.a.isel(level=[0], drop=True).rename(level="member")
            path = self.save(data, kind)
            ours = self.computed(kind, path)
            np.testing.assert_array_equal(ours["a_850"].values, data.a.values[0])
            np.testing.assert_array_equal(ours["a_500"].values, data.a.values[1])
            np.testing.assert_array_equal(ours["one"].values, data.a.values[0])
            for t in range(5):
                np.testing.assert_array_equal(ours["b"].values[t], data.b.values)
            only = self.computed(kind, path, band_selection=["b", "o*"])
            self.assertEqual([v for v in only.data_vars if only[v].ndim == 3], ["b", "one"])
            none = self.save(data.drop_vars(["b", "one"]).isel(level=slice(0)), kind)
            self.rejects(f"/file: FOLDER/{os.path.basename(none)}: 'a' has no cells: 'level' has length 0 "
                         "(band_selection takes other variables)", "check",
                         self.graph({"cube_type": kind, "file": none}))

    def test_series(self):
        for kind in FORMATS:
            data = dataset()
            maps = xr.Dataset({f"d{t}": data.a.isel(time=t, drop=True) for t in range(5)})
            maps["crs"] = data.crs
            path = self.save(maps, kind)
            ours = self.computed(kind, path, series="a", datetime="2020-01-30", dt="P1D")
            np.testing.assert_array_equal(ours.a.values, data.a.values)
            self.assertEqual(ours.time.values[2], np.datetime64("2020-02-01"))
            chunked = self.computed(kind, path, out="c.nc", chunk="3,4,5", series="a",
                                    datetime="2020-01-30", dt="P1D")
            np.testing.assert_array_equal(ours.a.values, chunked.a.values)

    def test_crs(self):
        parameters = {
            3035: {"grid_mapping_name": "lambert_azimuthal_equal_area", "false_easting": 4321000.0,
                   "latitude_of_projection_origin": 52.0, "longitude_of_projection_origin": 10.0,
                   "false_northing": 3210000.0, "semi_major_axis": 6378137.0,
                   "inverse_flattening": 298.257222101},
            32633: {"grid_mapping_name": "transverse_mercator", "false_easting": 500000.0,
                    "scale_factor_at_central_meridian": 0.9996, "false_northing": 0.0,
                    "longitude_of_central_meridian": 15.0, "latitude_of_projection_origin": 0.0},
            5070: {"grid_mapping_name": "albers_conical_equal_area",
                   "standard_parallel": [29.5, 45.5], "longitude_of_central_meridian": -96.0,
                   "latitude_of_projection_origin": 23.0, "semi_major_axis": 6378137.0,
                   "inverse_flattening": 298.257222101},
            3031: {"grid_mapping_name": "polar_stereographic", "standard_parallel": -71.0,
                   "straight_vertical_longitude_from_pole": 0.0,
                   "latitude_of_projection_origin": -90.0, "false_easting": 0.0,
                   "false_northing": 0.0},
        }
        for kind in FORMATS:
            for epsg, attributes in parameters.items():
                data = dataset()
                data["crs"].attrs = attributes
                grid = self.info(kind, self.save(data, kind))["grid"]
                ours, official = osr.SpatialReference(), osr.SpatialReference()
                ours.SetFromUserInput(grid["crs"])
                official.ImportFromEPSG(epsg)
                for srs in (ours, official):
                    srs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
                geographic = osr.SpatialReference()
                geographic.ImportFromEPSG(4326)
                geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
                lon, lat = (-100, 40) if epsg == 5070 else (20, -80) if epsg == 3031 else (12, 50)
                a = osr.CoordinateTransformation(geographic, ours).TransformPoint(lon, lat)
                b = osr.CoordinateTransformation(geographic, official).TransformPoint(lon, lat)
                np.testing.assert_allclose(a[:2], b[:2], atol=2, err_msg=str(epsg))
            data = dataset(epsg=None)
            self.assertEqual(self.info(kind, self.save(data, kind))["grid"]["crs"], "")

    def test_our_own_output_reads_back_to_the_bit(self):
        view = {"space": {"left": 5e5, "right": 500170, "bottom": 4999870, "top": 5e6, "dx": 10,
                          "srs": "EPSG:32631"},
                "time": {"t0": "2020-01-31", "t1": "2020-04-30", "dt": "P1M"}}
        cells = {"cube_type": "apply_pixel",
                 "expr": ["x / 7 + it", "ix * 3 + iy + it", "iif(ix % 3 == 0, 0/0, ix * iy)"],
                 "band_names": ["f", "i", "gaps"], "dtype": ["float64", "uint16", "int16"],
                 "nodata": [None, 65535, -1], "scale": [1, 0.01, 2], "offset": [0, 5, 0],
                 "in_cube": {"cube_type": "dummy", "fill": 1, "view": view}}
        cells.pop("nodata")
        daily = dict(view, time={"t0": "2020-01-31", "t1": "2020-02-03", "dt": "P1D"})
        labelled = {"cube_type": "select_time", "t": ["2020-01-31", "2020-02-02"],
                    "in_cube": dict(cells, in_cube={"cube_type": "dummy", "fill": 1, "view": daily})}
        for kind in FORMATS:
            ending = ".nc" if kind == "ncdf" else ".zarr"
            for name, graph in (("monthly", cells), ("labelled", labelled)):
                with self.subTest(kind=kind, name=name):
                    first, second = self.path(name + ending), self.path(name + "2" + ending)
                    result = cube("run", self.graph(graph), "-o", first, "--progress", "none",
                                  "--chunk", "2,5,6")
                    self.assertEqual(result.returncode, 0, result.stderr)
                    again = self.graph({"cube_type": kind, "file": first, "auto_unpack": False})
                    result = cube("run", again, "-o", second, "--progress", "none",
                                  "--chunk", "3,13,4")
                    self.assertEqual(result.returncode, 0, result.stderr)
                    a, b = (json.loads(cube("info", g, "--json").stdout)
                            for g in (self.graph(graph, "g.json"), again))
                    for key in ("grid", "time"):
                        self.assertEqual(a[key], b[key])
                    opener = xr.open_dataset if kind == "ncdf" else xr.open_zarr
                    x = opener(first, mask_and_scale=False).load()
                    y = opener(second, mask_and_scale=False).load()
                    self.assertEqual(set(x.variables), set(y.variables))
                    for variable in x.variables:
                        self.assertEqual(x[variable].dtype, y[variable].dtype)
                        np.testing.assert_array_equal(x[variable].values, y[variable].values)
                        attributes = [{k: v for k, v in d[variable].attrs.items()} for d in (x, y)]
                        self.assertEqual(str(attributes[0]), str(attributes[1]))

    def test_what_is_wrong_is_told(self):
        def wrong(text, data, encoding=None, kind="ncdf", **arguments):
            path = self.save(data, kind, encoding=encoding)
            graph = self.graph({"cube_type": kind, "file": path, **arguments})
            self.rejects(text, "check", graph)

        data = dataset()
        file = "/file: FOLDER/in.nc: "
        wrong(file + "no variable lies on rows and columns (it has a(time, row, x); they are told by "
              "axis, standard_name or units of their coordinates, or by names such as y and x)",
              data.rename(y="row"))
        wrong(file + "no variable lies on rows and columns (it has no variable of two dimensions)",
              data[["crs"]])
        wrong(file + "the coordinates of 'x' are not evenly spaced: number 1 is 500018, where "
              "500015 would be even (xarray's interp or cdo's remapping brings them onto a plain grid)",
              data.assign_coords(x=data.x.values + np.where(np.arange(17) == 1, 3.0, 0)))
        wrong(file + "the coordinates of 'x' do not tell cells apart",
              data.assign_coords(x=data.x.values * 0))
        wrong(file + "'x' has one cell, and nothing says how large it is (bounds or a GeoTransform "
              "would)", data.isel(x=[0]))
        wrong(file + "'x' has no cells", data.isel(x=slice(0, 0)))
        wrong(file + "'x' has no coordinates, and no GeoTransform says where cells lie",
              data.drop_vars("x"))
        wrong(file + "'time' has no times (\"datetime\" states them)", data.drop_vars("time"))
        wrong("/datetime: 2 times for 5 slices (one a slice, or the first and dt)", data,
              datetime=["2020", "2021"])
        wrong("/datetime/1: '2020' is not after the time before it", data,
              datetime=["2020", "2020"])
        wrong("/datetime: 'now' is no time (such as 2023-06-15 or 2023-06-15T10:50:31)", data,
              datetime="now")
        wrong("/dt: 'month' is no period (such as P1D or P1M)", data, datetime="2020", dt="month")
        wrong("/dt: dt counts from one datetime, 0 are given", data, dt="P1D")
        wrong("/band_selection/1: there is no variable 'z*' (one of a)", data,
              band_selection=["a", "z*"])
        wrong("/band_selection: two bands are named 'a'", data, band_selection=["a", "?"])
        wrong("/series: 'a' has times of its own (only variables without are made a series)", data,
              series="s")
        wrong("/series: a band needs a name", data, series="")
        maps = xr.Dataset({"a": data.a.isel(time=0, drop=True),
                           "b": data.a.isel(time=0, drop=True)})
        maps["a"].attrs = maps["b"].attrs = {}
        wrong("/series: the times of the series are not given (datetime, one a variable, or the "
              "first and dt)", maps, series="s")
        alike = ", so that they are no series (band_selection takes those that are alike)"
        for what, encoding in (("type", {"dtype": "int16"}), ("scale or offset", {"scale_factor": 2.0}),
                               ("missing values", {"_FillValue": -1.0})):
            wrong("/series: 'a' and 'b' differ in " + what + alike, maps.fillna(0), {"b": encoding},
                  series="s", datetime="2020", dt="P1D")
        wrong("/series: 'a' and 'b' differ in dimensions" + alike, maps.assign(b=maps.b.T),
              series="s", datetime="2020", dt="P1D")
        other = dataset(names=("b",)).isel(x=slice(0, 5)).rename(x="lon").drop_vars("crs")
        both = data.merge(other[["b"]])
        wrong(file + "'a' and 'b' lie on different dimensions: time, y, x and time, y, lon "
              "(band_selection takes those of one grid)", both)
        backwards = data.isel(time=slice(None, None, -1))
        wrong(file + "time 1, 2021-01-01T00:00:00, is not after the one before it, "
              "2021-01-02T00:00:00 (slices stand in ascending order of time)", backwards)
        calendar = data.assign_coords(time=[1.0, 2, 418, 419, 420])
        for units, kind, message in (
                ("days since 2000-01-01", "360_day",
                 "times are in the calendar '360_day', and one of them is 2001-02-29, a date that does "
                 "not exist (xarray's convert_calendar makes dates of them, or \"datetime\" states "
                 "them)"),
                ("days since yesterday", "standard",
                 "'yesterday' is no instant to count from (such as 1970-01-01 00:00:00)"),
                ("moons", "standard", "times are in 'moons' (such as \"days since 1970-01-01\")"),
                ("days since 2000-02-31", "standard",
                 "'2000-02-31' is no instant to count from (such as 1970-01-01 00:00:00)")):
            calendar.time.attrs = {"units": units, "calendar": kind}
            wrong(file + message, calendar)
        halves = data.assign_coords(time=[0.5, 1, 2, 3, 4])
        halves.time.attrs = {"units": "months since 2000-01-01"}
        wrong(file + "a time is 0.5 months (months and years are counted in whole numbers)", halves)
        projection = data.copy()
        projection["crs"].attrs = {"grid_mapping_name": "rotated_latitude_longitude",
                                   "grid_north_pole_latitude": 39.25}
        wrong(file + "the grid mapping says that its pole is rotated, but not its "
              "grid_north_pole_longitude", projection)
        projection["crs"].attrs = {"grid_mapping_name": "vertical_perspective"}
        wrong(file + "the projection 'vertical_perspective' is not supported (cdo's remapping "
              "or, where the file has latitudes and longitudes of all cells, gdalwarp -geoloc brings "
              "it onto a plain grid)", projection)
        self.rejects("/file: FOLDER/no.nc: there is no such file", "check",
                     self.graph({"cube_type": "ncdf", "file": self.path("no.nc")}))
        self.rejects("/file: /vsimem/x.nc: there is no such file",
                     "check", self.graph({"cube_type": "ncdf", "file": "/vsimem/x.nc"}))
        text = self.graph("{}", "text.nc")
        self.rejects("/file: FOLDER/text.nc: cannot be opened as netCDF: NetCDF: Unknown file format",
                     "check", self.graph({"cube_type": "ncdf", "file": text}))

    def test_other_calendars_and_units(self):
        data = dataset().assign_coords(time=[0, 1, 2, 3, 59])
        for units, calendar, expected in (
                ("days since 2020-01-01", "noleap", "2020-03-01"),  # no 29th of February
                ("days since 2020-01-01", "standard", "2020-02-29"),
                ("months since 2020-01-01", "standard", "2024-12-01"),
                ("years since 2020-01-01", "standard", "2079-01-01"),
                ("hours since 2020-01-01 -6:00", "standard", "2020-01-03T17:00:00"),
                ("days since 1-1-1 00:00:0.0", "standard", "0001-02-27")):  # Julian: 2 days apart
            data.time.attrs = {"units": units, "calendar": calendar}
            path = self.save(data, "ncdf")
            times = self.info("ncdf", path)["time"]
            self.assertEqual(str(times).count(expected), 1, (units, times))

    def test_other_calendars_as_xarray_has_them(self):
        for calendar in ("360_day", "noleap", "all_leap"):
            data = dataset().assign_coords(time=[14, 44, 104, 330, 690])
            data.time.attrs = {"units": "days since 2001-01-01", "calendar": calendar}
            path = self.save(data, "ncdf")
            expected = [t.strftime("%Y-%m-%d") for t in xr.open_dataset(path).time.values]
            times = str(self.info("ncdf", path)["time"])
            self.assertEqual([times.count(t) for t in expected], [1] * 5, times)

    def test_a_rotated_pole(self):
        # As CORDEX has it: cells of 0.44 degrees of a grid whose north pole is at 39.25 N, 162 W.
        rlat, rlon = np.arange(-20, 20, 0.5), np.arange(-25, 15, 0.5)
        pole_lat, pole_lon = np.radians(39.25), -162.0
        y, x = np.radians(np.meshgrid(rlat, rlon, indexing="ij"))
        lat = np.degrees(np.arcsin(np.sin(y) * np.sin(pole_lat) +
                                   np.cos(y) * np.cos(x) * np.cos(pole_lat)))
        lon = pole_lon + 180 + np.degrees(np.arctan2(
            np.cos(y) * np.sin(x),
            np.sin(pole_lat) * np.cos(y) * np.cos(x) - np.cos(pole_lat) * np.sin(y)))
        data = xr.Dataset(
            {"lat": (("rlat", "rlon"), lat), "lon": (("rlat", "rlon"), lon),
             "rotated_pole": ((), 0, {"grid_mapping_name": "rotated_latitude_longitude",
                                      "grid_north_pole_latitude": 39.25,
                                      "grid_north_pole_longitude": -162.0})},
            coords={"rlat": ("rlat", rlat, {"standard_name": "grid_latitude", "units": "degrees"}),
                    "rlon": ("rlon", rlon, {"standard_name": "grid_longitude", "units": "degrees"})})
        for name in ("lat", "lon"):
            data[name].attrs = {"grid_mapping": "rotated_pole"}
        path = self.path("rotated.nc")
        data.to_netcdf(path)
        source = {"cube_type": "ncdf", "file": path, "band_selection": ["lat", "lon"]}

        def made(document, out):
            result = cube("run", self.graph(document), "-o", self.path(out))
            self.assertEqual(result.returncode, 0, result.stderr)
            return xr.open_dataset(self.path(out)).load()

        # Onto longitudes and latitudes, each cell's own are those of the place.
        plain = made({"cube_type": "resample", "method": "bilinear", "in_cube": source,
                      "view": {"space": {"left": 0, "right": 32, "bottom": 42, "top": 60,
                                         "dx": 0.5, "srs": "EPSG:4326"}}}, "plain.nc")
        self.assertEqual(int(plain.lat.notnull().sum()), 64 * 36)
        wanted_lat = plain.lat * 0 + plain.latitude
        wanted_lon = plain.lon * 0 + plain.longitude
        # What bilinear makes of a curved surface, to the second order.
        self.assertLess(float(abs(plain.lat - wanted_lat).max()), 2e-3)
        self.assertLess(float(abs(plain.lon - wanted_lon).max()), 8e-3)
        # Its own places at points.
        table = self.path("points.csv")
        points = [(10.2, 50.1), (-3.3, 47.7), (30.1, 60.9)]
        wkt = "MULTIPOINT (" + ", ".join(f"{px} {py}" for px, py in points) + ")"
        graph = self.graph({"cube_type": "extract", "wkt": wkt, "srs": "EPSG:4326",
                            "in_cube": source}, "extract.json")
        result = cube("run", graph, "-o", table)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(table) as file:
            header = file.readline().strip().split(",")
            for (px, py), line in zip(points, file):
                row = dict(zip(header, line.strip().split(",")))
                nearest = np.unravel_index(np.argmin((lat - py) ** 2 +
                                                     ((lon - px) * np.cos(np.radians(py))) ** 2),
                                           lat.shape)
                self.assertAlmostEqual(float(row["lat"]), lat[nearest])
                self.assertAlmostEqual(float(row["lon"]), lon[nearest])
        for kind in ("GTiff", "COG"):
            self.rejects("FOLDER/no.tif: a GeoTIFF cannot state a CRS of a rotated pole (netCDF and Zarr can, or "
                         "resample brings the cube onto another grid)", "run", self.graph(source),
                         "-o", self.path("no.tif"), "--format", kind)
        # Written and read again it is the same grid.
        again = made(source, "again.nc")
        self.assertEqual(again[again.lat.attrs["grid_mapping"]].attrs["grid_mapping_name"],
                         "rotated_latitude_longitude")
        mapping = again[again.lat.attrs["grid_mapping"]].attrs
        self.assertEqual([mapping["grid_north_pole_latitude"], mapping["grid_north_pole_longitude"]],
                         [39.25, -162.0])
        self.assertEqual(again.y.attrs["standard_name"], "grid_latitude")

    def test_bounds_make_a_regular_axis(self):
        starts = np.array(["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01", "2020-05-01",
                           "2020-06-01"], dtype="datetime64[ns]")
        data = dataset().assign_coords(time=starts[:5] + np.timedelta64(15, "D"))
        data["time_bnds"] = (("time", "nv"), np.stack([starts[:-1], starts[1:]], 1))
        data.time.attrs["bounds"] = "time_bnds"
        for kind in FORMATS:
            data.time.encoding["units"] = "hours since 2000-01-01"
            for path in (self.save(data, kind), self.save(data.drop_vars("crs"), kind, "other")):
                time = self.info(kind, path)["time"]
                self.assertEqual(time, ["2020-01", "2020-02", "2020-03", "2020-04", "2020-05"])

    def test_time_operators_work_on_the_labels(self):
        data = dataset()
        for kind in FORMATS:
            source = {"cube_type": kind, "file": self.save(data, kind)}
            for operator, slices in (
                    ({"cube_type": "select_time", "t": ["2020-02-29", "2021-01-02"]}, [2, 4]),
                    ({"cube_type": "crop", "extent": {"t0": "2020-01-06", "t1": "2020-12"}}, [1, 2]),
                    ({"cube_type": "slice_time", "t": "2020-01-17"}, [1])):
                graph = self.graph(dict(operator, in_cube=source))
                result = cube("run", graph, "-o", self.path("o.nc"), "--overwrite", "--progress",
                              "none")
                self.assertEqual(result.returncode, 0, result.stderr)
                ours = xr.open_dataset(self.path("o.nc")).load()
                np.testing.assert_array_equal(ours.time.values, data.time.values[slices])
                np.testing.assert_array_equal(ours.a.values, data.a.values[slices])

    def test_info_says_what_a_file_makes_a_cube_of(self):
        for kind in FORMATS:
            path = self.save(dataset(names=("a", "b")), kind)
            result = cube("info", path)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout, cube("info", self.graph(
                {"cube_type": kind, "file": path})).stdout)
        self.save(dataset().rename(y="row"), "ncdf", "odd")
        self.assertIn("driver  netCDF", cube("info", self.path("odd.nc")).stdout)

    def test_packed_round_trips_between_formats(self):
        stored = RNG.integers(0, 1000, (2, 13, 17)).astype("int16")
        stored[0, :3] = -999
        data = dataset(times=2)
        path = self.save(data.assign(a=(("time", "y", "x"), np.zeros(stored.shape))), "ncdf",
                         encoding={"a": {"dtype": "int16", "scale_factor": 0.5, "add_offset": -10.0,
                                         "_FillValue": -999}})
        with netCDF4.Dataset(path, "a") as file:
            file.set_auto_maskandscale(False)
            file["a"][:] = stored
        source = {"cube_type": "ncdf", "file": path, "auto_unpack": False}

        def run(graph, name):
            result = cube("run", self.graph(graph), "-o", self.path(name), "--progress", "none")
            self.assertEqual(result.returncode, 0, result.stderr)
            return self.path(name)

        formats = [("ncdf", "1.nc"), ("ncdf", "2.nc")]
        if "zarr" in FORMATS:
            formats.insert(1, ("zarr", "3.zarr"))
        for kind, name in formats:
            source = {"cube_type": kind, "file": run(source, name), "auto_unpack": False}
        one = {"cube_type": "slice_time", "it": 0, "in_cube": source}
        tif = {"cube_type": "raster", "file": run(one, "4.tif"), "datetime": "2020-01-05"}
        last = run(tif, "5.nc")
        with netCDF4.Dataset(last) as file:
            file.set_auto_maskandscale(False)
            variable = file["a"]
            np.testing.assert_array_equal(variable[0], stored[0])
            self.assertEqual((variable.dtype, variable.scale_factor, variable.add_offset,
                              variable._FillValue), (np.int16, 0.5, -10, -999))
        expected = np.where(stored[0] == -999, np.nan, stored[0] * 0.5 - 10)
        for graph in (dict(tif, unpack=True), {"cube_type": "ncdf", "file": last}):
            out = xr.open_dataset(run(graph, "u%d.nc" % ("file" in graph and len(graph))),
                                  mask_and_scale=False).a
            self.assertNotIn("scale_factor", out.attrs)
            np.testing.assert_array_equal(out.values[0], expected.astype("f4"))
            os.remove(out.encoding["source"])

    def test_real_files(self):
        if not os.path.isdir(os.path.join(SHARED, "data")):
            self.skipTest("../shared is not here")
        rain = os.path.join(SHARED, "data", "noah-precipitation-1979.nc")
        theirs = xr.open_dataset(rain)
        names = [v for v in theirs.data_vars if theirs[v].ndim == 2]
        ours = self.computed("ncdf", rain)
        series = self.computed("ncdf", rain, series="rain", datetime="1979-01-01", dt="P1D")
        for i, name in enumerate(names):
            np.testing.assert_array_equal(ours[name].values[0], theirs[name].values[::-1])
            np.testing.assert_array_equal(series.rain.values[i], theirs[name].values[::-1])
        self.assertEqual(float(ours.longitude[0]), 0.25)
        self.assertEqual(series.time.values[1], np.datetime64("1979-01-02"))
        for name in ("ndvi_median_3857_bilinear", "reducers_32618_near"):
            path = os.path.join(SHARED, "reference", name + ".nc")
            theirs = xr.open_dataset(path, decode_times=False)
            # All that gdalcubes writes of such a cube.
            bands = [band for band in theirs.data_vars if theirs[band].ndim == 3][::-1]
            ours = self.computed("ncdf", path, chunk_size=[1, 256, 256], band_selection=bands,
                                 auto_unpack=True)
            self.assertEqual([band for band in ours.data_vars if ours[band].ndim == 3], bands)
            for band in bands:
                np.testing.assert_array_equal(ours[band].values, theirs[band].values)
            np.testing.assert_allclose(ours.x, theirs.x, atol=1e-6)
            self.assertIn("2018", str(ours.time.values[0]))


if __name__ == "__main__":
    unittest.main()
