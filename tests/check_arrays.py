#!/usr/bin/env python3
"""Files of arrays as others write them: what CF, netCDF-4 and Zarr allow beyond the usual.

Oracle: xarray on the same file, or numpy where xarray leaves something to its user.
"""
import ctypes.util
import os
import shutil
import sys
import unittest

try:
    import netCDF4
    import numcodecs
    import numpy as np
    import xarray as xr
    import zarr
    from osgeo import osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from array_files import FORMATS, RNG, ArrayCase, crs_attributes, dataset
from program import cube


def opened(kind, path, **more):
    return (xr.open_dataset if kind == "ncdf" else xr.open_zarr)(path, **more).load()


class Arrays(ArrayCase):
    def bands(self, kind, path, **arguments):
        return {band["name"]: band for band in self.info(kind, path, **arguments)["bands"]}

    def wrong(self, text, path, kind="ncdf", **arguments):
        self.rejects(text, "check", self.graph({"cube_type": kind, "file": path, **arguments}))

    def test_cells_beyond_the_valid_range(self):
        stored = np.arange(5 * 13 * 17).reshape(5, 13, 17) % 200 - 30  # -30 .. 169
        data = dataset(names=())
        cases = {  # type, attributes, what is valid among the stored values
            "packed": ("int16", {"valid_range": np.int16([0, 100]), "scale_factor": 0.5,
                                 "add_offset": 3.0}, (0, 100)),
            "unpacked": ("int16", {"valid_range": np.float64([3, 53.0]), "scale_factor": 0.5,
                                   "add_offset": 3.0}, (0, 100)),
            "falling": ("int16", {"valid_min": -50.0, "valid_max": 0.0, "scale_factor": -0.5},
                        (0, 100)),
            "low": ("float32", {"valid_min": np.float32(0.5)}, (1, 1000)),
            "high": ("int32", {"valid_max": np.int32(20), "_FillValue": np.int32(7)}, (-999, 20)),
            "fill": ("int16", {"valid_range": np.int16([0, 100]), "missing_value": np.int16(9)},
                     (0, 100)),
            "none": ("int16", {"valid_min": np.int16(9), "valid_max": np.int16(1)}, (-999, 999)),
        }
        for name, (dtype, attributes, _) in cases.items():
            data[name] = (("time", "y", "x"), stored.astype(dtype), dict(attributes, grid_mapping="crs"))
        data["bytes"] = (("time", "y", "x"), (stored + 30).astype("int8"),
                         {"_Unsigned": "true", "valid_range": np.int8([2, -100]),  # 156
                          "grid_mapping": "crs"})
        for kind in FORMATS:
            with self.subTest(kind=kind):
                path = self.save(data, kind)
                for unpack in (True, False):
                    ours = self.computed(kind, path, auto_unpack=unpack)
                    for name, (_, attributes, (low, high)) in cases.items():
                        valid = (stored >= low) & (stored <= high)
                        for hole in ("_FillValue", "missing_value"):
                            valid &= stored != attributes.get(hole, -999)
                        scale, offset = (attributes.get("scale_factor", 1),
                                         attributes.get("add_offset", 0))
                        expected = np.where(valid, stored * scale + offset, np.nan)
                        np.testing.assert_array_equal(ours[name].values, expected, f"{name} {unpack}")
                    bytes_of = (stored + 30).astype("f8")
                    bytes_of[(bytes_of < 2) | (bytes_of > 156)] = np.nan
                    np.testing.assert_array_equal(ours.bytes.values, bytes_of)
                bands = self.bands(kind, path, auto_unpack=False)
                self.assertEqual((bands["bytes"]["dtype"], bands["bytes"]["nodata"]), ("uint8", 255))
                self.assertEqual(bands["packed"]["dtype"], "int16")
                self.assertEqual(bands["packed"]["note"], "valid from 0 to 100 as stored")
                self.assertEqual(bands["high"]["note"], "valid to 20")
                self.assertNotIn("valid", bands["none"].get("note", ""))

    def test_coordinates_that_are_packed(self):
        """As those of GOES: angles in 16 bits, of a geostationary projection swept along x."""
        data = dataset(names=("a",))
        data["crs"].attrs = {"grid_mapping_name": "geostationary", "sweep_angle_axis": "x",
                             "perspective_point_height": 35786023.0, "semi_major_axis": 6378137.0,
                             "semi_minor_axis": 6356752.31414,
                             "longitude_of_projection_origin": -75.0}
        x, y = np.arange(17) * 1e-3 - 0.05, 0.08 - np.arange(13) * 1e-3
        data = data.assign_coords(x=x, y=y)
        for axis in "xy":
            data[axis].attrs = {"units": "rad", "standard_name": f"projection_{axis}_coordinate"}
        packing = {"dtype": "int16", "scale_factor": 1e-3, "add_offset": 0.1, "_FillValue": None}
        for kind in FORMATS:
            path = self.save(data, kind, encoding={"x": packing, "y": packing})
            grid = self.info(kind, path)["grid"]
            self.assertAlmostEqual(grid["left"], (x[0] - 5e-4) * 35786023, places=3)
            self.assertAlmostEqual(grid["top"], (y[0] + 5e-4) * 35786023, places=3)
            ours = osr.SpatialReference()
            ours.SetFromUserInput(grid["crs"])
            self.assertIn("+sweep=x", ours.ExportToProj4())
            np.testing.assert_array_equal(self.computed(kind, path).a.values, data.a.values)

    def test_several_grid_mappings(self):
        data = dataset(names=("a", "b"))
        data["wgs84"] = xr.DataArray(0, attrs=crs_attributes(4326))
        data["other"] = xr.DataArray(0, attrs=crs_attributes(32632))
        data["lat"] = (("y", "x"), RNG.random((13, 17)), {"units": "degrees_north"})
        data["lon"] = (("y", "x"), RNG.random((13, 17)), {"units": "degrees_east"})
        data.a.attrs["grid_mapping"] = "wgs84: lat lon crs: x y"
        for kind in FORMATS:
            path = self.save(data, kind)
            grid = self.info(kind, path, band_selection=["a", "b"])["grid"]
            self.assertEqual(grid["crs"], "EPSG:32631")
        data.b.attrs["grid_mapping"] = "other"
        path = self.save(data, "ncdf")
        self.wrong("/file: FOLDER/in.nc: 'a' and 'b' are in different CRSs: EPSG:32631 and "
                   "EPSG:32632 (band_selection takes those of one)", path, band_selection=["a", "b"])
        self.assertEqual(self.info("ncdf", path, band_selection="b")["grid"]["crs"], "EPSG:32632")

    def test_grids_that_are_none(self):
        curved = dataset(epsg=None).drop_vars(["x", "y"])
        curved["lat"] = (("y", "x"), RNG.random((13, 17)), {"units": "degrees_north"})
        curved["lon"] = (("y", "x"), RNG.random((13, 17)), {"units": "degrees_east"})
        hint = (" (an image collection reads such files, as gdalwarp -geoloc does, onto the grid of a "
                "view)")
        for data, dimensions in ((curved.set_coords(["lat", "lon"]), "y, x"),
                                 (curved.rename(x="col", y="row"), "row, col")):
            path = self.save(data, "ncdf")
            self.wrong(f"/file: FOLDER/in.nc: cells lie on a curved grid, each where "
                       f"lat({dimensions}) and lon({dimensions}) say" + hint, path,
                       band_selection="a")

    def test_hdf5_that_is_not_netcdf(self):
        """Written by libhdf5 itself: h5py may not be here."""
        library = ctypes.util.find_library("hdf5_serial")
        if not library:
            self.skipTest("libhdf5_serial is not here")
        hdf5, number = ctypes.CDLL(library), ctypes.c_int64
        hdf5.H5open()
        kind = number.in_dll(hdf5, "H5T_NATIVE_FLOAT_g")
        hdf5.H5Fcreate.restype = hdf5.H5Screate_simple.restype = hdf5.H5Dcreate2.restype = number
        zero = number(0)
        file = number(hdf5.H5Fcreate(self.path("in.nc").encode(), ctypes.c_uint(2), zero, zero))
        sides = (ctypes.c_uint64 * 2)(5, 6)
        space = number(hdf5.H5Screate_simple(2, sides, None))
        rain = number(hdf5.H5Dcreate2(file, b"rain", kind, space, zero, zero, zero))
        hdf5.H5Dclose(rain)
        hdf5.H5Fclose(file)
        self.wrong("/file: FOLDER/in.nc: no variable lies on rows and columns: dimensions have no "
                   "names, as in HDF5 that is not netCDF (gdal_translate -a_srs CRS -a_ullr LEFT TOP "
                   "RIGHT BOTTOM HDF5:\"FILE\"://rain OUT.tif gives it a place)", self.path("in.nc"))

    def test_dimensions_of_names(self):
        """A band a label, whether labels are texts of any kind or numbers."""
        data = dataset()
        labels = ["B04", "B8A", "SCL"]
        data["a"] = xr.concat([data.a, data.a * 2, data.a * 3], "band").assign_coords(band=labels)
        data["one"] = data.a.isel(band=[0], drop=True).rename(band="height")
        for kind in FORMATS:
            for dtype in ("U3", "S3", object):
                data = data.assign_coords(band=np.array(labels, dtype=dtype))
                path = self.save(data, kind)
                ours = self.computed(kind, path)
                for i, label in enumerate(labels):
                    np.testing.assert_array_equal(ours[f"a_{label}"].values, data.a.values[i])
                np.testing.assert_array_equal(ours.one.values, data.one.values[0])
        wide = data.assign_coords(band=["é", "\u6c34", "\U0001f6f0"])
        for kind in FORMATS:
            self.assertEqual(list(self.bands(kind, self.save(wide, kind)))[:3],
                             ["a_é", "a_\u6c34", "a_\U0001f6f0"])

    def test_groups(self):
        data, finer = dataset(names=("a", "b")), dataset(names=("c",), height=26)
        for kind in FORMATS:
            path = self.path("groups" + (".nc" if kind == "ncdf" else ".zarr"))

            def write(data, group, mode):
                if kind == "ncdf":
                    data.to_netcdf(path, mode=mode, group=group)
                else:
                    data.to_zarr(path, mode=mode, group=group, consolidated=False)

            write(data, "one", "w")
            write(data[["a", "crs"]], "one/two", "a")
            for more in (False, True):
                if more and kind == "zarr":
                    zarr.consolidate_metadata(path)
                ours = self.info(kind, path)
                self.assertEqual([band["name"] for band in ours["bands"]],
                                 ["one/a", "one/b", "one/two/a"])
                self.assertEqual(ours["grid"]["crs"], "EPSG:32631")
            rename = {"cube_type": "rename_bands", "band_names": {"one/a": "first"}, "in_cube": {
                "cube_type": kind, "file": path, "band_selection": ["one/a"]}}
            result = cube("run", self.graph(rename), "-o", self.path("o.nc"), "--overwrite",
                          "--progress", "none")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.same(xr.open_dataset(self.path("o.nc")).load(), data.rename(a="first"), ["first"])
            # Known by its own name, too.
            formula = {"cube_type": "apply_pixel", "expr": "b * 2", "band_names": "twice", "in_cube": {
                "cube_type": kind, "file": path}}
            result = cube("run", self.graph(formula), "-o", self.path("o.nc"), "--overwrite",
                          "--progress", "none")
            self.assertEqual(result.returncode, 0, result.stderr)
            np.testing.assert_array_equal(xr.open_dataset(self.path("o.nc")).twice.values,
                                          data.b.values * 2)
            # The root's bands come alone, those of groups when they are asked for.
            write(data[["b", "crs"]], None, "a")
            if kind == "zarr":
                zarr.consolidate_metadata(path)
            self.assertEqual(list(self.bands(kind, path)), ["b"])
            self.assertEqual(list(self.bands(kind, path, band_selection=["b", "one/*"])),
                             ["b", "one/a", "one/b", "one/two/a"])
            write(finer, "finer", "a")
            if kind == "zarr":
                zarr.consolidate_metadata(path)
            name = os.path.basename(path)
            self.wrong(f"/file: FOLDER/{name}: 'one/a' and 'finer/c' lie on different dimensions: "
                       "one/time, one/y, one/x and finer/time, finer/y, finer/x (band_selection takes "
                       "those of one grid)", path, kind, band_selection=["one/a", "finer/c"])

    def test_dimensions_of_the_group_above(self):
        data = dataset()
        path = self.path("in.nc")
        data[["crs"]].to_netcdf(path)
        with netCDF4.Dataset(path, "a") as file:
            for name, size in data.sizes.items():
                file.createDimension(name, size)
                variable = file.createVariable(name, "f8", (name,))
                if name == "time":
                    variable.units = "days since 2020-01-01"
                    variable[:] = np.arange(5) ** 2
                else:
                    variable[:] = data[name].values
            group = file.createGroup("deep").createGroup("deeper")
            cells = group.createVariable("a", "f4", ("time", "y", "x"), zlib=True,
                                         chunksizes=(2, 5, 6), fill_value=-1)
            cells.grid_mapping = "crs"
            cells[:] = data.a.fillna(-1).values
        ours = self.info("ncdf", path)
        self.assertEqual(ours["time"][-1], "2020-01-17")
        self.assertEqual((ours["grid"]["crs"], ours["grid"]["left"]), ("EPSG:32631", 5e5))
        result = cube("run", self.graph({"cube_type": "apply_pixel", "expr": "a", "band_names": "same",
                                         "in_cube": {"cube_type": "ncdf", "file": path}}), "-o",
                      self.path("o.nc"), "--progress", "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        np.testing.assert_array_equal(xr.open_dataset(self.path("o.nc")).same.values, data.a.values)

    def test_hdf5_chunks_of_all_kinds(self):
        data = dataset(times=5)
        path = self.save(data.drop_vars("a"), "ncdf")
        cells = data.a.fillna(-9).values
        kinds = {"shuffled": {"zlib": True, "fill_value": -9}, "plain": {"fill_value": -9},
                 "deflated": {"zlib": True, "shuffle": False, "fill_value": -9},
                 "mixed": {"shuffle": True, "fill_value": -9},
                 "checked": {"zlib": True, "fletcher32": True, "fill_value": -9},
                 "big": {"zlib": True, "endian": "big", "fill_value": -9}, "unfilled": {"zlib": True},
                 "doubles": {"zlib": True, "datatype": "f8", "fill_value": -9},
                 "shorts": {"zlib": True, "datatype": "u2", "fill_value": 65535},
                 "rounded": {"zlib": True, "least_significant_digit": 0, "fill_value": -9},
                 "y": {"zlib": True, "fill_value": -9}}
        with netCDF4.Dataset(path, "a") as file:
            for name, more in kinds.items():
                name = "_nc4_non_coord" if name == "y" else name
                more = {"datatype": "f4", "chunksizes": (2, 5, 6), **more}
                variable = file.createVariable(name, dimensions=("time", "y", "x"), **more)
                variable.grid_mapping = "crs"
                file.set_auto_mask(False)
                # Chunks of the last times were never written.
                fill = variable._FillValue if "fill_value" in more else -9
                variable[:3, :, 2:] = np.where(cells < 0, fill, cells)[:3, :, 2:]
        expected = opened("ncdf", path)
        names = [name for name in expected.data_vars if expected[name].ndim == 3]
        ours = self.computed("ncdf", path)
        chunked = self.computed("ncdf", path, out="chunked.nc", chunk="1,4,7")
        for name in names:
            np.testing.assert_array_equal(ours[name].values, expected[name].values.astype("f8"), name)
            np.testing.assert_array_equal(chunked[name].values, ours[name].values, name)
        self.assertGreater(len(names), 9)

    def test_damaged_hdf5_chunks_are_told(self):
        data = dataset(height=200, width=200)
        path = self.save(data, "ncdf", encoding={"a": {"zlib": True, "chunksizes": (1, 200, 200)}})
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            file.seek(size // 2)
            file.write(b"damage" * 50)
        self.fails(1, "variable 'a' cannot be read: NetCDF: ", "run",
                   self.graph({"cube_type": "ncdf", "file": path}), "-o", self.path("x.nc"),
                   "--progress", "none")

    def test_missing_values_that_a_type_cannot_hold(self):
        """They mark no cell; the largest of 64 bits does, though no double is as large."""
        stored = np.arange(5 * 13 * 17).reshape(5, 13, 17) % 120
        none = {"half": ("int64", 5.5), "below": ("uint64", -1.0), "above": ("int8", np.int16(261))}
        path = self.save(dataset(names=()), "ncdf")
        with netCDF4.Dataset(path, "a") as file:
            for name, (dtype, missing) in none.items():
                file.createVariable(name, dtype, ("time", "y", "x")).missing_value = missing
            file.createVariable("most", "u8", ("time", "y", "x"), fill_value=2**64 - 1)
            file.set_auto_mask(False)
            for name in (*none, "most"):
                file[name][:] = stored.astype(file[name].dtype)
            file["most"][0, 0, 1] = 2**64 - 1
        ours = self.computed("ncdf", path)
        for name in none:
            np.testing.assert_array_equal(ours[name].values, stored, name)
        holed = stored.astype("f8")
        holed[0, 0, 1] = np.nan
        np.testing.assert_array_equal(ours.most.values, holed)
        path = self.save(dataset(names=()), "zarr")
        for name, dtype, fill in (("most", "u8", 2**64 - 1), ("least", "i8", -2**63)):
            array = zarr.open(path).create_dataset(name, shape=stored.shape, chunks=(2, 5, 6), dtype=dtype,
                                                   fill_value=fill)
            array.attrs["_ARRAY_DIMENSIONS"] = ["time", "y", "x"]
            array[:2, :5, :12] = stored[:2, :5, :12]  # other chunks are not there
        zarr.consolidate_metadata(path)
        ours = self.computed("zarr", path, chunk="5,13,17")
        holed = np.full(stored.shape, np.nan)
        holed[:2, :5, :12] = stored[:2, :5, :12]
        for name in ("most", "least"):
            np.testing.assert_array_equal(ours[name].values, holed, name)

    def test_dates_as_texts_and_numbers(self):
        data = dataset(epsg=4326)
        stamps = [str(t)[:19] for t in data.time.values]
        for kind in FORMATS:
            for dtype in ("S19", "U19", object):
                texts = data.assign_coords(time=np.array(stamps, dtype=dtype))
                self.same(self.computed(kind, self.save(texts, kind)), data)
            numbers = data.assign_coords(time=[20200105, 20200117.4375, 20200229, 20210101, 20210102])
            numbers.time.attrs = {"units": "day as %Y%m%d.%f", "calendar": "proleptic_gregorian"}
            self.same(self.computed(kind, self.save(numbers, kind)), data)
        self.wrong("/file: FOLDER/in.nc: a time is 20200001, which is no date", self.save(
            numbers.assign_coords(time=("time", numbers.time.values - 104, numbers.time.attrs)), "ncdf"))
        self.wrong("/file: FOLDER/in.nc: 'soon' is no time (such as 2023-06-15; \"datetime\" states times)",
                   self.save(data.assign_coords(time=[*stamps[:4], "soon"]), "ncdf"))
        self.wrong("/file: FOLDER/in.nc: time 1, 2020-01-17T10:30:00, is not after the one before it, "
                   "2020-01-29T00:00:00 (slices stand in ascending order of time)",
                   self.save(data.assign_coords(time=["2020-01-29", *stamps[1:]]), "ncdf"))

    def test_longitudes_that_jump(self):
        data = dataset(epsg=4326, width=6)
        for longitudes, left in (([170, 175, 180, -175, -170, -165], 167.5), ([350, 355, 0, 5, 10, 15], -12.5),
                                 ([-165, -170, -175, 180, 175, 170], 167.5), ([10, 5, 0, 355, 350, 345], -17.5),
                                 ([170, 175, 180, 185, 190, 195], 167.5), ([0, 60, 120, 180, -120, -60], -30)):
            jumping = data.assign_coords(lon=("lon", np.float32(longitudes), data.lon.attrs))
            path = self.save(jumping, "ncdf")
            grid = self.info("ncdf", path)["grid"]
            self.assertAlmostEqual(grid["left"], left)
            cells = data.a.values[:, :, ::1 if longitudes[1] > longitudes[0] else -1]
            np.testing.assert_array_equal(self.computed("ncdf", path).a.values, cells)
        self.wrong("/file: FOLDER/in.nc: the coordinates of 'lon' are not evenly spaced: number 1 is 10, where 20 "
                   "would be even (xarray's interp or cdo's remapping brings them onto a plain grid)",
                   self.save(data.assign_coords(lon=("lon", [0, 10, 200, 300, 20, 100], data.lon.attrs)), "ncdf"))

    def test_filters_and_types_of_zarr(self):
        data = dataset(times=5)
        path = self.save(data.drop_vars("a"), "zarr")
        cells = data.a.fillna(7).values
        root = zarr.open(path)
        f4 = {"dtype": "f4"}
        arrays = {
            "delta": {"dtype": "i2", "filters": [numcodecs.Delta("i2")]},
            "delta_narrow": {"dtype": "i4", "filters": [numcodecs.Delta("i4", "i2")]},
            "delta_float": {**f4, "filters": [numcodecs.Delta("f4")]},
            "delta_wraps": {"dtype": "u1", "filters": [numcodecs.Delta("u1")]},
            "fixed": {"dtype": "f8", "filters": [
                numcodecs.FixedScaleOffset(offset=3, scale=10, dtype="f8", astype="u2")]},
            "fixed_float": {**f4, "filters": [
                numcodecs.FixedScaleOffset(offset=3, scale=7, dtype="f4", astype="i2")]},
            "fixed_int": {"dtype": "i2", "filters": [
                numcodecs.FixedScaleOffset(offset=3, scale=7, dtype="i2", astype="f4")]},
            "quantize": {**f4, "filters": [numcodecs.Quantize(1, "f4")]},
            "quantize_half": {**f4, "filters": [numcodecs.Quantize(1, "f4", "f2")]},
            "shuffle": {**f4, "filters": [numcodecs.Shuffle(4)], "compressor": numcodecs.Zlib(3)},
            "astype": {"dtype": "f8", "filters": [numcodecs.AsType("f4", "f8")]},
            "two": {"dtype": "i4", "filters": [numcodecs.Delta("i4"), numcodecs.Shuffle(4)],
                    "compressor": numcodecs.Zstd(3)},
            "rounded": {**f4, "filters": [numcodecs.bitround.BitRound(12)]},
            "bits": {"dtype": "?", "filters": [numcodecs.PackBits()], "compressor": None},
            "half": {"dtype": "f2"}, "half_big": {"dtype": ">f2"}, "bool": {"dtype": "?"},
            "columns": {"dtype": ">i2", "order": "F", "filters": [numcodecs.Delta(">i2")]},
            "big_long": {"dtype": ">i8"}, "blosc": {**f4, "compressor": numcodecs.Blosc("blosclz")},
            "snappy": {**f4, "compressor": numcodecs.Blosc("zlib", shuffle=0)},
            "hc": {**f4, "compressor": numcodecs.Blosc("lz4hc", shuffle=2)},
            "infinite": {**f4, "fill_value": np.inf}, "no_fill": {**f4, "fill_value": None},
            "nested": {**f4, "dimension_separator": "/", "filters": [numcodecs.Delta("f4")]}}
        for name, more in arrays.items():
            array = root.create_dataset(name, shape=cells.shape, chunks=(2, 5, 6),
                                        **{"fill_value": 7, **more})
            array.attrs["_ARRAY_DIMENSIONS"] = ["time", "y", "x"]
            array[:] = cells % 2 == 0 if more["dtype"] == "?" else cells.astype(more["dtype"])
        array = root.create_dataset("never", shape=cells.shape, chunks=(5, 13, 17), dtype="f4",
                                    fill_value=3)
        array.attrs.update(_ARRAY_DIMENSIONS=["time", "y", "x"])
        zarr.consolidate_metadata(path)
        expected = opened("zarr", path)
        ours = self.computed("zarr", path, band_selection=list(arrays))
        chunked = self.computed("zarr", path, "c.nc", chunk="2,7,6", band_selection=list(arrays))
        for name in arrays:
            np.testing.assert_array_equal(ours[name].values, expected[name].values.astype("f8"), name)
            np.testing.assert_array_equal(ours[name].values, chunked[name].values, name)
        self.assertEqual(self.bands("zarr", path)["half"]["dtype"], "float32")
        # A zip file, of the group or of the folder that it is.
        store = zarr.ZipStore(self.path("packed.zip"), mode="w")
        zarr.copy_store(zarr.DirectoryStore(path), store)
        store.close()
        shutil.make_archive(self.path("folder"), "zip", self.folder, "in.zarr")
        for archive in ("packed.zip", "folder.zip"):
            zipped = self.computed("zarr", self.path(archive), band_selection=["delta", "nested"])
            np.testing.assert_array_equal(zipped["delta"].values, ours["delta"].values)
            np.testing.assert_array_equal(zipped["nested"].values, ours["nested"].values)


if __name__ == "__main__":
    unittest.main()
