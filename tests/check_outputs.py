#!/usr/bin/env python3
"""netCDF, Zarr and COG outputs as xarray, rioxarray and GDAL's own COG validator see them.

The files come from unit_sinks, which fills them by the formula of cell() below.
"""
import os
import subprocess
import sys
import tempfile

try:
    import netCDF4
    import numpy as np
    import rioxarray  # noqa: F401 (adds .rio)
    import xarray as xr
    import zarr
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

UTM = dict(crs=32618, left=583800, top=4511000, dx=30, dy=30, width=70, height=50)
DEG = dict(crs=4326, left=-74.5, top=41, dx=0.01, dy=0.02, width=33, height=21)
TIMES = {
    "monthly": (["2018-01-01", "2018-02-01", "2018-03-01"], "2018-04-01"),
    "daily": (["2018-01-30", "2018-01-31", "2018-02-01"], "2018-02-02"),
    "hourly": (["1969-12-31T22", "1969-12-31T23", "1970-01-01T00"], "1970-01-01T01"),
    "labelled": (["2018-03-05T10:20:30", "2018-03-07", "2019-01-01"], None),
}
UNITS = {"monthly": "days", "daily": "days", "hourly": "hours", "labelled": "seconds"}
BANDS = [("f32", "float32", float("nan")), ("u8", "uint8", 255), ("i16", "int16", -9999),
         ("u16", "uint16", 0), ("full", "int32", None), ("f64", "float64", float("nan"))]
GRAPH = '{"title": "caf\u00e9 \\\\ \n\U0001f30d"}'
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)


def cell(band, t, grid):
    """Cells of one slice: NaN where missing."""
    name, dtype, nodata = BANDS[band]
    y, x = np.mgrid[0:grid["height"], 0:grid["width"]]
    values = ((band * 7 + t * 31 + y * 13 + x * 3) % 200 + 1).astype(float)
    if dtype.startswith("float"):
        values += 0.25
    if nodata is not None:
        values[(x + 2 * y + t + band) % 5 == 0] = np.nan
    return values


def check_axes(dataset, grid, axis, where):
    y, x = ("latitude", "longitude") if grid is DEG else ("y", "x")
    check(dict(dataset.sizes)["time"] == 3, where + ": three slices")
    check(dataset["f32"].dims == ("time", y, x), where + ": dimensions")
    centres = grid["left"] + (np.arange(grid["width"]) + 0.5) * grid["dx"]
    check(np.allclose(dataset[x], centres, rtol=0, atol=1e-9 * grid["width"]), where + ": x")
    centres = grid["top"] - (np.arange(grid["height"]) + 0.5) * grid["dy"]
    check(np.allclose(dataset[y], centres, rtol=0, atol=1e-9 * grid["height"]), where + ": y")
    starts, end = TIMES[axis]
    starts = [np.datetime64(start, "ns") for start in starts]
    check(list(dataset["time"].values) == starts, where + ": times")
    if end is None:
        check("time_bnds" not in dataset.variables, where + ": instants have no bounds")
    else:
        ends = starts[1:] + [np.datetime64(end, "ns")]
        bounds = dataset["time_bnds"].values
        check(list(bounds[:, 0]) == starts and list(bounds[:, 1]) == ends, where + ": bounds")


def check_cube(path, opener, grid, axis):
    where = os.path.basename(path)
    with opener(path, mask_and_scale=True) as dataset:
        check_axes(dataset, grid, axis, where)
        for band, (name, _, _) in enumerate(BANDS):
            scale, offset = (0.5, 10) if name == "i16" else (1, 0)
            for t in range(3):
                expected = cell(band, t, grid) * scale + offset
                same = np.array_equal(dataset[name][t].values, expected, equal_nan=True)
                check(same, f"{where}: {name} slice {t}")
        check(dataset["i16"].attrs.get("units") == "K", where + ": unit")
        check(dataset.attrs["Conventions"] == "CF-1.8", where + ": conventions")
        check(dataset.attrs["cube_graph"] == GRAPH, where + ": graph")
        check(dataset.attrs["cube_images"] == "image_a.tif\nimage_b.tif", where + ": images")
    with opener(path, mask_and_scale=False) as dataset:
        for name, dtype, nodata in BANDS:
            check(str(dataset[name].dtype) == dtype, f"{where}: {name} is {dtype}")
            fill = dataset[name].attrs.get("_FillValue")
            right = (fill is None if nodata is None else
                     fill == nodata or (np.isnan(fill) and np.isnan(nodata)))
            check(right, f"{where}: fill value of {name}")
        check(str(dataset["time"].dtype) in ("int64", "datetime64[ns]"), where + ": int64 times")
    with opener(path, mask_and_scale=True, decode_coords="all") as dataset:
        check(dataset.rio.crs is not None and dataset.rio.crs.to_epsg() == grid["crs"],
              where + ": CRS by rioxarray")
        transform = dataset["f32"].rio.transform()
        expected = (grid["dx"], 0, grid["left"], 0, -grid["dy"], grid["top"])
        check(np.allclose(tuple(transform)[:6], expected, rtol=0, atol=1e-9),
              where + ": transform by rioxarray")
    with opener(path, decode_times=False) as dataset:
        check(dataset["time"].dtype == np.int64, where + ": times are int64")
        check(dataset["time"].attrs["units"].startswith(UNITS[axis]), where + ": time unit")


def check_chunks(folder):
    with netCDF4.Dataset(os.path.join(folder, "monthly_utm.nc")) as dataset:
        check(dataset["f32"].chunking() == [2, 17, 23], "netCDF chunks are the cube's")
        filters = dataset["f32"].filters()
        check(filters["zlib"] and filters["shuffle"] and filters["complevel"] == 1, "deflate 1")
        mapping = dataset["spatial_ref"]
        check(mapping.grid_mapping_name == "transverse_mercator", "grid mapping name")
        check(mapping.longitude_of_central_meridian == -75, "central meridian")
        check(mapping.scale_factor_at_central_meridian == 0.9996, "scale factor")
    group = zarr.open_consolidated(os.path.join(folder, "monthly_utm.zarr"), mode="r")
    check(group["f32"].chunks == (2, 17, 23), "Zarr chunks are the cube's")
    check(group["f32"].compressor.codec_id == "blosc", "Zarr compressor")


def check_cogs(folder):
    samples = "osgeo_utils.samples.validate_cloud_optimized_geotiff"
    try:
        validator = __import__(samples, fromlist=["validate"])
    except ImportError:
        print("skipped: GDAL's COG validator is not installed")
        return
    for compress in ("DEFLATE", "ZSTD", "NONE"):
        path = os.path.join(folder, f"cog_{compress}.tif")
        warnings, errors, _ = validator.validate(path, full_check=True)
        check(not errors and not warnings, f"{path}: {errors} {warnings}")
        with rioxarray.open_rasterio(path, masked=True) as raster:
            check(raster.rio.crs.to_epsg() == 32618, "COG: CRS")
            check(raster.attrs["long_name"] == ("ndvi", "red"), "COG: band names")
        structure = gdal.Open(path).GetMetadata("IMAGE_STRUCTURE")
        check(structure.get("PREDICTOR") == (None if compress == "NONE" else "2"),
              "COG: predictor")


def main():
    program = os.path.join(os.path.dirname(os.environ["CUBE"]), "tests", "unit_sinks")
    if not os.path.exists(program):
        print("skipped: unit_sinks has not been built")
        sys.exit(77)
    gdal.UseExceptions()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "-tc=files for other readers"], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "CUBE_OUTPUT_FILES": folder})
        for axis in TIMES:
            for suffix, grid in (("utm", UTM), ("deg", DEG)):
                stem = os.path.join(folder, f"{axis}_{suffix}")
                check_cube(stem + ".nc", xr.open_dataset, grid, axis)
                check_cube(stem + ".zarr", xr.open_zarr, grid, axis)
        check_chunks(folder)
        check_cogs(folder)
    print(f"{len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
