#!/usr/bin/python3
"""Inputs as ../shared/bench/make_data.py names and places them, but of 256 x 256 cells or fewer.

usage: tiny_data.py FOLDER scene|series|mixed|panxs|landsat...

Fields are smooth functions of the ground position plus seeded noise where no job resamples, so
that scenes in two UTM zones show the same ground.
"""
import datetime
import os
import sys

import numpy as np
from osgeo import gdal, osr

gdal.UseExceptions()
SIDE = 256
DATES = [datetime.date(2023, 1, 5) + datetime.timedelta(days=5 * k) for k in (0, 2, 40, 41, 90)]
HALF = 2  # the date whose scene covers the left half only


def write(path, bands, epsg, left, top, cell, nodata=0, overview=False):
    kind = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16}[bands[0].dtype.name]
    rows, columns = bands[0].shape
    dataset = gdal.GetDriverByName("GTiff").Create(
        path, columns, rows, len(bands), kind,
        ["TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=128", "COMPRESS=DEFLATE", "PREDICTOR=2"])
    dataset.SetGeoTransform((left, cell, 0, top, 0, -cell))
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(epsg)
    dataset.SetSpatialRef(srs)
    for i, cells in enumerate(bands):
        band = dataset.GetRasterBand(i + 1)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        band.WriteArray(cells)
    if overview:
        dataset.BuildOverviews("AVERAGE", [2])


def ground(left, top, cell, columns, rows, way=None):
    """Coordinates of the cells' centres, through the transformation `way`."""
    x, y = np.meshgrid(left + cell * (np.arange(columns) + 0.5),
                       top - cell * (np.arange(rows) + 0.5))
    if way is None:
        return x, y
    points = np.array(way.TransformPoints(np.column_stack([x.ravel(), y.ravel()])))
    return points[:, 0].reshape(x.shape), points[:, 1].reshape(x.shape)


def field(x, y, base, phase):
    waves = np.sin(x / 700 + phase) * np.cos(y / 900 - phase)
    return np.rint(base + 0.4 * base * waves).astype(np.uint16)


def classes(x, y, phase):
    """A scene classification: plants, with clouds (8, 9) and their shadows (3)."""
    wave = np.sin(x / 400 - phase) + np.sin(y / 500 + 2 * phase)
    return np.select([wave > 1.3, wave > 1.1, wave < -1.5], [9, 8, 3], 4).astype(np.uint8)


def scene(folder):
    stem = os.path.join(folder, "S2_31UDQ_20230615_")
    rng = np.random.default_rng(31)
    x, y = ground(399960, 5400000, 10, SIDE, SIDE)
    noisy = [field(x, y, base, 0.3) + rng.integers(0, 50, x.shape, np.uint16)
             for base in (1200, 2500)]
    for cells in noisy:
        cells[:, :6] = 0  # the swath's edge
    write(stem + "B04.tif", noisy[:1], 32631, 399960, 5400000, 10)
    write(stem + "B08.tif", noisy[1:], 32631, 399960, 5400000, 10)
    picture = [(cells // 16).astype(np.uint8) for cells in (*noisy, noisy[0] // 2)]
    write(stem + "visual.tif", picture, 32631, 399960, 5400000, 10, overview=True)
    coarse = ground(399960, 5400000, 20, SIDE // 2, SIDE // 2)
    write(stem + "SCL.tif", [classes(*coarse, 1)], 32631, 399960, 5400000, 20)


def dates(folder, name, place, way_of=lambda k: None, epsg_of=lambda k: 32631):
    for k, date in enumerate(DATES):
        (left, top), columns = place(k), SIDE // 2 if k == HALF else SIDE
        x, y = ground(left, top, 10, columns, SIDE, way_of(k))
        stem = os.path.join(folder, f"S2_{name(k)}_{date:%Y%m%d}_")
        write(stem + "B04.tif", [field(x, y, 900, k)], epsg_of(k), left, top, 10)
        write(stem + "B08.tif", [field(x, y, 2600, k / 2)], epsg_of(k), left, top, 10)
        coarse = ground(left, top, 20, columns // 2, SIDE // 2, way_of(k))
        write(stem + "SCL.tif", [classes(*coarse, k)], epsg_of(k), left, top, 20)


def series(folder):
    dates(folder, lambda k: "31UDQ", lambda k: (439960, 5370000))


def mixed(folder):
    """Odd dates in zone 32, on the ground that the even ones show in zone 31."""
    systems = [osr.SpatialReference(), osr.SpatialReference()]
    for system, epsg in zip(systems, (32631, 32632)):
        system.ImportFromEPSG(epsg)
        system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    to_31 = osr.CoordinateTransformation(systems[1], systems[0])
    x, y, _ = osr.CoordinateTransformation(*systems).TransformPoint(710240, 5375480)
    corner = (round(x / 20) * 20, round(y / 20) * 20)
    dates(folder, lambda k: ("31UGQ", "32ULV")[k % 2],
          lambda k: corner if k % 2 else (710240, 5375480),
          lambda k: to_31 if k % 2 else None, lambda k: 32631 + k % 2)


def panxs(folder):
    rng = np.random.default_rng(5)
    pan = rng.integers(100, 4000, (SIDE, SIDE), np.uint16)
    write(os.path.join(folder, "PAN.tif"), [pan], 32631, 460000, 5380000, 0.5, nodata=None)
    xs = [rng.integers(100, 4000, (SIDE // 4, SIDE // 4), np.uint16) for _ in range(4)]
    write(os.path.join(folder, "XS.tif"), xs, 32631, 460000.7, 5379999.1, 2, nodata=None)


def landsat(folder):
    for k, day in enumerate(("20180131", "20180405", "20180710")):
        name = f"LC08_L1TP_013032_{day}"
        image = os.path.join(folder, f"{name}_{day}_01_T1")
        os.makedirs(image)
        left, top, cell = 388000 + 9000 * k, 4745000, 300  # the corner of the graph's grid
        x, y = ground(left, top, cell, SIDE, SIDE)
        for band, base in (("B4", 8000), ("B5", 15000)):
            path = os.path.join(image, f"{name}_{band}.TIF")
            write(path, [field(x / 10, y / 10, base, k)], 32618, left, top, cell, nodata=None)


def main():
    for name in sys.argv[2:]:
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder)
        {"scene": scene, "series": series, "mixed": mixed, "panxs": panxs,
         "landsat": landsat}[name](folder)


if __name__ == "__main__":
    main()
