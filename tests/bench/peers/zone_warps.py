#!/usr/bin/python3
"""J4's bare warps: every image of both zones onto the one grid with gdalwarp's approximation, kept
in memory and thrown away; no mask, no NDVI, no median.

usage: zone_warps.py THREADS
"""
import glob
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from osgeo import gdal

gdal.UseExceptions()
BOUNDS = (710240, 5355000, 730720, 5375480)


def warp(path):
    nearest = path.endswith("_SCL.tif")
    gdal.Warp("", path, format="MEM", dstSRS="EPSG:32631", outputBounds=BOUNDS, xRes=10, yRes=10,
              resampleAlg="near" if nearest else "bilinear")


files = glob.glob(os.path.join(os.environ["CUBE_BENCH_DATA"], "mixed", "*.tif"))
with ThreadPoolExecutor(int(sys.argv[1])) as pool:
    list(pool.map(warp, files))
