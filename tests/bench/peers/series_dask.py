#!/usr/bin/python3
"""J9 with rioxarray and dask: the series of one pixel of the archive, to netCDF.

usage: series_dask.py OUT.nc THREADS X Y      (X, Y in EPSG:32631)
"""
import glob
import os
import sys

import dask
import numpy as np
import rioxarray
import xarray as xr

out, threads, x, y = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
folder = os.path.join(os.environ["CUBE_BENCH_DATA"], "series")


def pixel(path):
    """The pixel's value, or 0 (missing) where the image does not cover it."""
    image = rioxarray.open_rasterio(path, chunks=(1, 512, 512), lock=False)
    step = abs(float(image.x[1] - image.x[0]))
    return image.squeeze("band", drop=True).drop_vars("spatial_ref").reindex(
        x=[x], y=[y], method="nearest", tolerance=step / 2, fill_value=0)


with dask.config.set(scheduler="threads", num_workers=threads):
    bands = {}
    for band in ("B04", "B08", "SCL"):
        files = sorted(glob.glob(os.path.join(folder, f"*_{band}.tif")))
        stack = xr.concat([pixel(f) for f in files], dim="time", join="override")
        bands[band] = stack.assign_coords(time=np.arange(len(files)))
        bands[band].attrs["_FillValue"] = 0
    xr.Dataset(bands).to_netcdf(out)
