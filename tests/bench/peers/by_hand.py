#!/usr/bin/python3
"""What one writes with GDAL and numpy in an afternoon: whole arrays, one thread, nothing clever.

usage: by_hand.py OUT scene|mask|median|monthly|zones|landsat|series|bilinear|cubic

A peer that needs no more than python3-gdal and python3-numpy, and so the one with which results
are compared wherever the others are missing. Writes GeoTIFF, a band a slice. $CUBE_BENCH_CELLS:
only so many columns and rows of the grid.
"""
import glob
import os
import re
import sys
import warnings

import numpy as np
from osgeo import gdal

gdal.UseExceptions()
warnings.filterwarnings("ignore", "All-NaN")  # cells that no date shows stay missing
DATA = os.environ["CUBE_BENCH_DATA"]
LANDSAT_ARCHIVE = os.environ["CUBE_BENCH_LANDSAT"]
HIDDEN = (3, 8, 9, 10)
PIXEL = (440105, 5369005)
# The grids of the graphs: CRS, left, top, cell size, columns, rows.
SERIES = ("EPSG:32631", 439960, 5370000, 10, 2048, 2048)
ZONES = ("EPSG:32631", 710240, 5375480, 10, 2048, 2048)
LANDSAT = ("EPSG:3857", -8492425, 5284465, 250, 1950, 2110)
MOST_CELLS = int(os.environ.get("CUBE_BENCH_CELLS", 1 << 30))


def save(path, slices, like, **options):
    kind = {"float32": gdal.GDT_Float32, "uint16": gdal.GDT_UInt16,
            "uint8": gdal.GDT_Byte}[slices[0].dtype.name]
    rows, columns = slices[0].shape
    dataset = gdal.GetDriverByName("GTiff").Create(path, columns, rows, len(slices), kind,
                                                   ["TILED=YES", "BLOCKXSIZE=512",
                                                    "BLOCKYSIZE=512", "INTERLEAVE=BAND"])
    if like is not None:
        dataset.SetGeoTransform(like.GetGeoTransform())
        dataset.SetProjection(like.GetProjection())
    for i, cells in enumerate(slices):
        band = dataset.GetRasterBand(i + 1)
        if "nodata" in options:
            band.SetNoDataValue(options["nodata"])
        band.WriteArray(cells)


def warped(path, view, method="near"):
    """A band on the grid of `view`, 0 where the image does not reach; without approximation."""
    crs, left, top, cell, columns, rows = view
    columns, rows = min(columns, MOST_CELLS), min(rows, MOST_CELLS)
    bounds = (left, top - rows * cell, left + columns * cell, top)
    return gdal.Warp("", path, format="MEM", dstSRS=crs, outputBounds=bounds, width=columns,
                     height=rows, resampleAlg=method, srcNodata=0, dstNodata=0, errorThreshold=0)


def scene_bands(path, view, method):
    """Red and infrared of one date as float32, NaN under clouds and outside."""
    red, nir = (warped(path.replace("B04", band), view, method).ReadAsArray().astype(np.float32)
                for band in ("B04", "B08"))
    classes = warped(path.replace("B04", "SCL"), view).ReadAsArray()
    hidden = (red == 0) | (nir == 0) | np.isin(classes, HIDDEN)
    red[hidden] = nir[hidden] = np.nan
    return red, nir


def ndvi(red, nir):
    with np.errstate(invalid="ignore", divide="ignore"):
        return (nir - red) / (nir + red)


def scenes(folder):
    return sorted(glob.glob(os.path.join(DATA, folder, "*_B04.tif")), key=lambda p: p[-16:-8])


def median(folder, view, method, out):
    series = [ndvi(*scene_bands(path, view, method)) for path in scenes(folder)]
    save(out, [np.nanmedian(series, axis=0).astype(np.float32)], warped(scenes(folder)[0], view))


def monthly(out):
    months = [[] for _ in range(24)]
    for path in scenes("series"):
        year, month = re.search(r"_(\d{4})(\d{2})\d{2}_", path).groups()
        months[(int(year) - 2023) * 12 + int(month) - 1].append(path)
    like = warped(scenes("series")[0], SERIES)
    slices = []
    for paths in months:
        if not paths:
            slices.append(np.full((like.RasterYSize, like.RasterXSize), np.nan, np.float32))
            continue
        bands = [scene_bands(path, SERIES, "near") for path in paths]
        red, nir = (np.nanmedian([b[i] for b in bands], axis=0) for i in (0, 1))
        slices.append(ndvi(red, nir).astype(np.float32))
    save(out, slices, like)


def landsat(out):
    bands = []
    for name in ("B4", "B5"):
        files = sorted(glob.glob(os.path.join(LANDSAT_ARCHIVE, "*", f"*_{name}.TIF")))
        stack = np.stack([warped(f, LANDSAT, "bilinear").ReadAsArray() for f in files])
        stack = np.where(stack == 0, np.float32("nan"), stack.astype(np.float32))
        bands.append(np.nanmedian(stack, axis=0))
    save(out, [ndvi(*bands).astype(np.float32)], warped(files[0], LANDSAT))


def series(out):
    """The pixel's values of the dates that have one, as a raster of one row a band."""
    rows = []
    for band in ("B04", "B08", "SCL"):
        values = []
        for path in scenes("series"):
            image = gdal.Open(path.replace("B04", band))
            left, cell, _, top, _, _ = image.GetGeoTransform()
            column, row = int((PIXEL[0] - left) // cell), int((top - PIXEL[1]) // cell)
            if 0 <= column < image.RasterXSize and 0 <= row < image.RasterYSize:
                values.append(image.ReadAsArray(column, row, 1, 1)[0, 0])
        rows.append(np.array([[v for v in values if v]], np.uint16))
    width = max(row.shape[1] for row in rows)
    save(out, [np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows], None, nodata=0)


def scene(out):
    stem = os.path.join(DATA, "scene", "S2_31UDQ_20230615_")
    red, nir = (gdal.Open(f"{stem}{band}.tif") for band in ("B04", "B08"))
    save(out, [ndvi(*(b.ReadAsArray().astype(np.float32) for b in (red, nir)))], red)


def mask(out):
    stem = os.path.join(DATA, "scene", "S2_31UDQ_20230615_")
    picture = gdal.OpenEx(stem + "visual.tif", open_options=["OVERVIEW_LEVEL=0"])
    cells = picture.ReadAsArray()
    cells[:, np.isin(gdal.Open(stem + "SCL.tif").ReadAsArray(), (8, 9))] = 0
    save(out, list(cells), picture, nodata=0)


def superimpose(method, out):
    pan = gdal.Open(os.path.join(DATA, "panxs", "PAN.tif"))
    left, cell, _, top, _, _ = pan.GetGeoTransform()
    bounds = (left, top - cell * pan.RasterYSize, left + cell * pan.RasterXSize, top)
    gdal.Warp(out, os.path.join(DATA, "panxs", "XS.tif"), outputBounds=bounds, xRes=cell, yRes=cell,
              resampleAlg=method, creationOptions=["TILED=YES"], multithread=True)


def main():
    out, job = sys.argv[1:]
    if job in ("bilinear", "cubic"):
        superimpose(job, out)
    elif job == "median":
        median("series", SERIES, "near", out)
    elif job == "zones":
        median("mixed", ZONES, "bilinear", out)
    else:
        {"scene": scene, "mask": mask, "monthly": monthly, "landsat": landsat, "series": series}[job](out)


if __name__ == "__main__":
    main()
