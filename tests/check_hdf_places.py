"""Where arrays of HDF5 and HDF4 lie that GDAL's drivers give no place: coordinates of rows and
columns, HDF-EOS5 grids, places for each cell. As subdatasets of a catalogue and as rasters, against
xarray on the same files and against numpy."""
import sys
import unittest

try:
    import netCDF4
    import numpy as np
    import xarray as xr
    from osgeo import gdal, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

import eos_files
import hdf_files
from array_files import crs_attributes
from hdf_files import Hdf5, eos5_metadata, write_sds
from program import Case, cube

CELLS = np.arange(12, dtype="int16").reshape(3, 4)
LATITUDES = np.array([51.5, 50.5, 49.5])
LONGITUDES = np.array([5.5, 6.5, 7.5, 8.5])
SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m +no_defs"


class Places(Case):
    def raster(self, name, **more):
        """The cube of a raster as xarray reads the result, and the raster's name."""
        graph = self.graph({"cube_type": "raster", "file": name, "bands": ["v"], **more})
        result = cube("run", graph, "-o", self.path("out.nc"), "--overwrite", "-q")
        self.assertEqual(result.returncode, 0, result.stderr)
        return xr.open_dataset(self.path("out.nc"), mask_and_scale=False).load()

    def cataloged(self, file, band, space):
        """The cells of a subdataset whose name ends with `band`, by a catalogue."""
        catalog = self.path("c.db")
        form = self.graph({
            "subdatasets": True, "pattern": ".*", "images": {"pattern": r".*/([A-Z]+_[0-9]{8}).*"},
            "datetime": {"pattern": r".*/[A-Z]+_([0-9]{8}).*", "format": "%Y%m%d"},
            "bands": {"v": {"pattern": ".*" + band}}}, "form.json")
        result = cube("catalog", "create", catalog, "--overwrite", "--format", form, file)
        self.assertEqual(result.returncode, 0, result.stderr)
        graph = self.graph({"cube_type": "image_collection", "file": catalog, "view": {
            "space": space, "time": {"t0": "2020-01-05", "t1": "2020-01-05", "dt": "P1D"}}})
        result = cube("run", graph, "-o", self.path("out.tif"), "--overwrite", "-q")
        self.assertEqual(result.returncode, 0, result.stderr)
        return gdal.Open(self.path("out.tif")).ReadAsArray()

    def degrees(self, file, name, band=None):
        """Both ways give CELLS, north up, where LATITUDES and LONGITUDES say."""
        ours = self.raster(name)
        np.testing.assert_array_equal(ours["v"].values[0], CELLS)
        np.testing.assert_allclose(ours["latitude"].values, LATITUDES, atol=1e-9)
        np.testing.assert_allclose(ours["longitude"].values, LONGITUDES, atol=1e-9)
        space = {"left": 5, "right": 9, "bottom": 49, "top": 52, "dx": 1, "srs": "EPSG:4326"}
        np.testing.assert_array_equal(self.cataloged(file, band or name[-3:], space), CELLS)

    def refused(self, text, name):
        result = cube("check", self.graph({"cube_type": "raster", "file": name}))
        self.assertEqual(result.returncode, 2)
        self.assertIn(text, result.stderr)


class ByCoordinates(Places):
    def test_dimension_scales_of_a_group_longitude_first(self):
        """As NASA's GPM lays out IMERG: [time][lon][lat northwards] in /Grid."""
        path = self.path("IMERG_20200105.HDF5")
        with netCDF4.Dataset(path, "w") as data:
            group = data.createGroup("Grid")
            for name, values, units in (("time", [0], "seconds since 2020-01-05"),
                                        ("lon", LONGITUDES, "degrees_east"),
                                        ("lat", LATITUDES[::-1], "degrees_north")):
                group.createDimension(name, len(values))
                group.createVariable(name, "f4", (name,)).units = units
                group[name][:] = values
            for name in ("randomError", "precipitation"):
                cells = group.createVariable(name, "f4", ("time", "lon", "lat"),
                                             fill_value=-9999.9)
                cells.coordinates = "time lon lat"
                cells[:] = CELLS[::-1].T[None]
        name = f'HDF5:"{path}"://Grid/precipitation'
        self.degrees(path, name, "/precipitation")
        theirs = xr.open_dataset(path, group="Grid", engine="netcdf4")["precipitation"]
        theirs = theirs.isel(time=0).transpose("lat", "lon").sortby("lat", ascending=False)
        ours = self.raster(name)
        np.testing.assert_array_equal(ours["v"].values[0], theirs.values)
        np.testing.assert_allclose(ours["latitude"].values, theirs["lat"].values)
        utm = {"space": {"left": 400000, "right": 600000, "bottom": 5500000, "top": 5700000,
                         "dx": 20000, "srs": "EPSG:32632"}}
        turned = self.raster(name, view=utm)["v"].values[0]
        with xr.open_dataset(self.path("out.nc")) as out:
            x, y = np.meshgrid(out["x"].values, out["y"].values)
        systems = [osr.SpatialReference(), osr.SpatialReference()]
        for system, code in zip(systems, (32632, 4326)):
            system.ImportFromEPSG(code)
            system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        points = np.array(osr.CoordinateTransformation(*systems).TransformPoints(
            np.column_stack([x.ravel(), y.ravel()])))
        rows = np.floor(52 - points[:, 1]).astype(int)
        columns = np.floor(points[:, 0] - 5).astype(int)
        inside = (rows >= 0) & (rows < 3) & (columns >= 0) & (columns < 4)
        self.assertGreater(inside.sum(), 30)
        expected = np.where(inside, CELLS[rows.clip(0, 2), columns.clip(0, 3)], np.nan)
        np.testing.assert_array_equal(turned.ravel(), expected)

    def test_dimension_scales_of_several_bands(self):
        """cells of two arrays of the root, [lat northwards][lon]; the only array of a file."""
        for names in (("red", "nir"), ("red",)):
            path = self.path("Q_20200105.h5")
            with netCDF4.Dataset(path, "w") as data:
                for name, values, units in (("lat", LATITUDES[::-1], "degrees_north"),
                                            ("lon", LONGITUDES, "degrees_east")):
                    data.createDimension(name, len(values))
                    data.createVariable(name, "f8", (name,)).units = units
                    data[name][:] = values
                for name in names:
                    data.createVariable(name, "i2", ("lat", "lon"), fill_value=-9)[:] = CELLS[::-1]
            self.degrees(path, f'HDF5:"{path}"://red', "/red")
        self.degrees(path, path, "/red")

    def test_coordinates_of_other_names_than_the_dimensions(self):
        path = self.path("N_20200105.he5")
        with netCDF4.Dataset(path, "w") as data:
            for dimension, name, values, units in (
                    ("nlat", "Latitudes", LATITUDES, "degrees_north"),
                    ("nlon", "Longitudes", LONGITUDES, "degrees_east")):
                data.createDimension(dimension, len(values))
                data.createVariable(name, "f4", (dimension,)).units = units
                data[name][:] = values
            for name in ("red", "nir"):
                data.createVariable(name, "i2", ("nlat", "nlon"))[:] = CELLS
        self.degrees(path, f'HDF5:"{path}"://nir', "/nir")

    def test_metres_of_a_grid_mapping(self):
        path = self.path("M_20200105.h5")
        with netCDF4.Dataset(path, "w") as data:
            group = data.createGroup("a/b c")
            for name, values in (("y", 5e6 - 5 - 10 * np.arange(3)), ("x", 5e5 + 5 + 10 * np.arange(4))):
                group.createDimension(name, len(values))
                group.createVariable(name, "f8", (name,))[:] = values
            crs = group.createVariable("crs", "i4")
            crs.spatial_ref = crs_attributes(32631)["crs_wkt"]
            for name in ("red", "nir"):
                band = group.createVariable(name, "i2", ("y", "x"))
                band.grid_mapping = "crs"
                band[:] = CELLS
        ours = self.raster(f'HDF5:"{path}"://a/b_c/nir')
        np.testing.assert_array_equal(ours["v"].values[0], CELLS)
        np.testing.assert_allclose(ours["x"].values, 5e5 + 5 + 10 * np.arange(4))
        np.testing.assert_allclose(ours["y"].values, 5e6 - 5 - 10 * np.arange(3))
        self.assertIn("UTM zone 31N", ours["spatial_ref"].attrs["crs_wkt"])

    @unittest.skipIf(hdf_files.hdf5() is None, "no HDF5 library")
    def test_dimensions_without_names(self):
        path = self.path("P_20200105.h5")
        with Hdf5(path) as data:
            data.write("Grid/lat", LATITUDES.astype("f4"), units="degrees_north")
            data.write("Grid/lon", LONGITUDES.astype("f4"), units="degrees_east")
            data.write("Grid/Data Fields/red", CELLS, _FillValue=np.int16(-9))
            data.write("Grid/Data Fields/nir", CELLS.T.copy())
            data.write("other/lat", np.arange(3.0), units="degrees_north")
            data.write("other/lon", np.arange(4.0), units="degrees_east")
        self.degrees(path, f'HDF5:"{path}"://Grid/Data_Fields/red', "/red")
        self.degrees(path, f'HDF5:"{path}"://Grid/Data_Fields/nir', "/nir")
        # As many rows as columns: the names tell, else rows are latitudes.
        square = self.path("S_20200105.h5")
        with Hdf5(square) as data:
            data.write("lat", LATITUDES)
            data.write("lon", LONGITUDES[:3])
            data.write("red", CELLS[:, :3], DimensionNames="lat,lon")
            data.write("nir", CELLS[:, :3].T.copy(), DimensionNames="lon,lat")
            data.write("plain", CELLS[:, :3])
        for name in ("red", "nir", "plain"):
            np.testing.assert_array_equal(
                self.raster(f'HDF5:"{square}"://{name}')["v"].values[0], CELLS[:, :3], name)

    @unittest.skipIf(hdf_files.hdf5() is None, "no HDF5 library")
    def test_places_of_each_cell(self):
        """A swath, askew; some of its places are not known."""
        path = self.path("W_20200105.h5")
        row, column = np.mgrid[0:30, 0:40]
        longitude = (5 + 0.1 * column + 0.02 * row).astype("f4")
        latitude = (50 - 0.08 * row + 0.01 * column).astype("f4")
        with Hdf5(path) as data:
            data.write("geo/longitude", longitude, units="degrees_east")
            data.write("geo/latitude", latitude, units="degrees_north")
            data.write("red", (row * 100 + column).astype("int16"), _FillValue=np.int16(-9))
        space = {"left": 5.6, "right": 8.4, "bottom": 48, "top": 49.6, "dx": 0.05, "srs": "EPSG:4326"}
        cells = self.cataloged(path, "/red", space)
        x, y = np.meshgrid(5.625 + 0.05 * np.arange(56), 49.575 - 0.05 * np.arange(32))
        nearest = [np.argmin(((longitude - a) * 0.65) ** 2 + (latitude - b) ** 2)
                   for a, b in zip(x.ravel(), y.ravel())]
        off = np.abs(cells - (row * 100 + column).ravel()[nearest].reshape(32, 56))
        self.assertLessEqual(off.max(), 101)  # a neighbour where a border is near
        self.assertGreater((off == 0).mean(), 0.85)

    def test_what_was_looked_for_is_told(self):
        path = self.path("R_20200105.h5")
        with netCDF4.Dataset(path, "w") as data:
            group = data.createGroup("Grid")
            group.createDimension("y", 3)
            group.createDimension("x", 4)
            for name in ("red", "nir"):
                group.createVariable(name, "i2", ("y", "x"))[:] = CELLS
        reason = ("'Grid/x' has no coordinates, and no GeoTransform says where cells lie")
        self.refused("has no north-up grid (it has no location: " + reason,
                     f'HDF5:"{path}"://Grid/red')
        form = self.graph({
            "subdatasets": True, "pattern": ".*", "images": {"pattern": r".*/(R_[0-9]{8}).*"},
            "datetime": {"pattern": r".*/R_([0-9]{8}).*", "format": "%Y%m%d"},
            "bands": {"v": {"pattern": ".*/red"}}}, "form.json")
        result = cube("catalog", "create", self.path("c.db"), "--format", form, path)
        self.assertEqual(result.returncode, 2)
        self.assertIn("has no georeference: " + reason, result.stderr)
        with netCDF4.Dataset(path, "w") as data:
            for name, values in (("lat", [50, 49, 45]), ("lon", LONGITUDES)):
                data.createDimension(name, len(values))
                data.createVariable(name, "f8", (name,))[:] = values
            data.createVariable("red", "i2", ("lat", "lon"))[:] = CELLS
        self.refused("the coordinates of 'lat' are not evenly spaced", f'HDF5:"{path}"://red')
        with netCDF4.Dataset(path, "w") as data:
            data.createDimension("a", 3)
            data.createDimension("b", 4)
            data.createVariable("red", "i2", ("a", "b"))[:] = CELLS
        self.refused("no coordinates of its rows and columns, 3 x 4 cells, were found: neither "
                     "dimension scales nor arrays such as lat and lon, nor a StructMetadata of "
                     "HDF-EOS5", f'HDF5:"{path}"://red')


@unittest.skipIf(hdf_files.hdf5() is None, "no HDF5 library")
class EosGrids(Places):
    SIDE = 1111950.519667

    def write(self, path, cells, *arguments, **more):
        grid = "VIIRS_Grid_500m_2D"
        with Hdf5(path) as data:
            data.write("HDFEOS INFORMATION/StructMetadata.0",
                       eos5_metadata(grid, ["SurfReflect I1", "QF1"], *arguments, **more))
            for field in ("SurfReflect I1", "QF1"):
                data.write(f"HDFEOS/GRIDS/{grid}/Data Fields/{field}", cells,
                           _FillValue=np.int16(-28672))
        return f'HDF5:"{path}"://HDFEOS/GRIDS/{grid}/Data_Fields/SurfReflect_I1'

    def test_a_sinusoidal_tile(self):
        path = self.path("VNP_20200105.h5")
        name = self.write(path, CELLS, (0, 5 * self.SIDE), (self.SIDE, 4 * self.SIDE),
                          more="\t\tProjParams=(6371007.181000,0,0,0,0,0,0,0,0,0,0,0,0)\n"
                               "\t\tSphereCode=-1\n\t\tGridOrigin=HE5_HDFE_GD_UL\n")
        ours = self.raster(name)
        np.testing.assert_array_equal(ours["v"].values[0], CELLS)
        np.testing.assert_allclose(ours["x"].values, self.SIDE * (np.arange(4) + 0.5) / 4)
        np.testing.assert_allclose(ours["y"].values, self.SIDE * (5 - (np.arange(3) + 0.5) / 3))
        self.assertIn("6371007.181", ours["spatial_ref"].attrs["crs_wkt"])
        space = {"left": 0, "right": self.SIDE, "bottom": 4 * self.SIDE, "top": 5 * self.SIDE,
                 "nx": 4, "ny": 3, "srs": SINUSOIDAL}
        np.testing.assert_array_equal(self.cataloged(path, "/SurfReflect_I1", space), CELLS)

    def test_degrees_from_the_south_and_columns_first(self):
        """OMI's grids begin in the south west; angles stand as DDDMMMSSS or in millionths."""
        west_south, east_north = (5e6, 49e6), (9e6, 52e6)
        for corners, cells, more in (
                ((west_south, east_north), CELLS[::-1], {"more": "\t\tGridOrigin=HE5_HDFE_GD_LL\n"}),
                (((5e6, 52e6), (9e6, 49e6)), CELLS, {}),
                (((5e6, 52e6), (9e6, 49e6)), CELLS.T.copy(), {"dimensions": ("XDim", "YDim")})):
            path = self.path("OMI_20200105.he5")
            name = self.write(path, cells, *corners, projection="HE5_GCTP_GEO", **more)
            self.degrees(path, name, "/SurfReflect_I1")
        for (left, top), corner in (((5.5, 52.25), (5030000, 52015000)),
                                    ((5.5, 52.25), (5500000, 52250000))):
            name = self.write(path, CELLS, corner, (9e6, 49e6), projection="HE5_GCTP_GEO")
            ours = self.raster(name)
            self.assertAlmostEqual(ours["longitude"].values[0], left + (9 - left) / 8)
            self.assertAlmostEqual(ours["latitude"].values[0], top - (top - 49) / 6)

    def test_what_is_wrong_with_a_grid_is_told(self):
        path = self.path("E_20200105.he5")
        corners = ((0, 1), (1, 0))
        name = self.write(path, CELLS, *corners, projection="HE5_GCTP_NONE")
        self.refused("it has no location: StructMetadata says of the grid 'VIIRS_Grid_500m_2D' "
                     "Projection=HE5_GCTP_NONE", name)
        name = self.write(path, CELLS, *corners, dimensions=("YDim", "Band"))
        self.refused("its dimensions, YDim, Band, do not end with YDim, XDim", name)


@unittest.skipIf(eos_files.hdf4() is None or gdal.GetDriverByName("HDF4") is None, "no HDF4")
class Hdf4(Places):
    def test_dimension_scales(self):
        path = self.path("A_20200105.hdf")
        scales = {"Lat": (LATITUDES, "degrees_north"), "Lon": (LONGITUDES, "degrees_east")}
        write_sds(path, {"red": (CELLS, ["Lat", "Lon"], scales),
                         "nir": (CELLS + np.int16(100), ["Lat", "Lon"], {})})
        self.degrees(path, f'HDF4_SDS:UNKNOWN:"{path}":0', ":0")
        ours = self.raster(f'HDF4_SDS:UNKNOWN:"{path}":3')
        np.testing.assert_array_equal(ours["v"].values[0], CELLS + 100)
        np.testing.assert_allclose(ours["latitude"].values, LATITUDES)

    def test_arrays_of_coordinates(self):
        path = self.path("B_20200105.hdf")
        write_sds(path, {"lat": (LATITUDES[::-1].copy(), ["rows"], {}),
                         "lon": (LONGITUDES, ["columns"], {}),
                         "nir": (CELLS, ["other", "names"], {}),
                         "red": (CELLS[::-1].copy(), ["rows", "columns"], {})})
        self.degrees(path, f'HDF4_SDS:UNKNOWN:"{path}":3', ":3")


if __name__ == "__main__":
    unittest.main()
