"""Files of arrays for tests of ncdf and zarr: written by xarray, read by cube, compared."""
import json

import numpy as np
import xarray as xr
from osgeo import osr

from program import Case, cube

RNG = np.random.default_rng(5)
FORMATS = ("ncdf", "zarr")


def crs_attributes(epsg):
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(epsg)
    return {"crs_wkt": srs.ExportToWkt(["FORMAT=WKT2_2019"])}


def dataset(times=5, height=13, width=17, dtype="float32", y_up=False, order=("time", "y", "x"),
            epsg=32631, names=("a",)):
    """Cells of 10 at 500000, 5000000 in UTM, or 0..360 degrees; a fifth of the cells are missing."""
    t = np.array(["2020-01-05", "2020-01-17T10:30:00", "2020-02-29", "2021-01-01", "2021-01-02"],
                 dtype="datetime64[ns]")[:times]
    if epsg == 4326:
        y, x = 60 - (np.arange(height) + 0.5) * 0.5, (np.arange(width) + 0.5) * 20
    else:
        y, x = 5e6 - (np.arange(height) + 0.5) * 10, 5e5 + (np.arange(width) + 0.5) * 10
    out = xr.Dataset(coords={"time": t, "y": y, "x": x})
    for name in names:
        cells = RNG.integers(1, 200, (times, height, width)).astype(dtype)
        if np.dtype(dtype).kind == "f":
            cells[RNG.random(cells.shape) < 0.2] = np.nan
        out[name] = (("time", "y", "x"), cells)
    if y_up:
        out = out.isel(y=slice(None, None, -1))
    out = out.transpose(*order)
    if epsg == 4326:
        out = out.rename({"y": "lat", "x": "lon"})
        out["lat"].attrs = {"units": "degrees_north"}
        out["lon"].attrs = {"units": "degrees_east"}
    elif epsg:
        out["crs"] = xr.DataArray(0, attrs=crs_attributes(epsg))
        for name in names:
            out[name].attrs["grid_mapping"] = "crs"
    return out


class ArrayCase(Case):
    def save(self, data, kind, name="in", encoding=None, **more):
        path = self.path(name + (".nc" if kind == "ncdf" else ".zarr"))
        if kind == "ncdf":
            data.to_netcdf(path, encoding=encoding or {}, **more)
        else:
            data.to_zarr(path, mode="w", encoding=encoding or {}, **more)
        return path

    def info(self, kind, path, **arguments):
        graph = self.graph({"cube_type": kind, "file": path, **arguments})
        result = cube("info", graph, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def computed(self, kind, path, out="out.nc", chunk=None, **arguments):
        graph = self.graph({"cube_type": kind, "file": path, **arguments})
        more = ["--chunk", chunk] if chunk else []
        result = cube("run", graph, "-o", self.path(out), "--overwrite", "--progress", "none", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return xr.open_dataset(self.path(out)).load()

    def same(self, ours, expected, names=("a",), exact=True):
        """Cells, times and places. `expected`: as xarray reads the file."""
        y, x = ("lat", "lon") if "lat" in expected.dims else ("y", "x")
        oy, ox = ("latitude", "longitude") if "latitude" in ours.dims else ("y", "x")
        expected = expected.sortby(y, ascending=False).sortby(x).transpose("time", y, x, ...)
        np.testing.assert_array_equal(ours.time.values, expected.time.values)
        np.testing.assert_allclose(ours[oy].values, expected[y].values, rtol=0, atol=1e-6)
        np.testing.assert_allclose(ours[ox].values, expected[x].values, rtol=0, atol=1e-6)
        for name in names:
            a, b = ours[name].values.astype("f8"), expected[name].values.astype("f8")
            if exact:
                np.testing.assert_array_equal(a, b, err_msg=name)
            else:
                np.testing.assert_allclose(a, b, rtol=1e-6, err_msg=name)
            self.assertGreater(np.isfinite(a).sum(), 10)

    def check(self, kind, data, encoding=None, exact=True, names=("a",), chunk=None, **more):
        path = self.save(data, kind, encoding=encoding, **more)
        expected = (xr.open_dataset(path) if kind == "ncdf" else xr.open_zarr(path)).load()
        ours = self.computed(kind, path)
        self.same(ours, expected, names, exact)
        chunked = self.computed(kind, path, out="chunked.nc", chunk=chunk) if chunk else ours
        for name in names:
            np.testing.assert_array_equal(ours[name].values, chunked[name].values)
        return ours, path
